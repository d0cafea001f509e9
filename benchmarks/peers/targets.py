"""How a side of the comparison is started, and what one job and a thousand of them are there.

Called by `sides` and `measurement`. Each start is a new process with an empty
database, so that no side inherits rows.
"""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchmarks.client import Client, good
from benchmarks.instance import WORKSPACE, Instance, free_port, started
from benchmarks.peers import environments
from windlass.db import embedded

PROGRAMS = Path(__file__).with_name("programs")
READY_SECONDS, STOP_SECONDS, ANSWER_SECONDS = 180, 20, 120
POLL_S = 0.01
SCRIPT = "u/admin/increment"
CODE = "def main(n: int):\n    return n + 1\n"
WITNESS = "import secrets\n\nLOADED = secrets.token_hex()\n\ndef main():\n    return LOADED\n"
WITNESSED = 40


class NotRunnable(Exception):
    """A side cannot be measured on this machine; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Drain:
    """Seconds from the first submission until all were submitted, and until all were done."""

    enqueue_s: float
    total_s: float


class Target(Protocol):
    """A side that was started."""

    def run(self, n: int) -> int:
        """Submit one job over HTTP and return its result, which is `n + 1`."""
        ...

    def drain(self, count: int) -> Drain:
        """Submit `count` jobs that do nothing, and wait for the end of the last."""
        ...


@dataclass(frozen=True, kw_only=True)
class Peer:
    """A program of `programs/` that was started."""

    client: Client

    def run(self, n: int) -> int:
        return json.loads(good(*self.client.request("POST", "/run", {"n": n})))

    def drain(self, count: int) -> Drain:
        return Drain(**json.loads(good(*self.client.request("POST", "/drain", {"count": count}))))


@dataclass(frozen=True, kw_only=True)
class Ours:
    """A script of ours on a running instance."""

    instance: Instance

    def run(self, n: int) -> int:
        return json.loads(self.instance.call("POST", f"jobs/run_wait_result/p/{SCRIPT}", {"n": n}))

    def drain(self, count: int) -> Drain:
        before = self._succeeded()
        begun = time.perf_counter()
        self._submit(count)
        enqueued = time.perf_counter() - begun
        while self._waiting() > 0 or self._succeeded() - before < count:
            if time.perf_counter() - begun > ANSWER_SECONDS:
                raise RuntimeError(f"{self._succeeded() - before} of {count} jobs succeeded")
            time.sleep(POLL_S)
        return Drain(enqueue_s=enqueued, total_s=time.perf_counter() - begun)

    def _submit(self, count: int) -> None:
        self.instance.call("POST", f"jobs/run_batch/p/{SCRIPT}", [{"n": n} for n in range(count)])

    def _waiting(self) -> int:
        return json.loads(self.instance.call("GET", "jobs/queue/count"))["database_length"]

    def _succeeded(self) -> int:
        return json.loads(self.instance.call("GET", "jobs/completed/count_jobs?success=true"))


@contextmanager
def ours(folder: Path, *, code: str = CODE, **settings: str) -> Iterator[Ours]:
    """Starts `windlass standalone` with the script, and with settings beside the defaults."""
    with started(folder, free_port(), **settings) as instance:
        instance.deploy(SCRIPT, "python3", code)
        yield Ours(instance=instance)


@contextmanager
def dedicated(folder: Path) -> Iterator[Ours]:
    """Starts `windlass standalone` with a worker that keeps the script loaded; raises NotRunnable when it does not."""
    witness = f"{SCRIPT}_witness"
    with ours(folder, DEDICATED_WORKER=f"{WORKSPACE}:{SCRIPT},{WORKSPACE}:{witness}") as target:
        target.instance.deploy(witness, "python3", WITNESS)
        seen = [target.instance.call("POST", f"jobs/run_wait_result/p/{witness}", {}) for _ in range(WITNESSED)]
        if len(set(seen[WITNESSED // 2 :])) != 1:
            raise NotRunnable("the worker loads the script for each job")
        yield target


def peer(name: str, program: str, **settings: str) -> Callable[[Path], AbstractContextManager[Target]]:
    """Starts a program of `programs/`, with its peer's environment and an empty database.

    The settings are templates of environment variables: `{folder}`, `{child_port}`, `{database}` (the URL's part
    after its scheme).
    """

    @contextmanager
    def start(folder: Path) -> Iterator[Peer]:
        interpreter = _installed(name)
        with _postgres(folder) as url, _program(interpreter, program, folder, url, settings) as client:
            yield Peer(client=client)

    return start


@contextmanager
def bwrap(folder: Path) -> Iterator[Target]:
    """Starts the program that opens bubblewrap for each request; raises NotRunnable where there is none."""
    if shutil.which("bwrap") is None:
        raise NotRunnable("bwrap is not on the PATH")
    with peer("bwrap", "serve_bwrap")(folder) as target:
        yield target


def _installed(name: str) -> Path:
    try:
        return environments.ensure(name)
    except subprocess.CalledProcessError as error:
        raise NotRunnable(f"cannot be installed: {error.stderr.strip().splitlines()[-1]}") from error


@contextmanager
def _postgres(home: Path) -> Iterator[str]:
    """A new cluster of the build and with the settings that Windlass embeds; its owner's URL."""
    with asyncio.Runner() as runner:
        cluster = runner.run(embedded.start(home))
        try:
            yield cluster.owner_url
        finally:
            runner.run(cluster.stop())


@contextmanager
def _program(interpreter: Path, program: str, folder: Path, url: str, settings: Mapping[str, str]) -> Iterator[Client]:
    client = Client(port=free_port(), timeout_s=ANSWER_SECONDS)
    command = [str(interpreter), "-m", "uvicorn", "--app-dir", str(PROGRAMS), "--no-access-log"]
    log = folder / "output.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(client.port), f"{program}:app"],
            env=_environment(interpreter, folder, url, settings),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        _wait_until_ready(process, client, log)
        yield client
    finally:
        _stop(process)


def _environment(interpreter: Path, folder: Path, url: str, settings: Mapping[str, str]) -> dict[str, str]:
    port = str(free_port())
    database = url.partition("://")[2]
    own = {name: value.format(folder=folder, child_port=port, database=database) for name, value in settings.items()}
    paths = {"PYTHONPATH": str(PROGRAMS), "PATH": f"{interpreter.parent}:{os.environ['PATH']}"}
    return os.environ | paths | {"DATABASE_URL": url, "FOLDER": str(folder), "CHILD_PORT": port} | own


def _wait_until_ready(process: subprocess.Popen[bytes], client: Client, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not client.answers("/ready"):
        if process.poll() is not None or time.monotonic() > deadline:
            raise NotRunnable(f"did not start: {_last_words(log)}")
        time.sleep(0.05)


def _last_words(log: Path) -> str:
    """What a program said last, before uvicorn's word that it did not start."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return next((line for line in reversed(lines) if not line.endswith("startup failed. Exiting.")), "no output")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Politely; then everything that the program left in its session."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
