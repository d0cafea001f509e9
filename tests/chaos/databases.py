"""A database that goes away, and a network that lies: R2, R3, R4, R24, R25."""

import asyncio
import itertools
import random
import threading
import time
import urllib.error
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field

import httpx2

from chaos.figures import Figure, judged, quantile, scaled, scenario
from chaos.relay import Relay, running_relay
from chaos.world import LEASE_S, World
from support.processes import Windlass, running, wait_until

PRODUCT_LEASES = {"ZOMBIE_JOB_TIMEOUT": "30", "HEARTBEAT_INTERVAL": "5"}
RESUMES_WITHIN_S = 3.0
NET_S = 1.0  # between two polls of a worker's queue
KILL_SOMEBODY = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = 'windlass' AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1
"""
KILL_LISTENERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"


@dataclass(kw_only=True)
class Submitter:
    """Callers that never give up, and what they were told."""

    server: Windlass
    tag: str
    accepted: list[str] = field(default_factory=list)
    answers: Counter[int] = field(default_factory=Counter)
    over: threading.Event = field(default_factory=threading.Event)

    def submit_for_ever(self) -> None:
        """Until `over`, one job after the other."""
        while not self.over.wait(0.02):
            self.submit()

    def submit(self) -> bool:
        """Whether the server took a job."""
        body = {"content": "true", "language": "bash", "args": {"seconds": 0.02}, "tag": self.tag}
        try:
            self.accepted.append(self.server.call("POST", "/w/main/jobs/run/preview", body=body))
        except urllib.error.HTTPError as error:
            self.answers[error.code] += 1
            return False
        self.answers[201] += 1
        return True


@scenario("R2", "PostgreSQL restarts, politely and not", alone=True)
def postgres_restarts(world: World, chance: random.Random, scale: float) -> Sequence[Figure]:
    """Under load, with the product's own leases; one outage lasts 5 s beside a long job, at full scale one 60 s."""
    restarts, long_s = scaled(20, scale, 2), 60 if scale >= 1 else 8
    outages = [5.0, *(chance.uniform(0.2, 1.5) for _ in range(restarts - 1))] + [60.0] * (scale >= 1)
    server = world.start_server(**PRODUCT_LEASES)
    workers = [world.start_worker("r2", **PRODUCT_LEASES) for _ in range(2)]
    long_job = world.enqueue("r2", each=[{"seconds": long_s}])
    wait_until(lambda: world.notes(long_job), 10, "the start of the long job")
    submitter, resumed = Submitter(server=server, tag="r2"), []
    with ThreadPoolExecutor(2) as pool:
        asking = [pool.submit(submitter.submit_for_ever) for _ in range(2)]
        for outage, end in zip(outages, itertools.cycle((world.cluster.stop, world.cluster.crash)), strict=False):
            time.sleep(10_000 * scale / 100 / restarts)
            end()
            time.sleep(outage)
            world.cluster.start()
            resumed.append(_seconds_until_served(submitter))
            workers = world.fleet.tend(workers)
        submitter.over.set()
        for one in asking:
            one.result()
    world.run(world.database.close())
    world.run(world.database.open())
    world.rest("r2")
    starts = sum(note.kind == "start" for note in world.notes(long_job))
    world.fleet.stop(*workers)
    return [
        *judged(world.judge("r2", accepted=[*submitter.accepted, *long_job]), world.replay_completions("r2")),
        Figure(name="restarts", value=len(outages)),
        Figure(name="answers other than 201 and 503", value=_others(submitter.answers), most=0),
        Figure(name="slowest to resume", value=max(resumed), unit="s", most=RESUMES_WITHIN_S),
        Figure(name="starts of the long job", value=starts, most=1),
    ]


def _others(answers: Counter[int]) -> int:
    return answers.total() - answers[201] - answers[503]


def _seconds_until_served(submitter: Submitter) -> float:
    back, known = time.monotonic(), len(submitter.accepted)
    wait_until(lambda: len(submitter.accepted) > known, 30, "an accepted job")
    submitter.server.completed(submitter.accepted[known], 30)
    return time.monotonic() - back


@scenario("R3", "connections are killed, and answers to commits are lost")
def connections_are_killed(world: World, chance: random.Random, scale: float) -> Sequence[Figure]:
    """Two workers behind a relay that swallows answers, and backends that are terminated at random."""
    kills = scaled(2000, scale, 40)
    accepted = world.enqueue("r3", 8 * kills, each=[{"seconds": chance.uniform(0, 0.1)} for _ in range(50)])
    world.run(world.database.close())
    with running_relay(world.urls.system, seed=chance.randrange(2**32)) as relay:
        relay.lossiness = 0.02
        workers = [world.start_worker("r3", DATABASE_URL_SYSTEM=relay.through(world.urls.system)) for _ in range(2)]
        for _ in range(kills):
            world.fetch(KILL_SOMEBODY)
            time.sleep(0.05)
            workers = world.fleet.tend(workers)
        lost, relay.lossiness = relay.lost_answers, 0.0
        workers = world.fleet.tend(workers)
        world.rest("r3")
        codes = world.fleet.stop(*workers)
    world.run(world.database.open())
    return [
        *judged(world.judge("r3", accepted=accepted), world.replay_completions("r3")),
        Figure(name="connections killed", value=kills),
        Figure(name="answers lost", value=lost, least=1),
        Figure(name="workers that ended badly", value=sum(code != 0 for code in codes), most=0),
    ]


@scenario("R4", "a worker is cut off for two leases")
def partitions(world: World, chance: random.Random, scale: float) -> Sequence[Figure]:
    """Two workers, each behind a relay of its own; one goes dark while it runs jobs, and comes back."""
    rounds = scaled(200, scale, 2)
    accepted: list[str] = []
    with ExitStack() as stack:
        relays = [stack.enter_context(running_relay(world.urls.system)) for _ in range(2)]
        workers = [world.start_worker("r4", DATABASE_URL_SYSTEM=relay.through(world.urls.system)) for relay in relays]
        for number in range(rounds):
            jobs = world.enqueue("r4", 6, each=[{"seconds": chance.uniform(0.5, 3 * LEASE_S)} for _ in range(6)])
            accepted += jobs
            victim = workers[number % 2].pid
            wait_until(lambda jobs=jobs, pid=victim: _runs_any(world, jobs, pid), 30, "a job on the worker to cut off")
            _go_dark(relays[number % 2])
        world.rest("r4")
        codes = world.fleet.stop(*workers)
    report = world.judge("r4", accepted=accepted)
    return [
        *judged(report, world.replay_completions("r4")),
        Figure(name="partitions", value=rounds),
        Figure(name="longest overlap of two attempts", value=report.overlap_ms, unit="ms", most=0),
        Figure(name="workers that ended badly", value=sum(code != 0 for code in codes), most=0),
    ]


def _runs_any(world: World, jobs: Sequence[str], pid: int) -> bool:
    last = {note.job: note for note in world.notes(jobs)}
    return any(note.pid == pid and note.kind in {"start", "alive"} for note in last.values())


def _go_dark(relay: Relay) -> None:
    relay.go_dark()
    time.sleep(2 * LEASE_S)
    relay.heal()


@scenario("R24", "the news of the queue are lost")
def news_are_lost(world: World, _chance: random.Random, scale: float) -> Sequence[Figure]:
    """The LISTEN connections are killed just before a job is queued: it costs one poll interval at most."""
    times = scaled(100, scale, 5)
    worker = world.start_worker("r24", SLEEP_QUEUE=str(round(NET_S * 1000)))
    accepted = world.enqueue("r24")
    world.rest("r24")
    waits = []
    for _ in range(times):
        world.fetch(KILL_LISTENERS)
        [job] = world.enqueue("r24")
        queued = time.monotonic()
        [note] = wait_until(lambda job=job: [note for note in world.notes([job]) if note.kind == "start"], 10)
        waits.append(note.at - queued)
        accepted.append(job)
        time.sleep(0.7)  # the listener comes back within half a second, so that each time it is the news that is lost
    world.rest("r24")
    world.fleet.stop(worker)
    return [
        *judged(world.judge("r24", accepted=accepted)),
        Figure(name="listeners killed", value=times),
        Figure(name="p50 to start", value=quantile(waits, 0.5), unit="s"),
        Figure(name="slowest to start", value=max(waits), unit="s", most=NET_S + 0.25),
    ]


@scenario("R25", "more clients than connections")
def pool_is_exhausted(world: World, _chance: random.Random, scale: float) -> Sequence[Figure]:
    """500 clients at once on a pool of 20 (of 4, when scaled down): answers, refusals with Retry-After, no deadlock."""
    clients, size = scaled(500, scale, 100), 20 if scale >= 1 else 4
    settings = world.environment(DATABASE_CONNECTIONS=str(size))
    worker = world.start_worker("r25")
    long_jobs = world.enqueue("r25", 2, each=[{"seconds": 2 * LEASE_S}])
    with running("server", world.folder / "crowded", **settings) as server:
        began = time.monotonic()
        answers = world.run(_crowd(server, clients))
        lasted = time.monotonic() - began
    world.rest("r25")
    world.fleet.stop(worker)
    codes = Counter(code for code, _ in answers)
    again = sum(event.epoch > 1 for event in world.events("r25"))
    return [
        *judged(world.judge("r25", accepted=long_jobs)),
        Figure(name="clients", value=clients),
        Figure(name="served", value=codes[200], least=1),
        Figure(name="refused with Retry-After", value=codes[503] + codes[429]),
        Figure(name="anything else", value=codes.total() - codes[200] - codes[503] - codes[429], most=0),
        Figure(
            name="refused without Retry-After", value=sum(code != 200 and not wait for code, wait in answers), most=0
        ),
        Figure(name="taken from a living worker", value=again, most=0),
        Figure(name="all answered after", value=lasted, unit="s", most=60),
    ]


async def _crowd(server: Windlass, clients: int) -> list[tuple[int, str]]:
    """Each client runs a job and waits for it, and lists the jobs; what they were told."""
    headers = {"Authorization": f"Bearer {server.token}"}
    body = {"content": "true", "language": "bash", "args": {"seconds": 0.05}, "tag": "r25"}
    limits = httpx2.Limits(max_connections=clients)
    base = f"http://127.0.0.1:{server.port}/api/w/main"
    async with httpx2.AsyncClient(headers=headers, timeout=60, limits=limits) as http:
        running = [http.post(f"{base}/jobs/run_wait_result/preview", json=body) for _ in range(clients)]
        listing = [http.get(f"{base}/jobs/list?per_page=5") for _ in range(clients)]
        answers = await asyncio.gather(*running, *listing)
    return [(answer.status_code, answer.headers.get("retry-after", "")) for answer in answers]
