"""`windlass standalone` as a user starts it: real processes, a real port, a home of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.processes import (
    START_SECONDS,
    STOP_SECONDS,
    alive,
    command_of,
    free_port,
    proportional_mb,
    resident_mb,
    running,
    temporary_home,
    wait_until,
)
from windlass.worker.launcher import tree

pytestmark = pytest.mark.slow

DOUBLE = "def main(x: int):\n    return x * 2"


@pytest.fixture
def home():
    with temporary_home() as home:
        yield home


@pytest.fixture(scope="module")
def undisturbed():
    """One for the tests that only look."""
    with temporary_home() as home, running("standalone", home) as standalone:
        yield standalone


@pytest.fixture
def standalone(home):
    with running("standalone", home) as standalone:
        yield standalone


def double(standalone):
    return standalone.run(DOUBLE, "python3", x=21)["result"]


def test_it_runs_a_script_and_ctrl_c_ends_everything_with_exit_code_zero(standalone):
    assert double(standalone) == 42
    os.killpg(standalone.process.pid, signal.SIGINT)
    assert standalone.process.wait(timeout=STOP_SECONDS) == 0
    assert standalone.family() == []


def test_ctrl_c_lets_a_running_job_finish(standalone, home):
    job = standalone.start_job("sleep 2; echo finished")
    wait_until(lambda: standalone.is_running(job), START_SECONDS)
    assert standalone.stop() == 0
    assert standalone.family() == []
    with running("standalone", home) as following:
        completed = following.completed(job, seconds=1)
    assert (completed["success"], completed["result"]) == (True, "finished")
    assert 1900 < completed["duration_ms"] < 5000


def test_a_second_ctrl_c_stops_at_once_and_the_next_start_takes_the_job_up(standalone, home):
    job = standalone.start_job('if [ -n "${AGAIN:-}" ]; then echo; fi; sleep 4; echo finished')
    wait_until(lambda: standalone.is_running(job), START_SECONDS)
    standalone.process.send_signal(signal.SIGINT)
    # Two signals that arrive together are one: the second is for when the first was heard.
    wait_until(lambda: any(worker["draining"] for worker in json.loads(standalone.call("GET", "/workers/list"))), 3)
    pressed = time.monotonic()
    assert standalone.stop() == 130
    assert time.monotonic() - pressed < 3
    wait_until(lambda: not standalone.family(), 5)
    with running("standalone", home) as following:
        completed = following.completed(job, seconds=15)
    assert completed["result"] == "finished"
    assert "attempt 2" in completed["logs"]


def test_sigkill_leaves_no_process_and_the_next_start_is_quick_and_goes_on_with_the_queue(standalone, home, capsys):
    interrupted = standalone.start_job("sleep 3; echo finished")
    wait_until(lambda: standalone.is_running(interrupted), START_SECONDS)
    waiting = [standalone.start_job("sleep 0.1; echo waited") for _ in range(5)]
    killed = time.monotonic()
    below = standalone.kill()
    wait_until(lambda: not standalone.family() and not alive(below), 10, "the end of every process")
    gone = time.monotonic() - killed
    started = time.monotonic()
    with running("standalone", home) as following:
        start = time.monotonic() - started
        assert following.completed(interrupted, seconds=15)["result"] == "finished"
        assert [following.completed(job, seconds=15)["result"] for job in waiting] == ["waited"] * 5
        wait_until(lambda: os.listdir(home / "jobs") == [], 5, "an empty folder of jobs")
    with capsys.disabled():
        print(f"\nSIGKILL of the parent: all gone after {gone:.2f} s; second start in {start:.2f} s")
    assert start < 3


def test_api_and_idle_worker_stay_small(undisturbed, capsys):
    assert double(undisturbed) == 42
    for _ in range(200):
        undisturbed.call("GET", "/w/main/jobs/list")
    server = [pid for pid in undisturbed.children("server") if "windlass" in command_of(pid)]
    worker = [pid for pid in undisturbed.children("worker") if "windlass" in command_of(pid)]
    assert (len(server), len(worker)) == (1, 1)
    [fork_server] = tree.children(worker[0])
    api, idle = resident_mb(server), resident_mb([*worker, fork_server])
    whole = proportional_mb([*worker, *tree.descendants(worker[0])])
    with capsys.disabled():
        print(f"\nresident: API {api:.0f} MB after 200 requests; idle worker with its fork server {idle:.0f} MB "
              f"(with all below it, shared pages counted once: {whole:.0f} MB)")  # fmt: skip
    assert api < 150
    assert idle < 80


def test_a_killed_worker_is_replaced_and_work_goes_on(standalone):
    wait_until(lambda: standalone.children("worker"), START_SECONDS)
    killed = set(standalone.children("worker"))
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: set(standalone.children("worker")) - killed, START_SECONDS)
    assert double(standalone) == 42


def test_a_second_one_on_the_same_home_says_who_has_it(undisturbed):
    second = subprocess.run(
        [sys.executable, "-m", "windlass", "standalone"],
        env={**os.environ, "WINDLASS_HOME": str(undisturbed.home), "PORT": str(free_port())},
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
    )
    assert second.returncode != 0
    assert f"in use by another Windlass (process {undisturbed.process.pid})" in second.stderr
    assert "Traceback" not in second.stderr
    assert undisturbed.answers()


def test_database_passwords_stand_in_no_argument_list_and_no_environment(undisturbed):
    wait_until(lambda: undisturbed.children("worker"), START_SECONDS)
    passwords = json.loads((undisturbed.home / "postgres" / "credentials.json").read_text()).values()
    family = undisturbed.family()
    assert len(family) >= 4  # itself, PostgreSQL, server, worker
    for pid in family:
        process = Path(f"/proc/{pid}")
        seen = process.joinpath("cmdline").read_bytes() + process.joinpath("environ").read_bytes()
        assert not any(password.encode() in seen for password in passwords), command_of(pid)


def test_only_loopback_is_listened_on(undisturbed):
    sockets = Path("/proc/net/tcp").read_text().splitlines()[1:]
    listening = {line.split()[1] for line in sockets if line.split()[3] == "0A"}
    assert [one for one in listening if one.endswith(f":{undisturbed.port:04X}")] == [
        f"0100007F:{undisturbed.port:04X}"
    ]
