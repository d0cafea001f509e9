"""Start commands in the sandbox. Called by every part of the worker that runs anything.

There is no way around it: resolving, installing, building and running all go through `Launcher.launch`.
"""

import asyncio
import hashlib
import json
import os
import socket
import sys
from asyncio.subprocess import Process
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from windlass import tiers
from windlass.languages.base import Command, Network
from windlass.worker.launcher import inside, landlock, request
from windlass.worker.launcher.identity import Identity, UidBlock, hand_over, is_readable_by_anybody

_PACKAGES = Path(__file__).parents[3]
_BOOT = (
    "import sys; sys.path.append(sys.argv[1]); from windlass.worker.launcher.server import main; "
    "main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])"
)
_POLICY_FILES = (
    "cgroups.py", "confine.py", "identity.py", "kernel.py", "landlock.py",
    "meter.py", "namespaces.py", "seccomp.py", "supervisor.py", "warm.py",
)  # fmt: skip
# The loader, the allocator and OpenSSL read these when a process starts, which a fork does not.
_READ_AT_START = ("LD_", "GLIBC_", "MALLOC_", "OPENSSL_")
_STOP_SECONDS = 10
_ATTEMPTS = 2

INTERPRETER = (str(Path(getattr(sys, "_base_executable", sys.executable)).resolve()), "-I", "-S", "-X", "utf8")
"""How the fork server is started, and how a program must be for a fork to stand for its start."""


class LaunchError(Exception):
    """The job was not started: `layer` of the sandbox, or exec itself, failed with `errno`."""

    def __init__(self, layer: str, errno: int, message: str):
        super().__init__(f"{layer}: {message}")
        self.layer = layer
        self.errno = errno
        self.message = message


class KilledBy(StrEnum):
    """Why the supervisor ended a job that had not ended by itself."""

    REQUEST = "request"
    """The worker asked: cancelled, timed out or shutting down."""
    MEMORY = "memory"
    """The processes of the job together used more than `Limits.memory_bytes`."""
    PROCESSES = "processes"
    """More processes than `Limits.processes` at once."""
    CPU = "cpu"
    """More processor time than `Limits.cpu_seconds`."""
    DISK = "disk"
    """More than `Limits.disk_bytes` in the job's folder and its private file systems."""
    LAUNCHER_LOST = "launcher lost"
    """The fork server or the supervisor was killed."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a job may use; None means no limit. `processes` counts threads too for a job with its own uid."""

    memory_bytes: int | None = None
    processes: int | None = None
    open_files: int = 4096
    file_size_bytes: int = 1 << 40
    cpu_seconds: int | None = None
    disk_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class Exit:
    """How a job ended: an exit code or a signal; neither when the supervisor was lost."""

    code: int | None = None
    signal: int | None = None
    max_rss_bytes: int = 0
    user_ms: int = 0
    sys_ms: int = 0
    killed_by: KilledBy | None = None


class Running:
    """A started job. Read both streams to their end: a job blocks on a full pipe."""

    def __init__(
        self,
        *,
        pid: int,
        identity: Identity,
        stdout: asyncio.StreamReader,
        stderr: asyncio.StreamReader,
        line: "_Line",
    ):
        self.pid = pid
        self.identity = identity
        self.stdout = stdout
        self.stderr = stderr
        self._line = line
        self._exit = asyncio.ensure_future(line.read_exit())

    async def wait(self) -> Exit:
        """How the job ended; returns once no process of it is left. Any number of callers."""
        return await asyncio.shield(self._exit)

    def kill(self) -> None:
        """End every process of the job now; `wait` tells when it is done. Harmless after the end."""
        self._line.ask_to_end(0.0)

    async def terminate(self, grace: float) -> Exit:
        """Send SIGTERM to the main process group, kill what is left after `grace` seconds, and wait."""
        self._line.ask_to_end(grace)
        return await self.wait()


class Launcher:
    """The worker's handle on its fork server. One per worker process.

    `runtimes` are folders every job may read, by default where this Python lives. `programs` are Python files to keep
    loaded, so that a `warm` command that runs one needs no exec. `ladder` holds the tiers to try, best first; until
    `use` is called, jobs start in the last. `accept_unsandboxed` also runs jobs on a kernel without Landlock, for the
    loopback-only mode that says so loudly; nothing else may set it.
    """

    def __init__(
        self,
        *,
        runtimes: tuple[Path, ...] = (Path(sys.prefix), Path(sys.base_prefix)),
        programs: tuple[Path, ...] = (),
        ladder: tuple[str, ...] = tiers.LADDER,
        accept_unsandboxed: bool = False,
    ):
        self.ladder = tuple(tier for tier in ladder if tier != tiers.ROOT or os.geteuid() == 0)
        self.tier = "0"
        self.policy_hash = policy_hash()
        self._runtimes = runtimes
        self._public_runtimes = tuple(filter(is_readable_by_anybody, runtimes))
        self._kept_programs = programs
        self._accept_unsandboxed = accept_unsandboxed
        self._layers = self.ladder[-1] if self.ladder else tiers.POLICY
        self._uids = UidBlock()
        self._server: Process | None = None
        self._channel: socket.socket | None = None
        self._lock = asyncio.Lock()

    @property
    def _programs(self) -> tuple[Path, ...]:
        return (Path(inside.__file__), *self._kept_programs)

    async def start(self) -> None:
        """Start the fork server; harmless when it runs already."""
        async with self._lock:
            await self._ensure_server()

    async def use(self, tier: str) -> None:
        """Start jobs with the layers of `tier` from now on; ends those that run."""
        async with self._lock:
            await self._stop_server()
            self._layers = tier

    async def stop(self) -> None:
        """End every job, then the fork server. Returns when all are gone."""
        async with self._lock:
            await self._stop_server()
            self._uids.release()

    def sever(self) -> None:
        """End every job at once, without the event loop and from any thread; the next launch starts another server."""
        channel = self._channel
        if channel is not None:
            with suppress(OSError):  # closed meanwhile
                channel.shutdown(socket.SHUT_RDWR)

    async def _stop_server(self) -> None:
        self._close_channel()
        if self._server is not None:
            await _wait_or_kill(self._server)
        self._server = None

    async def launch(self, command: Command, *, limits: Limits, slot: int, stdin: bytes = b"") -> Running:
        """Start `command`; returns once it is behind every layer, and past an exec if it needs one. Raises LaunchError.

        `slot` tells jobs that run at the same time apart: no two may share one. The job gets exactly the
        environment of the command, and owns its `cwd` and `writable` folders from now on.
        """
        identity = self._uids.choose(command, slot)
        try:
            hand_over(command, identity)
        except OSError as error:
            raise LaunchError("folder", error.errno or 0, str(error)) from error
        pipes = _Pipes.open(stdin)
        try:
            line = await self._connect(pipes)
        except BaseException:
            pipes.close_worker_ends()
            raise
        finally:
            pipes.close_job_ends()
        try:
            stdout, stderr = await _reader(pipes.stdout), await _reader(pipes.stderr)
            pid = await line.start(self._request(command, limits, identity))
        except BaseException:
            line.close()
            raise
        return Running(pid=pid, identity=identity, stdout=stdout, stderr=stderr, line=line)

    async def _connect(self, pipes: "_Pipes") -> "_Line":
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            async with self._lock:
                await self._send([theirs.fileno(), *pipes.job_ends])
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        return _Line(*await asyncio.open_unix_connection(sock=ours))

    async def _send(self, files: list[int]) -> None:
        for _ in range(_ATTEMPTS):
            channel = await self._ensure_server()
            try:
                await _send_files(channel, files)
            except (BrokenPipeError, ConnectionResetError):
                self._close_channel()
            else:
                return
        raise LaunchError("server", 0, "the fork server ends as soon as it starts")

    async def _ensure_server(self) -> socket.socket:
        if self._channel is None or self._server is None or self._server.returncode is not None:
            self._close_channel()
            self._server, self._channel = await _start_server(self._layers, self._programs)
        return self._channel

    def _close_channel(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def _request(self, command: Command, limits: Limits, identity: Identity) -> request.Request:
        return request.Request(
            argv=list(command.argv),
            env=dict(command.env),
            cwd=str(command.cwd),
            readable=[str(path) for path in (*self._runtimes_for(identity), *command.readable)],
            writable=[str(path) for path in command.writable],
            internet=command.network is not Network.NONE,
            limits=request.Limits(**vars(limits)),
            uid=identity.uid,
            gid=identity.uid,
            uid_is_own=identity.is_own,
            reads_all=identity.reads_all,
            accept_unsandboxed=self._accept_unsandboxed,
            program=self._loaded_program(command),
        )

    def _loaded_program(self, command: Command) -> str | None:
        """The program that a fork of the server can run as this command says; None where it takes an exec."""
        interpreter, rest = command.argv[: len(INTERPRETER)], command.argv[len(INTERPRETER) :]
        if not command.warm or interpreter != INTERPRETER or not rest or Path(rest[0]) not in self._programs:
            return None
        return None if any(name.startswith(_READ_AT_START) for name in command.env) else rest[0]

    def _runtimes_for(self, identity: Identity) -> tuple[Path, ...]:
        return self._runtimes if identity.uid is None or identity.reads_all else self._public_runtimes


def policy_hash() -> str:
    """Names the sandbox rules in force: the same for the same code on a kernel with the same Landlock."""
    digest = hashlib.sha256(f"landlock {landlock.abi()}".encode())
    for name in _POLICY_FILES:
        digest.update(Path(__file__).with_name(name).read_bytes())
    return digest.hexdigest()[:16]


class _Line:
    """The worker's end of its line to one supervisor."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self._reader = reader
        self._writer = writer

    async def start(self, wanted: request.Request) -> int:
        self._writer.write(wanted.encode())
        answer = await self._read()
        if answer is None:
            raise LaunchError("supervisor", 0, "the supervisor was lost")
        if "pid" not in answer:
            raise LaunchError(**answer)
        return answer["pid"]

    async def read_exit(self) -> Exit:
        answer = await self._read()
        self.close()
        if answer is None:
            return Exit(killed_by=KilledBy.LAUNCHER_LOST)
        reason = answer.pop("killed_by")
        return Exit(**answer, killed_by=reason and KilledBy(reason))

    def ask_to_end(self, grace: float) -> None:
        if not self._writer.is_closing():
            self._writer.write(json.dumps({"grace": grace}).encode() + b"\n")

    def close(self) -> None:
        self._writer.close()

    async def _read(self) -> dict[str, Any] | None:
        try:
            answer = await self._reader.readline()
        except ConnectionResetError:
            return None
        return json.loads(answer) if answer else None


@dataclass(frozen=True, kw_only=True)
class _Pipes:
    """The files of a job's stdin, stdout and stderr, and the worker's ends of the last two."""

    job_ends: tuple[int, int, int]
    stdout: int
    stderr: int

    @classmethod
    def open(cls, stdin: bytes) -> "_Pipes":
        stdout, job_stdout = os.pipe()
        stderr, job_stderr = os.pipe()
        return cls(job_ends=(_input(stdin), job_stdout, job_stderr), stdout=stdout, stderr=stderr)

    def close_job_ends(self) -> None:
        for file in self.job_ends:
            os.close(file)

    def close_worker_ends(self) -> None:
        os.close(self.stdout)
        os.close(self.stderr)


def _input(content: bytes) -> int:
    """A file in memory to read `content` from, so that a job that never reads makes nobody wait."""
    if not content:
        return os.open(os.devnull, os.O_RDONLY)
    file = os.memfd_create("stdin")
    with open(file, "wb", closefd=False) as writer:
        writer.write(content)
    os.lseek(file, 0, os.SEEK_SET)
    return file


async def _reader(pipe: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(pipe, "rb", 0))
    return reader


async def _start_server(tier: str, programs: tuple[Path, ...]) -> tuple[Process, socket.socket]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    with theirs:
        # An empty environment: the server, and so each supervisor, holds no secret of the worker.
        server = await asyncio.create_subprocess_exec(
            *INTERPRETER, "-c", _BOOT, str(_PACKAGES), str(theirs.fileno()), tier, *map(str, programs),
            stdin=asyncio.subprocess.DEVNULL, pass_fds=(theirs.fileno(),), env={}, start_new_session=True,
        )  # fmt: skip
    return server, ours


async def _send_files(channel: socket.socket, files: list[int]) -> None:
    while True:
        try:
            socket.send_fds(channel, [b"launch"], files)
        except BlockingIOError:
            await _until_writable(channel)
        else:
            return


async def _until_writable(channel: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    writable = loop.create_future()
    loop.add_writer(channel, writable.set_result, None)
    try:
        await writable
    finally:
        loop.remove_writer(channel)


async def _wait_or_kill(server: Process) -> None:
    try:
        await asyncio.wait_for(server.wait(), _STOP_SECONDS)
    except TimeoutError:
        server.kill()
        await server.wait()
