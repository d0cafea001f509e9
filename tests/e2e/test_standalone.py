"""`windlass standalone` as a user starts it: real processes, a real port, a home of its own."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

START_SECONDS = 60  # the machine may be busy with other tests
STOP_SECONDS = 30
DOUBLE = {"language": "python3", "content": "def main(x: int):\n    return x * 2", "args": {"x": 21}}


@dataclass(frozen=True, kw_only=True)
class Standalone:
    """One started Windlass."""

    process: subprocess.Popen[bytes]
    home: Path
    port: int

    def call(self, method: str, path: str, *, token: str | None = None, body: object = None) -> str:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/api{path}", method=method)
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.read().decode()

    def answers(self) -> bool:
        assert self.process.poll() is None, f"it ended with {self.process.returncode}"
        try:
            return bool(self.call("GET", "/version"))
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def log_in(self) -> str:
        return self.call("POST", "/auth/login", body={"email": "admin@windmill.dev", "password": "changeme"})

    def run(self, script: dict[str, object]) -> object:
        token = self.log_in()
        workspace = json.loads(self.call("GET", "/workspaces/list", token=token))[0]["id"]
        job = self.call("POST", f"/w/{workspace}/jobs/run/preview", token=token, body=script)
        path = f"/w/{workspace}/jobs_u/completed/get_result_maybe/{job}"
        wait_until(lambda: json.loads(self.call("GET", path, token=token))["completed"], 60)
        return json.loads(self.call("GET", path, token=token))["result"]

    def family(self) -> list[int]:
        """Every living process of this home: children, their children, and PostgreSQL."""
        return [pid for pid in map(int, filter(str.isdecimal, os.listdir("/proc"))) if self._owns(pid)]

    def _owns(self, pid: int) -> bool:
        mark = os.fsencode(self.home)
        process = Path(f"/proc/{pid}")
        try:
            texts = (
                process.joinpath("cmdline").read_bytes(),
                process.joinpath("environ").read_bytes(),
                os.fsencode(os.readlink(process / "cwd")),  # PostgreSQL's own children show only this
            )
        except OSError:  # it ended meanwhile, or belongs to somebody else
            return False
        return pid != os.getpid() and any(mark in text for text in texts)

    def children(self, role: str) -> list[int]:
        """The processes `windlass <role>` of this home."""
        return [pid for pid in self.family() if role in command_of(pid)]


def command_of(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    except OSError:
        return []


def wait_until(condition: Callable[[], object], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.02)


def spawn(home: Path, port: int) -> Standalone:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DATABASE_URL")}
    process = subprocess.Popen(
        [sys.executable, "-m", "windlass", "standalone"],
        env=environment | {"WINDLASS_HOME": str(home), "PORT": str(port)},
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    return Standalone(process=process, home=home, port=port)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def home() -> Iterator[Path]:
    # Not tmp_path: as root its parents are closed to the account that PostgreSQL runs under.
    folder = Path(tempfile.mkdtemp(prefix="windlass-test-", dir="/tmp"))
    folder.chmod(0o711)
    yield folder / "home"
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def standalone(home: Path) -> Iterator[Standalone]:
    running = spawn(home, free_port())
    try:
        wait_until(running.answers, START_SECONDS)
        yield running
    finally:
        kill_all(running)


def kill_all(standalone: Standalone) -> None:
    for pid in [standalone.process.pid, *standalone.family()]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    standalone.process.wait()
    wait_until(lambda: not standalone.family(), STOP_SECONDS)


def test_it_runs_a_script_and_ctrl_c_ends_everything_with_exit_code_zero(standalone):
    assert standalone.run(DOUBLE) == 42
    os.killpg(standalone.process.pid, signal.SIGINT)
    assert standalone.process.wait(timeout=STOP_SECONDS) == 0
    assert standalone.family() == []


def test_sigkill_leaves_no_process_and_the_next_start_works(standalone, home):
    assert standalone.run(DOUBLE) == 42
    standalone.process.kill()
    standalone.process.wait()
    wait_until(lambda: not standalone.family(), STOP_SECONDS)
    following = spawn(home, free_port())
    try:
        wait_until(following.answers, START_SECONDS)
        assert following.run(DOUBLE) == 42
    finally:
        kill_all(following)


def test_a_killed_worker_is_replaced_and_work_goes_on(standalone):
    wait_until(lambda: standalone.children("worker"), START_SECONDS)
    killed = set(standalone.children("worker"))
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: set(standalone.children("worker")) - killed, START_SECONDS)
    assert standalone.run(DOUBLE) == 42


def test_a_second_one_on_the_same_home_says_who_has_it(standalone, home):
    second = subprocess.run(
        [sys.executable, "-m", "windlass", "standalone"],
        env={**os.environ, "WINDLASS_HOME": str(home), "PORT": str(free_port())},
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
    )
    assert second.returncode != 0
    assert f"in use by another Windlass (process {standalone.process.pid})" in second.stderr
    assert "Traceback" not in second.stderr
    assert standalone.answers()


def test_database_passwords_stand_in_no_argument_list_and_no_environment(standalone):
    wait_until(lambda: standalone.children("worker"), START_SECONDS)
    passwords = json.loads((standalone.home / "postgres" / "credentials.json").read_text()).values()
    family = standalone.family()
    assert len(family) >= 4  # itself, PostgreSQL, server, worker
    for pid in family:
        process = Path(f"/proc/{pid}")
        seen = process.joinpath("cmdline").read_bytes() + process.joinpath("environ").read_bytes()
        assert not any(password.encode() in seen for password in passwords), command_of(pid)


def test_only_loopback_is_listened_on(standalone):
    sockets = Path("/proc/net/tcp").read_text().splitlines()[1:]
    listening = {line.split()[1] for line in sockets if line.split()[3] == "0A"}
    assert [one for one in listening if one.endswith(f":{standalone.port:04X}")] == [
        f"0100007F:{standalone.port:04X}"
    ]
