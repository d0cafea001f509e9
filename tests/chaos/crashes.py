"""Processes that die, freeze or are stopped: R1, R5, R6, R9."""

import itertools
import random
import signal
import threading
import time
import urllib.error
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from uuid import uuid4

from chaos.figures import Figure, judged, quantile, scaled, scenario
from chaos.fleet import Child
from chaos.oracle import Note
from chaos.witness import running_witness
from chaos.world import LEASE_S, REST_S, World
from support.processes import START_SECONDS, Windlass, running, wait_until

RESTARTS_WITHIN_S = LEASE_S + 1.5
STALE_TREE_GONE_S = 1.0
LONGEST_DRAIN_S = 30.0


@scenario("R1", "a worker is killed every second")
def workers_are_killed(world: World, chance: random.Random, scale: float) -> Sequence[Figure]:
    """Four workers, one of them killed each second, jobs all the while."""
    count, kills = scaled(10_000, scale, 150), scaled(300, scale, 5)
    workers = [world.start_worker("r1") for _ in range(4)]
    accepted: list[str] = []
    killed_at: dict[int, float] = {}
    for _ in range(kills):
        began = time.monotonic()
        lasts = [{"seconds": 3.0 if chance.random() < 0.01 else chance.uniform(0.1, 0.5)} for _ in range(20)]
        accepted += world.enqueue("r1", count // kills, each=lasts)
        time.sleep(chance.uniform(0.05, 0.5))
        victim = chance.randrange(4)
        killed_at[workers[victim].pid] = time.monotonic()
        world.fleet.kill(workers[victim])
        workers[victim] = world.fleet.again(workers[victim])
        time.sleep(max(0.0, began + 1 - time.monotonic()))
    world.rest("r1")
    world.fleet.stop(*workers)
    delays = _restart_delays(world.notes(accepted), killed_at)
    return [
        *judged(world.judge("r1", accepted=accepted), world.replay_completions("r1")),
        Figure(name="kills", value=kills),
        Figure(name="restart p50", value=quantile(delays, 0.5), unit="s"),
        Figure(name="restart p99", value=quantile(delays, 0.99), unit="s", most=RESTARTS_WITHIN_S),
    ]


def _restart_delays(notes: Sequence[Note], killed_at: dict[int, float]) -> list[float]:
    """From the death of an attempt's worker to the start of the next attempt."""
    starts = {(note.job, note.epoch): note for note in notes if note.kind == "start"}
    ended = {(note.job, note.epoch) for note in notes if note.kind in {"end", "stopped"}}
    delays = []
    for (job, epoch), note in starts.items():
        before = starts.get((job, epoch - 1))
        if before is not None and before.pid in killed_at and (job, epoch - 1) not in ended:
            delays.append(note.at - killed_at[before.pid])
    return delays


@scenario("R5", "a worker is frozen for three leases, its jobs are not")
def workers_freeze(world: World, chance: random.Random, scale: float) -> Sequence[Figure]:
    """Real workers and sandboxed jobs: after the thaw the stale job is gone soon, and its result counts for nothing."""
    rounds = scaled(200, scale, 2)
    lingers: list[float] = []
    accepted: list[str] = []
    with ExitStack() as stack:
        witness = stack.enter_context(running_witness())
        workers = {group: stack.enter_context(running("worker", world.folder / group, **world.environment(
            WORKER_GROUP=group, WORKER_TAGS="r5", WORKER_SLOTS="2"))) for group in ("left", "right")}  # fmt: skip
        for _ in range(rounds):
            job = world.start_real("r5", witness.pulse(seconds=4.5 * LEASE_S))
            accepted.append(job)
            wait_until(lambda job=job: witness.notes_of(job), 30, "the start of the job")
            frozen = workers[_group_of(world, job)].process
            frozen.send_signal(signal.SIGSTOP)
            time.sleep(3 * LEASE_S)
            frozen.send_signal(signal.SIGCONT)
            thawed = time.monotonic()
            time.sleep(STALE_TREE_GONE_S + 0.5)
            stale = [note.at for note in witness.notes_of(job) if note.epoch == 1]
            lingers.append(max(stale) - thawed)
        world.rest("r5")
        assert [worker.process.poll() for worker in workers.values()] == [None, None]
        notes = witness.notes_of(*accepted)
    report = world.judge("r5", accepted=accepted, notes=notes)
    return [
        *judged(report, world.replay_completions("r5")),
        Figure(name="freezes", value=rounds),
        Figure(name="stale job after the thaw", value=max(lingers), unit="s", most=STALE_TREE_GONE_S),
        Figure(name="longest overlap of user code", value=report.overlap_ms / 1000, unit="s"),
    ]


def _group_of(world: World, job: str) -> str:
    [[worker]] = world.fetch("SELECT worker FROM job_queue WHERE id = $1::uuid", job)
    return worker.split("-")[1]


@dataclass(kw_only=True)
class Caller:
    """Submits jobs all the time under ids of its own, so that it may ask again when a connection breaks."""

    servers: Sequence[Windlass]
    tag: str
    accepted: list[str] = field(default_factory=list)
    answers: Counter[int] = field(default_factory=Counter)
    over: threading.Event = field(default_factory=threading.Event)

    def submit_for_ever(self, pause: float) -> None:
        """Until `over`, one job each `pause` seconds."""
        for server in itertools.cycle(self.servers):
            if self.over.wait(pause):
                return
            job = str(uuid4())
            wait_until(lambda server=server, job=job: self._is_accepted(server, job), START_SECONDS)
            self.accepted.append(job)

    def _is_accepted(self, first: Windlass, job: str) -> bool:
        body = {"content": "true", "language": "bash", "args": {"seconds": 0.05}, "tag": self.tag}
        for server in (first, *self.servers):
            try:
                server.call("POST", f"/w/main/jobs/run/preview?job_id={job}", body=body)
            except urllib.error.HTTPError as error:
                self.answers[error.code] += 1
                if error.code == 409:  # the one before came through, and only its answer was lost
                    return True
            except OSError:
                continue
            else:
                return True
        return False


@scenario("R6", "servers and workers are replaced one after the other under load", alone=True)
def rolling_restarts(world: World, _chance: random.Random, scale: float) -> Sequence[Figure]:
    """Two servers and two workers; each round stops one of both politely and starts another."""
    rounds, drains = scaled(50, scale, 2), []
    servers = [world.start_server() for _ in range(2)]
    workers = [world.start_worker("r6", DRAIN_TIMEOUT="2") for _ in range(2)]
    outlasting = world.enqueue("r6", each=[{"seconds": 5.0}])
    caller = Caller(servers=tuple(servers), tag="r6")
    with ThreadPoolExecutor(2) as pool:
        asking = [pool.submit(caller.submit_for_ever, 0.04) for _ in range(2)]
        for turn in (number % 2 for number in range(rounds)):
            drains.append(_timed(lambda turn=turn: world.fleet.stop(workers[turn])))
            workers[turn] = world.fleet.again(workers[turn])
            drains.append(_timed(lambda turn=turn: servers[turn].stop(signal.SIGTERM)))
            servers[turn] = world.replace_server(servers[turn])
        caller.over.set()
        for one in asking:
            one.result()
    world.rest("r6")
    world.fleet.stop(*workers)
    events = world.events("r6")
    return [
        *judged(world.judge("r6", accepted=[*caller.accepted, *outlasting])),
        Figure(name="restarts", value=2 * rounds),
        Figure(name="failed", value=sum(event.status == "failure" for event in events), most=0),
        Figure(name="5xx", value=sum(count for code, count in caller.answers.items() if code >= 500), most=0),
        Figure(name="longest stop", value=max(drains), unit="s", most=LONGEST_DRAIN_S),
    ]


def _timed(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


@scenario("R9", "jobs that kill their worker")
def poison(world: World, _chance: random.Random, scale: float) -> Sequence[Figure]:
    """Each is given up after three starts; the others hardly notice."""
    pills, others = scaled(50, scale, 2), scaled(5000, scale, 200)
    workers = [world.start_worker("r9") for _ in range(4)]
    calm = world.enqueue("r9", others, each=[{"seconds": 0.01}])
    world.rest("r9")
    accepted, sick = [], []
    for _ in range(pills):
        sick += world.enqueue("r9", each=[{"poison": True}])
        accepted += world.enqueue("r9", others // pills, each=[{"seconds": 0.01}])
        workers = _tend_until_rest(world, workers, "r9")
    world.fleet.stop(*workers)
    report = world.judge("r9", accepted=[*calm, *accepted, *sick])
    ends = dict(
        world.fetch("SELECT id::text, result #>> '{error,name}' FROM job_completed WHERE id = ANY ($1::uuid[])", sick)
    )
    starts = Counter(note.job for note in world.notes(sick) if note.kind == "start")
    before, during = _latencies(world, calm), _latencies(world, accepted)
    return [
        *judged(report, world.replay_completions("r9")),
        Figure(name="pills", value=pills),
        Figure(name="most starts", value=max(starts.values()), most=3),
        Figure(name="given up", value=sum(name == "PoisonJob" for name in ends.values()), least=pills),
        Figure(
            name="p95 of the others", value=quantile(during, 0.95), unit="s", most=2 * quantile(before, 0.95) + 0.05
        ),
    ]


def _tend_until_rest(world: World, workers: list[Child], tag: str) -> list[Child]:
    deadline = time.monotonic() + REST_S
    while left := world.left(tag):
        assert time.monotonic() < deadline, f"{left} jobs of {tag} still wait or run"
        workers = world.fleet.tend(workers)
        time.sleep(0.02)
    return world.fleet.tend(workers)


def _latencies(world: World, jobs: Sequence[str]) -> list[float]:
    chosen, queued = set(jobs), {}
    found = []
    for event in world.events("r9"):
        if event.kind == "queued":
            queued[event.job] = event.at
        elif event.kind == "completed" and event.job in chosen:
            found.append(event.at - queued[event.job])
    return found
