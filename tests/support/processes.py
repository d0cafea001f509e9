"""Real processes of Windlass as an operator starts them: their client, what they use, and what they leave behind.

Everything here is plain blocking code, so that a test may stop, kill and watch without an event loop in the way.
"""

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from support.postgres import Urls
from windlass.worker.launcher import tree

START_SECONDS = 60  # the machine may be busy with other tests
STOP_SECONDS = 30
WORKSPACE = "main"
PORTS = range(20_000, 30_000)  # below the ephemeral range: no outgoing connection takes one before the start


def wait_until(condition: Callable[[], Any], seconds: float, what: str = "the condition") -> Any:
    """Polls until `condition` is true and returns its value; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what} did not come true in {seconds:g} s"
        time.sleep(0.02)
    return value


def free_port() -> int:
    """A port of `PORTS` that nobody listens on; another each time, so that two test runs do not meet on one."""
    for port in random.sample(PORTS, 50):
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError(f"no port of {PORTS} is free")


@contextmanager
def temporary_home() -> Iterator[Path]:
    """A home that does not exist yet; what still runs in it at the end is killed."""
    # Not tmp_path: as root its parents are closed to the account that PostgreSQL runs under.
    folder = Path(tempfile.mkdtemp(prefix="wl-chaos-", dir="/tmp"))
    folder.chmod(0o711)
    try:
        yield folder / "home"
    finally:
        kill_family(folder)
        shutil.rmtree(folder, ignore_errors=True)


def database_environment(urls: Urls) -> dict[str, str]:
    """The three logins of a database as settings."""
    return {"DATABASE_URL": urls.owner, "DATABASE_URL_API": urls.api, "DATABASE_URL_SYSTEM": urls.system}


@dataclass(frozen=True, kw_only=True)
class Windlass:
    """One started `windlass` command, and the client of the server on its port."""

    process: subprocess.Popen[bytes]
    home: Path
    port: int
    token: str | None = None

    def call(self, method: str, path: str, *, token: str | None = None, body: object = None) -> str:
        """The body of the answer; urllib.error.HTTPError for every status but 2xx."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/api{path}", method=method)
        if token or self.token:
            request.add_header("Authorization", f"Bearer {token or self.token}")
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.read().decode()

    def answers(self) -> bool:
        """Whether the API answers; fails when the process has ended."""
        assert self.process.poll() is None, f"it ended with {self.process.returncode}"
        try:
            return bool(self.call("GET", "/version"))
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def log_in(self) -> str:
        """A token of the first account."""
        return self.call("POST", "/auth/login", body={"email": "admin@windmill.dev", "password": "changeme"})

    def logged_in(self) -> "Windlass":
        """The same, with every call as the first account."""
        return replace(self, token=self.log_in())

    def start_job(self, content: str, language: str = "bash", **args: object) -> str:
        """Put code into the queue and return the job's id."""
        body = {"content": content, "language": language, "args": args}
        return self.call("POST", f"/w/{WORKSPACE}/jobs/run/preview", body=body)

    def job(self, job_id: str) -> dict[str, Any]:
        """The job as the API shows it, queued, running or completed."""
        return json.loads(self.call("GET", f"/w/{WORKSPACE}/jobs_u/get/{job_id}"))

    def is_running(self, job_id: str) -> bool:
        """Whether a worker has claimed the job."""
        return bool(self.job(job_id).get("running"))

    def completed(self, job_id: str, seconds: float = 60) -> dict[str, Any]:
        """The completed job; fails when it has not ended in time."""
        return wait_until(lambda: self._if_completed(job_id), seconds, f"the end of job {job_id}")

    def run(self, content: str, language: str = "bash", seconds: float = 60, **args: object) -> dict[str, Any]:
        """Run code and return its completed job."""
        return self.completed(self.start_job(content, language, **args), seconds)

    def cancel(self, job_id: str) -> None:
        """Ask for the end of a job."""
        self.call("POST", f"/w/{WORKSPACE}/jobs_u/queue/cancel/{job_id}", body={"reason": "test"})

    def _if_completed(self, job_id: str) -> dict[str, Any] | None:
        job = self.job(job_id)
        return job if job["type"] == "CompletedJob" else None

    def family(self) -> list[int]:
        """Every living process of this home."""
        return family_of(self.home)

    def children(self, role: str) -> list[int]:
        """The processes `windlass <role>` of this home."""
        return [pid for pid in self.family() if role in command_of(pid)]

    def kill(self) -> set[int]:
        """SIGKILL to the command's own process only; returns all that were below it."""
        below = tree.descendants(self.process.pid)
        self.process.kill()
        self.process.wait()
        return below

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Ask it to stop as a terminal does, and return its exit code."""
        self.process.send_signal(number)
        return self.process.wait(timeout=STOP_SECONDS)


def spawn(command: str, home: Path, *, port: int | None = None, **environment: str) -> Windlass:
    """Start `windlass <command>`; `environment` holds further settings."""
    port = port or free_port()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("DATABASE_URL")}
    process = subprocess.Popen(
        [sys.executable, "-m", "windlass", command],
        env=inherited | {"WINDLASS_HOME": str(home), "PORT": str(port)} | environment,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    return Windlass(process=process, home=home, port=port)


@contextmanager
def running(command: str, home: Path, *, port: int | None = None, **environment: str) -> Iterator[Windlass]:
    """`windlass <command>`, killed at the end with all below it. A server is waited for, and logged in."""
    started = spawn(command, home, port=port, **environment)
    try:
        if command == "worker":
            yield started
        else:
            wait_until(started.answers, START_SECONDS, "the first answer")
            yield started.logged_in()
    finally:
        kill_all([*tree.descendants(started.process.pid), started.process.pid])
        started.process.wait()


def kill_all(pids: Iterable[int]) -> None:
    """SIGKILL to each that still lives."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def kill_family(home: Path) -> None:
    """End everything that runs in this home, and wait until it is gone."""
    kill_all(family_of(home))
    wait_until(lambda: not family_of(home), STOP_SECONDS, "the end of every process")


def family_of(home: Path) -> list[int]:
    """Every living process that names this home: children, their children, PostgreSQL, jobs."""
    everybody = map(int, filter(str.isdecimal, os.listdir("/proc")))
    return [pid for pid in everybody if pid != os.getpid() and _names(pid, home)]


def _names(pid: int, home: Path) -> bool:
    process, mark = Path(f"/proc/{pid}"), os.fsencode(home)
    readers = (
        process.joinpath("cmdline").read_bytes,
        process.joinpath("environ").read_bytes,
        lambda: os.fsencode(os.readlink(process / "cwd")),  # PostgreSQL's own children show only this
    )
    return any(mark in _read(reader) for reader in readers)


def _read(reader: Callable[[], bytes]) -> bytes:
    try:
        return reader()
    except OSError:  # it ended meanwhile, or belongs to somebody else
        return b""


def folder_of(pid: int) -> Path:
    """The working folder of a process; `.` when it has ended."""
    return Path(os.fsdecode(_read(lambda: os.fsencode(os.readlink(f"/proc/{pid}/cwd")))))


def command_of(pid: int) -> list[str]:
    """The argument list of a process; empty when it has ended."""
    return _read(Path(f"/proc/{pid}/cmdline").read_bytes).decode().split("\0")


def alive(pids: Iterable[int]) -> list[int]:
    """Those that still run; what has ended and waits to be collected does not count."""
    return [pid for pid in pids if _status(pid, "State") not in {"", "Z", "X"}]


def resident_mb(pids: Iterable[int]) -> float:
    """The resident memory of these processes, added up: what they share is counted for each."""
    return tree.resident_bytes(set(pids)) / 2**20


def proportional_mb(pids: Iterable[int]) -> float:
    """The memory of these processes; what they share is divided among those who share it."""
    return tree.proportional_bytes(set(pids)) / 2**20


def peak_mb(pid: int) -> float:
    """The most memory that a process has ever had."""
    return int(_status(pid, "VmHWM")) / 1024


def _status(pid: int, name: str) -> str:
    lines = _read(Path(f"/proc/{pid}/status").read_bytes).decode().splitlines()
    return next((line.split()[1] for line in lines if line.startswith(f"{name}:")), "")


@dataclass(frozen=True, kw_only=True)
class Oracle:
    """An append-only witness that jobs report to, apart from the database that is under test."""

    port: int
    notes: list[tuple[str, ...]] = field(default_factory=list)

    def of(self, kind: str) -> list[tuple[str, ...]]:
        """The notes that begin with `kind`, without it."""
        return [note[1:] for note in list(self.notes) if note[0] == kind]

    def says(self, *words: str) -> str:
        """A line of Bash that writes a note; needs no program beside Bash."""
        request = f"GET /{'/'.join(words)} HTTP/1.0\\r\\n\\r\\n"
        return f'exec 9<>/dev/tcp/127.0.0.1/{self.port}; printf "{request}" >&9; read -r -u 9 _; exec 9>&-'


@contextmanager
def running_oracle() -> Iterator[Oracle]:
    """The witness on loopback: `GET /<word>/<word>` is a note."""
    oracle = Oracle(port=free_port())

    class Witness(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            oracle.notes.append(tuple(self.path.strip("/").split("/")))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", oracle.port), Witness)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield oracle
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def fast_leases(**more: str) -> Mapping[str, str]:
    """Settings with which a lost worker is noticed in two seconds."""
    return {"ZOMBIE_JOB_TIMEOUT": "2", "HEARTBEAT_INTERVAL": "0.4", **more}
