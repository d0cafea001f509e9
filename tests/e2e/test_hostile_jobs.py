"""Jobs that flood, grow, fork, hide, refuse to die or attack their parent: each ends clearly, the worker lives on."""

import os
import time

import pytest

from support.processes import (
    START_SECONDS,
    WORKSPACE,
    command_of,
    database_environment,
    family_of,
    folder_of,
    peak_mb,
    running,
    temporary_home,
    wait_until,
)
from windlass.worker.launcher import tree

pytestmark = pytest.mark.slow

GRACE_SECONDS = 2.0
LOG_BYTES = 1024 * 1024
LIMITS = {
    "JOB_MEMORY_MB": "300", "JOB_PROCESSES": "100", "JOB_DISK_MB": "100", "MAX_LOG_CHARS": str(LOG_BYTES),
}  # fmt: skip
TIERS = ("A-root" if os.geteuid() == 0 else "A", "B")
MARKER = "log limit of 1024 KiB reached, the rest is dropped"

FORK_TEN_THOUSAND = """
def main():
    import os, time
    for _ in range(10_000):
        try:
            if os.fork() == 0:
                time.sleep(600)
        except OSError:
            time.sleep(0.001)
    time.sleep(600)
"""
FLOODS = {
    "1 GB in lines": "yes 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde | head -c 1000000000",
    "200 MB without a newline": "head -c 200000000 /dev/zero | tr '\\0' 'W'",
    "200 MB of binary garbage": "head -c 200000000 /dev/urandom",
}


@pytest.fixture(scope="module", params=TIERS)
def settings(urls, request):
    return database_environment(urls) | LIMITS | {"SANDBOX_TIERS": request.param}


@pytest.fixture(scope="module")
def server(settings):
    with temporary_home() as home, running("server", home, **settings) as server:
        yield server


@pytest.fixture(scope="module")
def worker(server, settings):
    folder = server.home.parent / "worker"
    with running("worker", folder, port=server.port, **settings) as worker:
        assert server.run("echo ready")["success"]
        yield worker


@pytest.fixture(autouse=True)
def _the_worker_lives_and_nothing_is_left(server, worker):
    yield
    assert worker.process.poll() is None
    assert server.run("echo next", seconds=5)["result"] == "next"
    wait_until(lambda: jobs_of(worker) == [], 2, "the end of every process of a job")


def jobs_of(worker):
    """Every process that runs in a job's folder or was given one as its home."""
    return [pid for pid in family_of(worker.home / "jobs") if not is_warm(pid, worker.home / "jobs")]


def is_warm(pid, jobs):
    """Whether this is a process that waits for jobs, in a folder of its own, and no job."""
    return any(argument.endswith("zygote.py") for argument in command_of(pid)) and folder_of(pid).parent == jobs


def error_of(completed):
    assert completed["success"] is False
    return completed["result"]["error"]


def started(server, script, language="bash"):
    """The id of a job that has written `up` to its log."""
    job = server.start_job(script, language)
    wait_until(lambda: "up" in (server.job(job).get("logs") or ""), START_SECONDS, "the first word of the job")
    return job


@pytest.mark.parametrize("flood", FLOODS)
def test_a_flood_of_output_is_cut_while_the_worker_stays_small_and_others_go_on(server, worker, flood, capsys):
    before, slowest = peak_mb(worker.process.pid), 0.0
    began = time.monotonic()
    job = server.start_job(f'{FLOODS[flood]}; echo; echo "the end"')
    while server.job(job)["type"] != "CompletedJob":
        asked = time.monotonic()
        assert asked - began < 60, "the flood does not end"
        assert server.run("echo beside", seconds=10)["result"] == "beside"
        slowest = max(slowest, time.monotonic() - asked)
    completed, grown = server.completed(job), peak_mb(worker.process.pid) - before
    with capsys.disabled():
        print(f"\n{flood}: {time.monotonic() - began:.1f} s, worker +{grown:.1f} MB, "
              f"slowest job beside it {slowest:.2f} s")  # fmt: skip
    assert completed["success"] and completed["result"] == "the end"
    assert completed["logs"].count(MARKER) == 1
    assert len(completed["logs"]) < LOG_BYTES + 1000
    assert grown < 100
    assert slowest < 5


def test_a_job_that_grows_beyond_its_memory_ends_as_out_of_memory(server):
    grow = "def main():\n    kept = []\n    while True:\n        kept.append(bytearray(b'x' * 4_000_000))"
    error = error_of(server.run(grow, "python3"))
    assert (error["name"], error["reason"]) == ("OutOfMemory", "oom")


def test_a_job_that_asks_for_twice_its_memory_at_once_ends_as_out_of_memory(server):
    error = error_of(server.run("def main():\n    return len(b'x' * (600 << 20))", "python3"))
    assert (error["name"], error["reason"]) == ("OutOfMemory", "oom")


@pytest.mark.parametrize(
    "script", ["yes > full", "mkdir d; for ((n = 0; ; n++)); do head -c 5000000 /dev/zero > d/$n; done"]
)
def test_a_job_that_fills_its_folder_ends_as_disk_full(server, script):
    error = error_of(server.run(script, seconds=30))
    assert (error["name"], error["reason"]) == ("DiskFull", "disk_full")
    assert error["message"] == "the job wrote more than its limit of 100 MiB"


def test_a_job_that_meets_a_full_disk_says_so_to_machines(server):
    error = error_of(server.run("echo x > /dev/full"))
    assert (error["name"], error["reason"]) == ("ExecutionErr", "disk_full")


def test_a_job_that_is_killed_by_a_stranger_says_so_to_machines(server):
    assert error_of(server.run("kill -9 $$"))["reason"] == "killed"


def test_a_job_that_takes_too_long_ends_as_timeout(server):
    body = {"content": "while :; do :; done", "language": "bash", "args": {}}
    job = server.call("POST", f"/w/{WORKSPACE}/jobs/run/preview?timeout=1", body=body)
    error = error_of(server.completed(job, seconds=20))
    assert (error["name"], error["reason"]) == ("Timeout", "timeout")


def test_a_job_that_forks_ten_thousand_processes_ends_as_too_many_processes(server):
    error = error_of(server.run(FORK_TEN_THOUSAND, "python3", seconds=30))
    assert (error["name"], error["reason"]) == ("TooManyProcesses", "processes")


def test_a_job_whose_children_fork_on_ends_as_too_many_processes(server):
    error = error_of(server.run("bomb() { bomb | bomb & }; bomb; sleep 600", seconds=30))
    assert (error["name"], error["reason"]) == ("TooManyProcesses", "processes")


def test_a_daemon_does_not_outlive_its_job(server):
    completed = server.run("setsid bash -c 'exec >/dev/null 2>&1 </dev/null; exec sleep 300' & disown; echo left")
    assert completed["result"] == "left"


def test_a_daemon_that_keeps_the_pipes_open_does_not_hold_its_job(server):
    began = time.monotonic()
    assert server.run("setsid sleep 300 & disown; echo left", seconds=20)["result"] == "left"
    assert time.monotonic() - began < 5


def test_a_job_that_ignores_sigterm_is_gone_soon_after_its_cancel(server, worker, capsys):
    job = started(server, "trap '' TERM; echo up; while true; do sleep 300; done")
    asked = time.monotonic()
    server.cancel(job)
    completed = server.completed(job, seconds=GRACE_SECONDS + 2)
    wait_until(lambda: jobs_of(worker) == [], 1)
    with capsys.disabled():
        print(f"\na job that ignores SIGTERM is gone {time.monotonic() - asked:.2f} s after its cancel")
    assert time.monotonic() - asked < GRACE_SECONDS + 2
    assert completed["canceled"] is True


def test_a_job_that_closes_its_pipes_is_waited_for(server):
    completed = server.run("echo before; exec >&- 2>&-; sleep 1; exit 3")
    assert error_of(completed)["message"]
    assert completed["duration_ms"] >= 1000


def test_a_job_that_kills_its_parent_fails_clearly(server):
    completed = server.run("def main():\n    import os\n    os.kill(os.getppid(), 9)\n    return 'alive'", "python3")
    assert error_of(completed)["name"] in {"PermissionError", "ProcessLookupError", "SandboxError"}


def test_a_job_that_kills_all_it_may_hurts_itself_only(server):
    completed = server.run("kill -9 -1; kill -9 $PPID; exit 5")
    assert error_of(completed)["message"]


def test_a_job_with_more_processes_than_allowed_ends_as_too_many_processes(server):
    completed = server.run("for i in $(seq 300); do sleep 60 & done; wait", seconds=30)
    assert error_of(completed)["name"] == "TooManyProcesses"


def test_after_all_this_the_worker_has_no_process_but_its_launcher_and_what_waits_for_jobs(worker):
    below = [" ".join(command_of(pid)) for pid in tree.descendants(worker.process.pid)]
    launcher = [command for command in below if "windlass.worker.launcher.server" in command]
    warm = [command for command in below if "zygote.py" in command]
    assert len(launcher) + len(warm) == len(below)
    assert 1 <= len(launcher) - len(warm) / 2 <= 2  # each warm process has a supervisor, and a fork that waits
