"""The supervisor with real child processes: order of stopping, restarts, secrets, sudden death."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

PARENT = """
import asyncio, json, sys
from windlass.supervise import Child, supervise

def child(given):
    return Child(name=given["name"], argv=[sys.executable, "-c", given["code"]], env={},
                 secrets={"database_url": "postgresql://secret"}, failed_starts=given.get("failed_starts", 1))

async def foundation(seconds):
    await asyncio.sleep(seconds)
    return "the ground gave way"

async def main():
    given = json.loads(sys.argv[1])
    stages = [[child(one) for one in stage] for stage in given["stages"]]
    ground = foundation(given["ground_lasts"]) if "ground_lasts" in given else None
    return await supervise(stages, drain_timeout=given.get("drain", 10), foundation=ground)

sys.exit(asyncio.run(main()))
"""

SERVES = """
import os, signal, time
def stop(*_):
    open({journal!r}, "a").write("{name} stopped\\n")
    os._exit(0)
signal.signal(signal.SIGTERM, stop)
open({journal!r}, "a").write(f"{name} started {{os.getpid()}}\\n")
time.sleep(60)
"""

DEAF = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open({journal!r}, "a").write(f"{name} started {{os.getpid()}}\\n")
time.sleep(60)
"""

READS_SECRETS = """
import json, os, time
text = os.fdopen(int(os.environ["WINDLASS_SECRETS_FD"])).read()
leaks = [name for name, value in os.environ.items() if "secret" in value]
open({journal!r}, "a").write(json.dumps({{"url": json.loads(text)["database_url"], "leaks": leaks}}) + "\\n")
time.sleep(60)
"""


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    path = tmp_path / "journal"
    path.touch()
    return path


def child(code: str, journal: Path, name: str, **more: object) -> dict[str, object]:
    return {"name": name, "code": code.format(journal=str(journal), name=name), **more}


def run(*stages: list[dict[str, object]], **more: object) -> subprocess.Popen[bytes]:
    given = json.dumps({"stages": stages, **more})
    return subprocess.Popen([sys.executable, "-c", PARENT, given])


def wait_until(condition: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.01)


def pids(journal: Path) -> list[int]:
    return [int(line.split()[2]) for line in journal.read_text().splitlines() if " started " in line]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_workers_before_the_server_and_exits_with_zero(journal, number):
    parent = run([child(SERVES, journal, "server")], [child(SERVES, journal, "worker")])
    wait_until(lambda: len(pids(journal)) == 2)
    parent.send_signal(number)
    assert parent.wait(timeout=20) == 0
    assert journal.read_text().splitlines()[2:] == ["worker stopped", "server stopped"]


def test_a_killed_worker_is_started_again(journal):
    parent = run([child(SERVES, journal, "worker", failed_starts=5)])
    wait_until(lambda: len(pids(journal)) == 1)
    os.kill(pids(journal)[0], signal.SIGKILL)
    wait_until(lambda: len(pids(journal)) == 2)
    parent.terminate()
    assert parent.wait(timeout=20) == 0


def test_a_server_that_cannot_start_stops_everything_with_its_own_exit_code(journal):
    parent = run([child("raise SystemExit(7)", journal, "server")], [child(SERVES, journal, "worker")])
    assert parent.wait(timeout=20) == 7
    assert not any(is_alive(pid) for pid in pids(journal))


def test_a_worker_that_never_stays_up_is_given_up(journal):
    parent = run([child("raise SystemExit(3)", journal, "worker", failed_starts=2)])
    assert parent.wait(timeout=20) == 3


def test_a_missing_program_is_an_error_and_not_a_hang(journal):
    code = PARENT.replace("[sys.executable, ", "['/no/such/program', ")
    given = json.dumps({"stages": [[child("", journal, "server")]]})
    assert subprocess.run([sys.executable, "-c", code, given], timeout=20, capture_output=True).returncode != 0


def test_the_second_signal_kills_a_deaf_worker(journal):
    parent = run([child(DEAF, journal, "worker")], drain=60)
    wait_until(lambda: len(pids(journal)) == 1)
    parent.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        parent.wait(timeout=0.5)
    parent.send_signal(signal.SIGINT)
    assert parent.wait(timeout=20) == 130
    assert not is_alive(pids(journal)[0])


def test_sigkill_of_the_supervisor_leaves_no_child(journal):
    parent = run([child(SERVES, journal, "server")], [child(SERVES, journal, "one"), child(SERVES, journal, "two")])
    wait_until(lambda: len(pids(journal)) == 3)
    parent.kill()
    parent.wait()
    wait_until(lambda: not any(is_alive(pid) for pid in pids(journal)))


def test_everything_stops_when_the_foundation_goes(journal):
    parent = run([child(SERVES, journal, "server")], ground_lasts=1)
    assert parent.wait(timeout=20) == 1
    assert not any(is_alive(pid) for pid in pids(journal))


def test_secrets_travel_by_pipe_and_not_by_environment(journal):
    parent = run([child(READS_SECRETS, journal, "server")])
    wait_until(lambda: journal.read_text().endswith("\n"))
    parent.terminate()
    parent.wait(timeout=20)
    assert json.loads(journal.read_text()) == {"url": "postgresql://secret", "leaks": []}
