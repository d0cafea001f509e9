"""Jobs that misbehave, and people who change their mind: R8, R12, R18."""

import random
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from urllib.error import HTTPError

from chaos.figures import Figure, judged, quantile, scaled, scenario
from chaos.witness import running_witness
from chaos.world import World
from support.processes import peak_mb, running, wait_until

MEMORY_MB = 64
GREEDY = f"""
import os, time
def main(child: bool = {{child}}):
    if child and os.fork():
        os.wait()
        return "the child ended"
    held = bytearray({2 * MEMORY_MB} * 2**20)
    for place in range(0, len(held), 4096):
        held[place] = 1
    time.sleep(5)  # where the memory of a tree is sampled, a spike may pass
    return len(held)
"""
GROWTH_MB = 100.0
GONE_WITHIN_S = 2.0
NAMES = "SELECT id::text, result #>> '{error,name}' FROM job_completed WHERE id = ANY ($1::uuid[])"


@scenario("R8", "jobs that take twice the memory they may")
def out_of_memory(world: World, chance: random.Random, scale: float) -> Sequence[Figure]:
    """Each fails and says why; the worker does not notice."""
    count = scaled(200, scale, 4)
    settings = world.environment(JOB_MEMORY_MB=str(MEMORY_MB), WORKER_TAGS="r8", WORKER_SLOTS="2")
    with running("worker", world.folder / "greedy", **settings) as worker:
        greedy = [
            world.start_real("r8", GREEDY.format(child=chance.random() < 0.3), "python3") for _ in range(count)
        ]  # fmt: skip
        world.rest("r8")
        after = world.start_real("r8", "echo still here")
        world.rest("r8")
        code = worker.process.poll()
    errors = Counter(dict(map(tuple, world.fetch(NAMES, greedy))).values())
    [[status]] = world.fetch("SELECT status FROM job_completed WHERE id = $1::uuid", after)
    return [
        *judged(world.judge("r8", accepted=[*greedy, after], notes=(), notes_complete=False)),
        Figure(name="greedy jobs", value=count),
        Figure(name="failed with OutOfMemory", value=errors["OutOfMemory"], least=count),
        Figure(name="worker restarts", value=int(code is not None), most=0),
        Figure(name="jobs that run after it", value=int(status == "success"), least=1),
    ]


def _loud(scale: float) -> dict[str, str]:
    """What floods a worker, by name; Bash and Python of the machine."""
    mega = scaled(1000, scale, 48)
    lines, line, result = scaled(1_000_000, scale, 100_000), scaled(200, scale, 24), scaled(100, scale, 12)
    return {
        "output": f"def main():\n    for _ in range({mega}):\n        print('x' * 1023 * 1024)",
        "lines": f"def main():\n    for number in range({lines}):\n        print(number, 'l' * 60)",
        "line": f"import sys\ndef main():\n    for _ in range({line}):\n        sys.stdout.write('y' * 2**20)",
        "binary": "import os\ndef main():\n    for _ in range(16):\n        os.write(1, os.urandom(2**20))",
        "result": f"def main():\n    return 'z' * ({result} * 2**20)",
    }


@scenario("R12", "output and results without end")
def floods(world: World, _chance: random.Random, scale: float) -> Sequence[Figure]:
    """The worker's memory stays, the log says where it was cut, other jobs are unharmed."""
    with running(
        "worker", world.folder / "flooded", **world.environment(WORKER_TAGS="r12", WORKER_SLOTS="2")
    ) as worker:
        first = world.start_real("r12", "echo ready")
        world.rest("r12")
        before = peak_mb(worker.process.pid)
        loud = {name: world.start_real("r12", code, "python3") for name, code in _loud(scale).items()}
        quiet = [world.start_real("r12", "echo quiet") for _ in range(10)]
        world.rest("r12")
        growth = peak_mb(worker.process.pid) - before
        code = worker.process.poll()
    marked = _marked(world, list(loud.values()))
    succeeded = world.fetch(
        "SELECT count(*) FROM job_completed WHERE status = 'success' AND id = ANY ($1::uuid[])", quiet
    )
    errors = dict(map(tuple, world.fetch(NAMES, [loud["result"]])))
    return [
        *judged(world.judge("r12", accepted=[first, *loud.values(), *quiet], notes=(), notes_complete=False)),
        Figure(name="worker grew by", value=growth, unit="MB", most=GROWTH_MB),
        Figure(name="logs cut with a mark", value=marked, least=4),
        Figure(name="ResultTooLarge", value=int(errors[loud["result"]] == "ResultTooLarge"), least=1),
        Figure(name="other jobs", value=succeeded[0][0], least=len(quiet)),
        Figure(name="worker restarts", value=int(code is not None), most=0),
    ]


def _marked(world: World, jobs: Sequence[str]) -> int:
    """How many logs say that they were cut."""
    query = (
        "SELECT count(DISTINCT job_id) FROM job_log WHERE job_id = ANY ($1::uuid[]) AND content LIKE '%log limit of%'"
    )
    return world.fetch(query, jobs)[0][0]


@scenario("R18", "jobs are canceled at any instant")
def cancel_races(world: World, chance: random.Random, scale: float) -> Sequence[Figure]:
    """Waiting, claimed, running, ending; a quarter by force. One end each, and what ran is gone soon."""
    count, server = scaled(5000, scale, 100), world.servers[0]
    workers = [world.start_worker("r18") for _ in range(3)]
    canceled_at: dict[str, float] = {}

    def cancel(job: str, force: bool) -> None:
        how = "force_cancel" if force else "cancel"
        with suppress(HTTPError):
            server.call("POST", f"/w/main/jobs_u/queue/{how}/{job}", body={"reason": "chaos"})
        canceled_at[job] = time.monotonic()

    accepted: list[str] = []
    with ThreadPoolExecutor(4) as pool:
        while len(accepted) < count:
            jobs = world.enqueue("r18", 25, each=[{"seconds": chance.uniform(0, 0.6)} for _ in range(25)])
            accepted += jobs
            for job in chance.sample(jobs, len(jobs)):
                time.sleep(chance.uniform(0, 0.02))
                pool.submit(cancel, job, chance.random() < 0.25)
    world.rest("r18")
    world.fleet.stop(*workers)
    ends = {event.job: event.status for event in world.events("r18") if event.kind == "completed"}
    lingers = _lingers(world, canceled_at)
    trees = _trees_of_real_jobs(world, scaled(100, scale, 3))
    return [
        *judged(world.judge("r18", accepted=accepted), world.replay_completions("r18")),
        Figure(name="canceled", value=Counter(ends.values())["canceled"], least=1),
        Figure(name="ended before it", value=Counter(ends.values())["success"]),
        Figure(name="p99 until stopped", value=quantile(lingers, 0.99), unit="s", most=GONE_WITHIN_S),
        Figure(name="p99 until a process tree is gone", value=quantile(trees, 0.99), unit="s", most=GONE_WITHIN_S),
    ]


def _lingers(world: World, canceled_at: dict[str, float]) -> list[float]:
    """How long each went on after it was canceled."""
    last = {note.job: note.at for note in world.notes(list(canceled_at))}
    return [max(0.0, at - canceled_at[job]) for job, at in last.items()]


def _trees_of_real_jobs(world: World, count: int) -> list[float]:
    """The same for sandboxed jobs with children that say that they live."""
    server, lingers = world.servers[0], []
    settings = world.environment(WORKER_TAGS="r18-real", WORKER_SLOTS="2")
    with running_witness() as witness, running("worker", world.folder / "trees", **settings):
        for _ in range(count):
            job = world.start_real(
                "r18-real", f"({witness.pulse(seconds=30)}) &\n({witness.pulse(seconds=30)}) &\nwait"
            )
            wait_until(lambda job=job: len(witness.notes_of(job)) > 4, 30, "signs of life of a tree")
            server.call("POST", f"/w/main/jobs_u/queue/cancel/{job}", body={"reason": "chaos"})
            canceled = time.monotonic()
            world.rest("r18-real")
            lingers.append(max(0.0, max(note.at for note in witness.notes_of(job)) - canceled))
    return lingers
