"""What the sandbox adds to a fork: the same job, in a fork of the same warm program, with every layer and with none.

From handing the job over until its end is known and its output was read; its folder is written before.
"""

import asyncio
import json
import os
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from benchmarks.figures import Figure, Samples, Single
from benchmarks.instance import Instance
from windlass.languages.base import Command, Toolchain, Warm
from windlass.languages.python import language
from windlass.settings import load
from windlass.worker.launcher.client import INTERPRETER, Launcher, Limits, WarmProcess
from windlass.worker.launcher.probe import measure
from windlass.worker.toolchain import toolchain

CODE = "def main(n: int):\n    return n + 1\n"
WARM_UP, RUNS = 20, 300
SLOT = 32
BOOT = "import os, sys; os.dup2(int(sys.argv[1]), 3); os.execv(sys.argv[2], sys.argv[2:])"


def figures(_instance: Instance) -> Iterator[Figure]:
    """Both by turns, one job after another, without server and database."""
    with tempfile.TemporaryDirectory(prefix="windlass-bench-layers-") as folder:
        home = Path(folder)
        home.chmod(0o711)
        tier, pairs = asyncio.run(_measure(home))
    plain, sandboxed = ([pair[side] for pair in pairs[WARM_UP:]] for side in (0, 1))
    yield Samples(name="job in a fork, no sandbox", milliseconds=plain)
    yield Samples(name=f"job in a fork, sandbox of tier {tier}", milliseconds=sandboxed)
    added = statistics.median(sandboxed) - statistics.median(plain)
    yield Single(name="the second without the first", value=added, unit="ms", n=RUNS, target="≤ 1 ms")


async def _measure(home: Path) -> tuple[str, list[tuple[float, float]]]:
    tools = toolchain(load(home=home))
    launcher = Launcher()
    try:
        tier = (await measure(launcher)).tier
        process = await _sandboxed(launcher, tools, home / "sandboxed")
        plain = home / "plain"
        with _plain(tools, plain) as line:
            pairs = [
                (_time_plain(line, _job(plain, tools)), await _time_sandboxed(process, _job(process.folder, tools)))
                for _ in range(WARM_UP + RUNS)
            ]
        process.end()
        return tier, pairs
    finally:
        await launcher.stop()


async def _sandboxed(launcher: Launcher, tools: Toolchain, folder: Path) -> WarmProcess:
    folder.mkdir()
    process = await launcher.warm(_warm(tools), folder=folder, limits=Limits(), slot=SLOT)
    assert isinstance(process, WarmProcess)
    await process.until_ready()
    return process


@contextmanager
def _plain(tools: Toolchain, folder: Path) -> Iterator[socket.socket]:
    """The warm program as a child of ours, so that we stand where its supervisor would."""
    folder.mkdir()
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            command = [*INTERPRETER, "-c", BOOT, str(theirs.fileno()), *_warm(tools).argv]
            process = subprocess.Popen(command, env={}, cwd=folder, pass_fds=(theirs.fileno(),))
        _receive(ours)  # it is ready
        yield ours
        ours.shutdown(socket.SHUT_WR)  # and read on, since it tells of the fork that got no job
        process.wait()


def _warm(tools: Toolchain) -> Warm:
    warm = language.warm(CODE, "", tools)
    assert warm is not None
    return warm


def _job(folder: Path, tools: Toolchain) -> Command:
    place = Path(tempfile.mkdtemp(dir=folder))
    command = language.prepare(place, CODE, "", b'{"n": 1}', "main", None, tools)
    return replace(command, env={"PATH": os.defpath, "HOME": str(place)})


async def _time_sandboxed(process: WarmProcess, job: Command) -> float:
    begun = time.perf_counter()
    running = await process.run(job)
    _, _, ended = await asyncio.gather(running.stdout.read(), running.stderr.read(), running.wait())
    elapsed = (time.perf_counter() - begun) * 1000
    _check(job, ended.code == 0)
    return elapsed


def _time_plain(line: socket.socket, job: Command) -> float:
    begun = time.perf_counter()
    with ExitStack() as files:
        output, job_output = map(files.enter_context, _pipe())
        nothing = files.enter_context(open(os.devnull))
        words = {"argv": job.argv, "env": dict(job.env), "cwd": str(job.cwd)}
        descriptors = [nothing.fileno(), job_output.fileno(), job_output.fileno()]
        socket.send_fds(line, [json.dumps(words).encode() + b"\n"], descriptors)
        job_output.close()
        output.read()
    said: dict[str, int] = {}
    while "status" not in said:
        said |= _receive(line)
    elapsed = (time.perf_counter() - begun) * 1000
    line.sendall(b"\n")  # the next fork, please
    _check(job, said["status"] == 0)
    return elapsed


def _pipe() -> tuple[BinaryIO, BinaryIO]:
    read, write = os.pipe()
    return os.fdopen(read, "rb"), os.fdopen(write, "wb")


def _receive(line: socket.socket) -> dict[str, int]:
    """The next lines, taken together."""
    text = b""
    while not text.endswith(b"\n"):
        text += line.recv(65536)
    return {name: value for part in text.splitlines() for name, value in json.loads(part).items()}


def _check(job: Command, is_good: bool) -> None:
    if not is_good or language.read_result(job.cwd, b"", 0).result != b"2":
        raise RuntimeError("a measured job failed")
