"""A real `windlass standalone` of its own, and a thin HTTP client to it.

The client is the standard library's, one connection a thread, so that little of what is measured is its own time.
"""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

READY_SECONDS = 60
STOP_SECONDS = 30
LOGIN = {"email": "admin@windmill.dev", "password": "changeme"}
WORKSPACE = "main"
IDLE_SECONDS = 3


@dataclass(kw_only=True)
class Instance:
    """A running instance and who we are in it."""

    pid: int
    port: int
    start_ms: float = 0.0
    token: str = ""
    _local: threading.local = field(default_factory=threading.local)

    def call(self, method: str, path: str, body: Any = None) -> bytes:
        """The answer to one request below /api/w/main; raises on any status from 400 on."""
        return _good(*self.request(method, f"/api/w/{WORKSPACE}/{path}", body))

    def request(self, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        """Status and body of one request on this thread's connection."""
        data = None if body is None else json.dumps(body).encode()
        connection = self.connection()
        connection.request(method, path, data, self.headers)
        response = connection.getresponse()
        return response.status, response.read()

    @property
    def headers(self) -> dict[str, str]:
        """What every request carries."""
        bearer = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return {"Content-Type": "application/json"} | bearer

    def connection(self) -> http.client.HTTPConnection:
        """This thread's connection, made anew when the server may have closed the idle one."""
        now = time.monotonic()
        if now - getattr(self._local, "used", -IDLE_SECONDS) >= IDLE_SECONDS:
            self._local.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        self._local.used = now
        return self._local.connection

    def deploy(self, path: str, language: str, content: str) -> None:
        """Deploy a script and wait for its lock."""
        body = {"path": path, "language": language, "content": content, "summary": ""}
        number = self.call("POST", "scripts/create", body).decode()
        while json.loads(self.call("GET", f"scripts/deployment_status/h/{number}"))["lock"] is None:
            time.sleep(0.05)


@contextmanager
def started(home: Path, port: int) -> Iterator[Instance]:
    """Start, log in, and stop at the end. `start_ms` is the time from the command to the first good answer."""
    begun = time.perf_counter()
    with (home / "output.log").open("ab") as log:
        process = subprocess.Popen(_command(home, port), env=_environment(), stdout=log, stderr=log)
    instance = Instance(pid=process.pid, port=port)
    try:
        _wait_until_ready(process, instance)
        instance.start_ms = (time.perf_counter() - begun) * 1000
        instance.token = _good(*instance.request("POST", "/api/auth/login", LOGIN)).decode()
        yield instance
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(STOP_SECONDS)


def free_port() -> int:
    """A port on the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _good(status: int, answer: bytes) -> bytes:
    if status >= 400:
        raise RuntimeError(f"{status}: {answer[:500].decode(errors='replace')}")
    return answer


def _command(home: Path, port: int) -> list[str]:
    return [sys.executable, "-m", "windlass", "standalone", "--home", str(home), "--port", str(port)]


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("DATABASE_URL", "WM_", "BASE_"))}


def _wait_until_ready(process: subprocess.Popen[bytes], instance: Instance) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not _is_ready(instance):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("windlass standalone did not start")
        time.sleep(0.02)


def _is_ready(instance: Instance) -> bool:
    try:
        return instance.request("GET", "/api/ready")[0] == 200
    except (ConnectionError, http.client.HTTPException):
        instance.connection().close()
        return False
