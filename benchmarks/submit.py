"""Durable submissions a second, beside a bare Starlette route with one INSERT on the same PostgreSQL in the same run.

No worker runs, so that only submitting is measured. `python -m benchmarks.submit` prints this case alone.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks import load
from benchmarks.figures import HEADER, Figure, Samples, Single
from benchmarks.instance import LOGIN, WORKSPACE, Instance, free_port
from windlass.db import embedded

ROUNDS = 3
SECONDS = 3.0
CONNECTIONS = (1, 32)
BATCHES, BATCH = 5, 10_000
PATH = "u/admin/submitted"
CODE = "def main(n: str, note: str = 'none'):\n    return n\n"
BODY = json.dumps({"n": "1", "note": "a short text"})


def figures(_running: Instance | None = None) -> Iterator[Figure]:
    """Ours and the bare route in turn, a median of rounds; then whole batches in one request."""
    with tempfile.TemporaryDirectory(prefix="windlass-bench-") as folder, ExitStack() as stack:
        home = Path(folder)
        home.chmod(0o711)
        url = stack.enter_context(_postgres(home))
        ours = stack.enter_context(_server(home, url))
        bare = stack.enter_context(_bare(url))
        for connections in CONNECTIONS:
            yield from _side_by_side(ours, bare, connections)
        yield _batches(ours)


def _side_by_side(ours: Instance, bare: int, connections: int) -> Iterator[Figure]:
    run = f"/api/w/{WORKSPACE}/jobs/run/p/{PATH}"
    sides = {
        "submissions": load.Load(port=ours.port, path=run, body=BODY, token=ours.token, connections=connections,
                                 seconds=SECONDS),
        "bare Starlette with one INSERT": load.Load(port=bare, path="/insert", body=BODY, connections=connections,
                                                    seconds=SECONDS),
    }  # fmt: skip
    rounds = [{name: load.run(side) for name, side in sides.items()} for _ in range(ROUNDS)]
    for name in sides:
        rate = statistics.median(answers[name].rate for answers in rounds)
        took = [one for answers in rounds for one in answers[name].milliseconds]
        yield Single(name=f"{name}, c={connections}", value=rate, unit="/s", n=ROUNDS)
        yield Samples(name=f"{name}, c={connections}, latency", milliseconds=took)
    ratio = statistics.median(
        answers["submissions"].rate / answers["bare Starlette with one INSERT"].rate for answers in rounds
    )
    yield Single(name=f"ours to bare, c={connections}", value=ratio, unit="×", n=ROUNDS, target="≥ 0.5 ×")


def _batches(ours: Instance) -> Single:
    args = [{"n": str(number), "note": "a short text"} for number in range(BATCH)]
    begun = time.perf_counter()
    for _ in range(BATCHES):
        ids = json.loads(ours.call("POST", f"jobs/run_batch/p/{PATH}", args))
        if len(set(ids)) != BATCH:
            raise RuntimeError(f"{len(set(ids))} of {BATCH} jobs were made")
    rate = BATCHES * BATCH / (time.perf_counter() - begun)
    return Single(name=f"jobs by batches of {BATCH}", value=rate, unit="/s", n=BATCHES, target="≥ 10000 /s")


@contextmanager
def _postgres(home: Path) -> Iterator[str]:
    server = asyncio.run(embedded.start(home))
    try:
        yield server.owner_url
    finally:
        asyncio.run(server.stop())


@contextmanager
def _server(home: Path, url: str) -> Iterator[Instance]:
    port = free_port()
    command = [sys.executable, "-m", "windlass", "server", "--home", str(home / "server"), "--port", str(port)]
    with _process(command, {"DATABASE_URL": url}, port):
        instance = Instance(pid=0, port=port)
        instance.token = instance.request("POST", "/api/auth/login", LOGIN)[1].decode()
        body = {"path": PATH, "language": "python3", "content": CODE, "summary": "", "lock": ""}
        instance.call("POST", "scripts/create", body)
        yield instance


@contextmanager
def _bare(url: str) -> Iterator[int]:
    port = free_port()
    with _process([sys.executable, "-m", "benchmarks.bare", str(port)], {"BARE_URL": url}, port):
        yield port


@contextmanager
def _process(command: list[str], environment: dict[str, str], port: int) -> Iterator[None]:
    process = subprocess.Popen(command, env=os.environ | environment, stderr=subprocess.DEVNULL)
    try:
        _wait_until_open(process, port)
        yield
    finally:
        process.terminate()
        process.wait(30)


def _wait_until_open(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + 60
    instance = Instance(pid=process.pid, port=port)
    while True:
        try:
            instance.request("GET", "/")
            return
        except ConnectionError:
            instance.connection().close()
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("a measured server did not start")
        time.sleep(0.02)


if __name__ == "__main__":
    for line in HEADER:
        print(line)
    for figure in figures():
        print(figure.row(), flush=True)
