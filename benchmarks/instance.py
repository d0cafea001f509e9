"""A real `windlass standalone` of its own, and the requests that cases make of it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.client import Client, good

READY_SECONDS = 60
STOP_SECONDS = 30
LOGIN = {"email": "admin@windmill.dev", "password": "changeme"}
WORKSPACE = "main"


@dataclass(kw_only=True)
class Instance(Client):
    """A running instance and who we are in it."""

    pid: int
    start_ms: float = 0.0

    def call(self, method: str, path: str, body: Any = None) -> bytes:
        """The answer to one request below /api/w/main; raises on any status from 400 on."""
        return good(*self.request(method, f"/api/w/{WORKSPACE}/{path}", body))

    def deploy(self, path: str, language: str, content: str) -> None:
        """Deploy a script and wait for its lock."""
        body = {"path": path, "language": language, "content": content, "summary": ""}
        number = self.call("POST", "scripts/create", body).decode()
        while json.loads(self.call("GET", f"scripts/deployment_status/h/{number}"))["lock"] is None:
            time.sleep(0.05)


@contextmanager
def started(home: Path, port: int, **settings: str) -> Iterator[Instance]:
    """Start, log in, and stop at the end. `start_ms` is the time from the command to the first good answer."""
    begun = time.perf_counter()
    with (home / "output.log").open("ab") as log:
        process = subprocess.Popen(_command(home, port), env=_environment() | settings, stdout=log, stderr=log)
    instance = Instance(pid=process.pid, port=port)
    try:
        _wait_until_ready(process, instance)
        instance.start_ms = (time.perf_counter() - begun) * 1000
        instance.token = good(*instance.request("POST", "/api/auth/login", LOGIN)).decode()
        yield instance
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(STOP_SECONDS)


def free_port() -> int:
    """A port on the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _command(home: Path, port: int) -> list[str]:
    return [sys.executable, "-m", "windlass", "standalone", "--home", str(home), "--port", str(port)]


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("DATABASE_URL", "WM_", "BASE_"))}


def _wait_until_ready(process: subprocess.Popen[bytes], instance: Instance) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not instance.answers("/api/ready"):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("windlass standalone did not start")
        time.sleep(0.02)
