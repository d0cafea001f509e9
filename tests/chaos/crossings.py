"""How each border of a transaction is crossed while something breaks there, and what must be true afterwards.

A crossing enqueues, starts a child with the fault, sees it happen, repairs as a service manager and a client would
(another worker, the same request again), and judges.
"""

import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from chaos.fleet import Child
from chaos.history import Report
from chaos.world import HEARTBEAT_S, World
from support.borders import STAGES
from support.processes import wait_until

ACTIONS = ("kill", "drop", "raise", "sleep:0.2")
SOURCE = "worker.source.SqlSource"
LOST_CLAIM = f"{SOURCE}._exchange.statement.after_commit:1:drop"
FAULT_S = 20.0
REFUSED = 4
CLIENT = "chaos.journeys:call"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What breaks, and where. `tag` is this crossing's own."""

    border: str
    stage: str
    action: str
    tag: str
    passes: int = 1
    first: str = ""
    """A fault that must come before, so that the border is reached at all."""

    @property
    def setting(self) -> str:
        """The value of `FAIL`."""
        name, _, seconds = self.action.partition(":")
        fault = ":".join([f"{self.border}.{self.stage}", str(self.passes), name, *([seconds] if seconds else [])])
        return ",".join(filter(None, [self.first, fault]))


CROSSINGS: dict[str, Callable[[World, Fault], Report]] = {}


def crossing(*borders: str) -> Callable[[Callable[[World, Fault], Report]], Callable[[World, Fault], Report]]:
    """Says which borders a function crosses."""

    def add(cross: Callable[[World, Fault], Report]) -> Callable[[World, Fault], Report]:
        CROSSINGS.update(dict.fromkeys(borders, cross))
        return cross

    return add


def cross(world: World, border: str, stage: str, action: str) -> Report:
    """Let something break at a border, and judge what came of it."""
    assert stage in STAGES
    return CROSSINGS[border](world, Fault(border=border, stage=stage, action=action, tag=f"cross-{uuid4().hex[:8]}"))


def _start_broken_worker(world: World, fault: Fault, **settings: str) -> Child:
    """A worker that meets the fault; returns when it has happened."""
    common = {"FAIL": fault.setting, "SLEEP_QUEUE": "50", "DRAIN_TIMEOUT": "0", "RUST_LOG": "warn"}
    return world.start_worker(settings.pop("WORKER_TAGS", fault.tag), **(common | settings))


def _repair(world: World, fault: Fault, broken: Child, *, tag: str | None = None) -> None:
    """What runs again after the fault: the broken worker goes on if it lives, else another one does its work."""
    tag = tag or fault.tag
    _see(world, fault)
    wait_until(lambda: broken.pid in world.fleet.ended or not world.left(tag), FAULT_S, "the end of it, or of its jobs")
    if broken.pid not in world.fleet.ended:
        world.fleet.stop(broken)
    _finish(world, tag)


def _finish(world: World, tag: str) -> None:
    """A clean worker does what is left; what a dead one held is given back first."""
    world.reap_all()
    helper = world.start_worker(tag, SLEEP_QUEUE="50")
    world.rest(tag, seconds=FAULT_S)
    world.fleet.stop(helper)


def _see(world: World, fault: Fault) -> None:
    name = f"{fault.border}.{fault.stage}"
    wait_until(lambda: world.has_injected(name, since=fault.tag), FAULT_S, f"a fault at {name}")


@crossing(f"{SOURCE}.open.system", f"{SOURCE}.ping.system_statement")
def run_jobs(world: World, fault: Fault, **settings: str) -> Report:
    """A worker that claims, runs and ends jobs."""
    world.mark(fault.tag)
    jobs = world.enqueue(fault.tag, 3, each=[{"seconds": 0.05}])
    _repair(world, fault, _start_broken_worker(world, fault, **settings))
    return world.judge(fault.tag, accepted=jobs)


@crossing(f"{SOURCE}._exchange.statement")
def exchange(world: World, fault: Fault) -> Report:
    """The first exchange of a worker claims, one of the next settles."""
    report = run_jobs(world, fault)
    return report if report.violations else run_jobs(world, replace(fault, tag=f"{fault.tag}-2", passes=2))


@crossing(f"{SOURCE}._pull_one.statement")
def one_by_one(world: World, fault: Fault) -> Report:
    """A worker that settles and claims apart."""
    return run_jobs(world, fault, SETTLE_BATCH="false")


@crossing("worker.heart.Heart._renew.statement")
def renew_leases(world: World, fault: Fault) -> Report:
    """A job that lasts for several heartbeats."""
    world.mark(fault.tag)
    jobs = world.enqueue(fault.tag, each=[{"seconds": 3 * HEARTBEAT_S}])
    _repair(world, fault, _start_broken_worker(world, fault))
    return world.judge(fault.tag, accepted=jobs)


@crossing(f"{SOURCE}.release_unknown.statement")
def lose_a_claim(world: World, fault: Fault) -> Report:
    """A worker whose claim was committed, and whose answer was lost, gives back what it does not know."""
    world.mark(fault.tag)
    jobs = world.enqueue(fault.tag, 3, each=[{"seconds": 0.05}])
    fault = replace(fault, first=LOST_CLAIM)
    _repair(world, fault, _start_broken_worker(world, fault))
    return world.judge(fault.tag, accepted=jobs)


@crossing(f"{SOURCE}.release.system", f"{SOURCE}.goodbye.system_statement")
def drain(world: World, fault: Fault) -> Report:
    """A worker that is told to stop while a job runs that does not end in time."""
    world.mark(fault.tag)
    jobs = world.enqueue(fault.tag, each=[{"seconds": 0.4}])
    broken = _start_broken_worker(world, fault)
    wait_until(lambda: world.notes(jobs), FAULT_S, "the start of a job")
    world.fleet.signal(broken, signal.SIGTERM)
    _see(world, fault)
    world.fleet.wait(broken)
    _finish(world, fault.tag)
    return world.judge(fault.tag, accepted=jobs)


@crossing(f"{SOURCE}._interpolate.system_statement", f"{SOURCE}._interpolate.transaction")
def fill_in_arguments(world: World, fault: Fault) -> Report:
    """A job whose arguments hold a variable."""
    world.mark(fault.tag)
    world.make_variable("u/admin/word")
    jobs = world.enqueue(fault.tag, each=[{"seconds": 0.05, "word": "$var:u/admin/word"}])
    _repair(world, fault, _start_broken_worker(world, fault))
    return world.judge(fault.tag, accepted=jobs, notes_complete=False)


@crossing("worker.logs.Lane.flush.system_statement")
def write_a_log(world: World, fault: Fault) -> Report:
    """A job that says something."""
    world.mark(fault.tag)
    jobs = world.enqueue(fault.tag, each=[{"seconds": 0.05, "says": "hello\n"}])
    _repair(world, fault, _start_broken_worker(world, fault))
    [[text]] = world.fetch("SELECT string_agg(content, '') FROM job_log WHERE job_id = $1::uuid", jobs[0])
    assert text is None or text.count("hello") <= 2, text  # a lost last flush is given up, a repeated one counts once
    return world.judge(fault.tag, accepted=jobs)


@crossing("worker.logs.JobLog._find_end.system_statement")
def go_on_with_a_log(world: World, fault: Fault) -> Report:
    """The second attempt of a job begins where the log of the first stopped."""
    world.mark(fault.tag)
    jobs = world.enqueue(fault.tag, each=[{"seconds": 0.05, "says": "hello\n"}])
    world.claim(fault.tag)
    world.reap_all()
    _repair(world, fault, _start_broken_worker(world, fault))
    return world.judge(fault.tag, accepted=jobs)


@crossing(f"{SOURCE}._settle.system")
def record_a_lock(world: World, fault: Fault) -> Report:
    """The end of a deployment's job and the lock of its version are one transaction."""
    world.mark(fault.tag)
    job = _deploy(world, fault.tag)
    _repair(world, fault, _start_broken_worker(world, fault, WORKER_TAGS="dependency"), tag="dependency")
    _check_locks(world)
    return world.judge("dependency", accepted=[job])


def _deploy(world: World, name: str) -> str:
    world.fleet.wait(_request(world, "POST", "/w/main/scripts/create", _script(name)))
    return _dependency_jobs(world, name)[0]


def _script(name: str) -> dict[str, Any]:
    return {"path": f"u/admin/{name.replace('-', '_')}", "content": "def main():\n    return 1\n", "summary": "",
            "language": "python3", "description": ""}  # fmt: skip


def _dependency_jobs(world: World, name: str) -> list[str]:
    query = "SELECT id::text FROM job WHERE kind = 'dependencies' AND runnable_path = $1"
    return [row[0] for row in world.fetch(query, _script(name)["path"])]


def _check_locks(world: World) -> None:
    bare = "SELECT count(*) FROM script s JOIN job j ON j.runnable_hash = s.hash JOIN job_completed c USING (id)"
    assert world.fetch(f"{bare} WHERE s.lock IS NULL AND c.status = 'success'")[0][0] == 0
    early = "SELECT count(*) FROM script s JOIN job j ON j.runnable_hash = s.hash JOIN job_queue q USING (id)"
    assert world.fetch(f"{early} WHERE j.kind = 'dependencies' AND s.lock IS NOT NULL")[0][0] == 0


def _request(world: World, method: str, path: str, body: object = None, *, fail: str = "", key: str = "") -> Child:
    environment = world.environment(FAIL=fail, RUST_LOG="warn")
    headers = {"Authorization": f"Bearer {world.token()}"} | ({"Idempotency-Key": key} if key else {})
    return world.fleet.start(CLIENT, environment, method=method, path=path, headers=headers, body=body)


def _ask_twice(
    world: World, fault: Fault, method: str, path: str, body: object = None, *, key: str = "", refused: bool = False
) -> None:
    """The request with the fault, and again, as a client does that got no answer; the second may be `refused`."""
    world.mark(fault.tag)
    broken = _request(world, method, path, body, fail=fault.setting, key=key)
    _see(world, fault)
    world.fleet.wait(broken)
    assert world.fleet.wait(_request(world, method, path, body, key=key)) in ({0, REFUSED} if refused else {0})


def _launch(world: World, fault: Fault, path: str, body: object, *, job: str, key: str = "") -> Report:
    """Ask twice for one job under an id or a key of the client's choice: it is there once."""
    _ask_twice(world, fault, "POST", path, body, key=key)
    _finish(world, fault.tag)
    assert [row[0] for row in world.fetch("SELECT id::text FROM job WHERE tag = $1", fault.tag)] == [job]
    return world.judge(fault.tag, accepted=[job])


def _preview(fault: Fault) -> dict[str, Any]:
    return {"content": "true", "language": "bash", "args": {}, "tag": fault.tag}


@crossing("auth.identity.Identities.find.system_statement", "api.app.create_app.<locals>.lifespan.system",
          "jobs.push._write.statement")  # fmt: skip
def launch(world: World, fault: Fault) -> Report:
    """Code that comes with the request."""
    job = str(uuid4())
    return _launch(world, fault, f"/w/main/jobs/run/preview?job_id={job}", _preview(fault), job=job)


@crossing("jobs.runnables.Versions.find.system_statement")
def launch_by_path(world: World, fault: Fault) -> Report:
    """A deployed script."""
    job, script = str(uuid4()), _script(fault.tag) | {"language": "bash", "content": "true"}
    assert world.fleet.wait(_request(world, "POST", "/w/main/scripts/create", script)) == 0
    path = f"/w/main/jobs/run/p/{script['path']}?job_id={job}&tag={fault.tag}"
    return _launch(world, fault, path, {}, job=job)


@crossing("jobs.submit.Submissions._rooted.transaction")
def launch_a_child(world: World, fault: Fault) -> Report:
    """A job with a parent."""
    [parent] = world.enqueue(f"{fault.tag}-parent")
    job = str(uuid4())
    path = f"/w/main/jobs/run/preview?job_id={job}&parent_job={parent}"
    return _launch(world, fault, path, _preview(fault), job=job)


@crossing("jobs.submit.Submissions._earlier.system_statement")
def launch_again(world: World, fault: Fault) -> Report:
    """A job that was launched before, under an id and under a key."""
    job, path = str(uuid4()), "/w/main/jobs/run/preview"
    assert world.fleet.wait(_request(world, "POST", f"{path}?job_id={job}", _preview(fault))) == 0
    report = _launch(world, fault, f"{path}?job_id={job}", _preview(fault), job=job)
    if report.violations:
        return report
    second = replace(fault, tag=f"{fault.tag}-2")
    assert world.fleet.wait(_request(world, "POST", path, _preview(second), key=second.tag)) == 0
    [[job]] = world.fetch("SELECT id::text FROM job WHERE tag = $1", second.tag)
    return _launch(world, second, path, _preview(second), job=job, key=second.tag)


@crossing("jobs.submit.Submissions.submit_batch.<locals>.push_all.system_statement")
def launch_many(world: World, fault: Fault) -> Report:
    """A batch under a key: all of it once."""
    script = _script(fault.tag) | {"language": "bash", "content": "true"}
    assert world.fleet.wait(_request(world, "POST", "/w/main/scripts/create", script)) == 0
    path = f"/w/main/jobs/run_batch/p/{script['path']}?tag={fault.tag}"
    _ask_twice(world, fault, "POST", path, [{}] * 5, key=fault.tag)
    _finish(world, fault.tag)
    jobs = [row[0] for row in world.fetch("SELECT id::text FROM job WHERE tag = $1", fault.tag)]
    assert len(jobs) == 5
    return world.judge(fault.tag, accepted=jobs)


@crossing("api.routes.jobs._cancel.transaction")
def cancel(world: World, fault: Fault) -> Report:
    """A waiting job is canceled, and a running one by force."""
    waiting = world.enqueue(fault.tag)
    _ask_twice(world, fault, "POST", f"/w/main/jobs_u/queue/cancel/{waiting[0]}", {"reason": "chaos"})
    second = replace(fault, tag=f"{fault.tag}-2")
    running = world.enqueue(second.tag)
    world.claim(second.tag)
    _ask_twice(world, second, "POST", f"/w/main/jobs_u/queue/force_cancel/{running[0]}", {"reason": "chaos"})
    events = world.events(fault.tag, second.tag)
    assert {event.status for event in events if event.kind == "completed"} == {"canceled"}
    return world.judge(fault.tag, second.tag, accepted=[*waiting, *running])


@crossing("api.routes.scripts.create.transaction")
def deploy(world: World, fault: Fault) -> Report:
    """A version and the job that makes its lock come into being together."""
    _ask_twice(world, fault, "POST", "/w/main/scripts/create", _script(fault.tag), refused=True)
    _finish(world, "dependency")
    jobs = _dependency_jobs(world, fault.tag)
    [[versions]] = world.fetch("SELECT count(*) FROM script WHERE path = $1", _script(fault.tag)["path"])
    assert (len(jobs), versions) == (1, 1)
    _check_locks(world)
    return world.judge("dependency", accepted=jobs)


@crossing("jobs.wait.Outcomes._read.system_statement", "jobs.submit.Submissions._check_queue.system_statement")
def wait_for_a_result(world: World, fault: Fault) -> Report:
    """Whoever waits may die or lose the database; the job does not mind."""
    helper = world.start_worker(fault.tag)
    body = _preview(fault) | {"args": {"seconds": 0.1}}
    _ask_twice(world, fault, "POST", "/w/main/jobs/run_wait_result/preview?queue_limit=1000", body, key=fault.tag)
    world.rest(fault.tag)
    world.fleet.stop(helper)
    jobs = [row[0] for row in world.fetch("SELECT id::text FROM job WHERE tag = $1", fault.tag)]
    assert len(jobs) == 1
    return world.judge(fault.tag, accepted=jobs)


@crossing("maintenance.reaper.reap.system")
def reap(world: World, fault: Fault) -> Report:
    """A round of the reaper: all of it or nothing."""
    world.mark(fault.tag)
    jobs = world.enqueue(fault.tag, 3)
    world.claim(fault.tag)
    broken = world.fleet.start("chaos.journeys:reap", world.environment(FAIL=fault.setting, RUST_LOG="warn"), silence=0)
    _see(world, fault)
    world.fleet.wait(broken)
    running = world.fetch("SELECT DISTINCT running FROM job_queue WHERE tag = $1", fault.tag)
    assert len(running) == 1, "some were given back and some were not"
    _finish(world, fault.tag)
    return world.judge(fault.tag, accepted=jobs)


@crossing("maintenance.expirer.duty.<locals>.work.system")
def expire(world: World, fault: Fault) -> Report:
    """A round of the expirer, and another one."""
    world.mark(fault.tag)
    world.make_dead_token(fault.tag)
    environment = world.environment(RUST_LOG="warn")
    broken = world.fleet.start("chaos.journeys:expire", environment | {"FAIL": fault.setting})
    _see(world, fault)
    world.fleet.wait(broken)
    assert world.fleet.wait(world.fleet.start("chaos.journeys:expire", environment)) == 0
    assert world.fetch("SELECT count(*) FROM token WHERE label = $1", fault.tag)[0][0] == 0
    return world.judge(fault.tag, accepted=[])


def every_case(actions: Sequence[str] = ACTIONS) -> list[tuple[str, str, str]]:
    """Every border with each stage and each of the actions."""
    return [(border, stage, action) for border in CROSSINGS for stage in STAGES for action in actions]
