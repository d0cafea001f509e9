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
from windlass.languages.base import Command, Network, Warm, WarmMode
from windlass.worker.launcher import landlock, relay, request
from windlass.worker.launcher.egress import Egress, Place
from windlass.worker.launcher.identity import Identity, UidBlock, hand_over, is_readable_by_anybody
from windlass.worker.launcher.line import Line, Pipe, until_writable, write_all

_PACKAGES = Path(__file__).parents[3]
_BOOT = (
    "import sys; sys.path.append(sys.argv[1]); from windlass.worker.launcher.server import main; "
    "main(int(sys.argv[2]), sys.argv[3])"
)
_POLICY_FILES = (
    "cgroups.py", "confine.py", "identity.py", "keeper.py", "kernel.py", "landlock.py",
    "meter.py", "namespaces.py", "relay.py", "seccomp.py", "supervisor.py",
)  # fmt: skip
# The loader, the allocator and OpenSSL read these when a process starts, which a warm one has done before.
_READ_AT_START = ("LD_", "GLIBC_", "MALLOC_", "OPENSSL_", "NODE_", "BUN_")
_STOP_SECONDS = 10
_ATTEMPTS = 2

INTERPRETER = (str(Path(getattr(sys, "_base_executable", sys.executable)).resolve()), "-I", "-S", "-X", "utf8")
"""How the fork server is started; a program of ours that is started so is quick."""


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
    learned: tuple[str, ...] = ()
    """What a warm process would have done well to load ahead."""
    is_clean: bool = True
    """Whether the warm process that ran the job may run another."""


class Running:
    """A started job."""

    def __init__(self, *, pid: int, identity: Identity, pipes: "_Pipes", line: Line, is_warm: bool = False):
        self.pid = pid
        self.identity = identity
        self.stdout = pipes.stdout
        self.stderr = pipes.stderr
        self._stdin = pipes.stdin
        self._line = line
        self._is_warm = is_warm
        self._exit = line.receive()

    async def wait(self) -> Exit:
        """How the job ended; returns once no process of it is left. Any number of callers.

        Raises LaunchError when a warm process ended before it took the job.
        """
        answer = await asyncio.shield(self._exit)
        if not self._is_warm:
            self._line.close()
        return _exit(answer)

    @property
    def has_ended(self) -> bool:
        """Whether the end of the job is known."""
        return self._exit.done()

    def kill(self) -> None:
        """End every process of the job now; `wait` tells when it is done. Harmless after the end."""
        self._ask_to_end(0.0)

    async def terminate(self, grace: float) -> Exit:
        """Send SIGTERM to the main process group, kill what is left after `grace` seconds, and wait."""
        self._ask_to_end(grace)
        return await self.wait()

    async def give(self, job: dict[str, Any]) -> None:
        """Hand a job to a process that was started to wait for one line on its standard input."""
        assert self._stdin is not None
        await write_all(self._stdin, json.dumps(job).encode() + b"\n")

    def _ask_to_end(self, grace: float) -> None:
        if not self._exit.done():
            self._line.send_at_once({"grace": grace})


class WarmProcess:
    """A process in the sandbox that takes one job after the other. `folder` is above those of its jobs."""

    def __init__(self, *, pid: int, identity: Identity, folder: Path, line: Line):
        self.pid = pid
        self.identity = identity
        self.folder = folder
        self.memory_bytes = 0
        self._line = line

    @property
    def is_alive(self) -> bool:
        """Whether it is still there, as far as is known."""
        return self._line.is_open and not self._line.has_news

    async def until_ready(self) -> None:
        """Wait until it has loaded what it wants. Raises LaunchError where it ends instead."""
        answer = await self._line.receive()
        if answer is None or "ready" not in answer:
            self.end()
            raise LaunchError("warm process", 0, f"it ended before it was ready: {answer}")
        self.memory_bytes = answer["ready"].get("memory_bytes", 0)

    async def run(self, command: Command) -> Running:
        """Run a job, whose folder lies below `folder`; one at a time. Raises LaunchError."""
        _give_folder(command, self.identity)
        pipes = _Pipes.open(b"", owner=self.identity.uid)
        running = Running(pid=self.pid, identity=self.identity, pipes=pipes, line=self._line, is_warm=True)
        await self._line.send({"job": _job(command)}, pipes.job_ends)
        pipes.close_job_ends()
        return running

    def end(self) -> None:
        """End it, and the job that it runs."""
        self._line.close()


def can_run_warm(command: Command) -> bool:
    """Whether a process that has started already can still take up the environment of `command`."""
    return not any(
        name.startswith(_READ_AT_START) or not name or "=" in name or "\0" in name + value
        for name, value in command.env.items()
    )


class OneJobProcess:
    """A process in the sandbox that waits for its only job, and ends with it. `folder` is above that of the job."""

    def __init__(self, running: Running, folder: Path):
        self.folder = folder
        self.memory_bytes = 0
        self._running = running

    @property
    def is_alive(self) -> bool:
        """Whether it still waits for its job, as far as is known."""
        return not self._running.has_ended

    async def until_ready(self) -> None:
        """It takes its job whenever that comes, and goes on loading until then."""
        self.memory_bytes = _memory_bytes(self._running.pid)

    async def run(self, command: Command) -> Running:
        """Run the job. Raises LaunchError."""
        _give_folder(command, self._running.identity)
        await self._running.give(_job(command))
        return self._running

    def end(self) -> None:
        """End it."""
        self._running.kill()


class Launcher:
    """The worker's handle on its fork server. One per worker process.

    `runtimes` are folders every job may read, by default where this Python lives. `ladder` holds the tiers to try,
    best first; until `use` is called, jobs start in the last. `registries` are all that a command with the network of
    registries can reach, through the proxy `upstream` if there is one; None leaves it everything.
    `accept_unsandboxed` also runs jobs on a kernel without Landlock, for the loopback-only mode that says so loudly;
    nothing else may set it.
    """

    def __init__(
        self,
        *,
        runtimes: tuple[Path, ...] = (Path(sys.prefix), Path(sys.base_prefix)),
        ladder: tuple[str, ...] = tiers.LADDER,
        registries: frozenset[Place] | None = None,
        upstream: Place | None = None,
        accept_unsandboxed: bool = False,
    ):
        self.ladder = tiers.attainable(ladder)
        self.tier = "0"
        self.policy_hash = policy_hash()
        self._runtimes = runtimes
        self._public_runtimes = tuple(filter(is_readable_by_anybody, runtimes))
        self.accept_unsandboxed = accept_unsandboxed
        self._egress = None if registries is None else Egress(registries, upstream)
        self.layers = self.ladder[-1] if self.ladder else tiers.POLICY
        self._uids = UidBlock()
        self._server: Process | None = None
        self._channel: socket.socket | None = None
        self._lock = asyncio.Lock()

    async def start(self) -> None:
        """Start the fork server; harmless when it runs already."""
        async with self._lock:
            await self._ensure_server()

    async def use(self, tier: str) -> None:
        """Start jobs with the layers of `tier` from now on; ends those that run."""
        async with self._lock:
            await self._stop_server()
            self.layers = tier

    async def stop(self) -> None:
        """End every job, then the fork server. Returns when all are gone."""
        async with self._lock:
            await self._stop_server()
            self._uids.release()
            if self._egress is not None:
                self._egress.stop()

    def sever(self) -> None:
        """End every job at once, without the event loop and from any thread; the next launch starts another server."""
        channel = self._channel
        if channel is not None:
            with suppress(OSError):  # closed meanwhile
                channel.shutdown(socket.SHUT_RDWR)

    def _port_of(self, proxy: Egress) -> int:
        return relay.PORT if self.layers in tiers.NAMESPACED else proxy.port

    async def _stop_server(self) -> None:
        self._close_channel()
        if self._server is not None:
            await _wait_or_kill(self._server)
        self._server = None

    async def launch(
        self, command: Command, *, limits: Limits, slot: int, stdin: bytes = b"", awaits_job: bool = False
    ) -> Running:
        """Start `command`; returns once it is behind every layer and past its exec. Raises LaunchError.

        `slot` tells jobs that run at the same time apart: no two may share one. The job gets exactly the
        environment of the command, and owns its `cwd` and `writable` folders from now on. `awaits_job`: its standard
        input stays open for `Running.give`.
        """
        identity = self._uids.choose(command, slot)
        _give_folder(command, identity)
        pipes = _Pipes.open(stdin, stays_open=awaits_job)
        line = await self._connect(pipes.job_ends, pipes)
        pid = await _start(line, self._request(command, limits, identity))
        return Running(pid=pid, identity=identity, pipes=pipes, line=line)

    async def warm(self, warm: Warm, *, folder: Path, limits: Limits, slot: int) -> WarmProcess | OneJobProcess:
        """Start a process that will take jobs, in `folder`, which is its own from now on. Raises LaunchError."""
        command = Command(argv=warm.argv, env=warm.env, cwd=folder, readable=warm.readable, network=warm.network)
        if warm.mode is WarmMode.ONCE:
            running = await self.launch(command, limits=limits, slot=slot, awaits_job=True)
            return OneJobProcess(running, folder)
        identity = self._uids.choose(command, slot)
        _give_folder(command, identity)
        nothing = os.open(os.devnull, os.O_RDWR)
        try:
            line = await self._connect((nothing, nothing, nothing))
        finally:
            os.close(nothing)
        pid = await _start(line, self._request(command, limits, identity, warm.mode))
        return WarmProcess(pid=pid, identity=identity, folder=folder, line=line)

    async def _connect(self, files: tuple[int, ...], pipes: "_Pipes | None" = None) -> Line:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            async with self._lock:
                await self._send([theirs.fileno(), *files])
        except BaseException:
            ours.close()
            if pipes is not None:
                pipes.close_worker_ends()
            raise
        finally:
            theirs.close()
            if pipes is not None:
                pipes.close_job_ends()
        return Line(ours)

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
            if self._egress is not None and not self._egress.port:
                await self._egress.start()
            self._server, self._channel = await _start_server(self.layers)
        return self._channel

    def _close_channel(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def _request(
        self, command: Command, limits: Limits, identity: Identity, warm: WarmMode | None = None
    ) -> request.Request:
        proxy = self._egress if command.network is Network.REGISTRY else None
        return request.Request(
            argv=list(command.argv),
            env=dict(command.env) | ({} if proxy is None else _by_proxy(self._port_of(proxy))),
            cwd=str(command.cwd),
            readable=[str(path) for path in (*self._runtimes_for(identity), *command.readable)],
            writable=[str(path) for path in command.writable],
            internet=command.network is not Network.NONE,
            proxy=None if proxy is None else str(proxy.file),
            proxy_port=0 if proxy is None else self._port_of(proxy),
            needs_proc=command.needs_proc,
            limits=request.Limits(**vars(limits)),
            uid=identity.uid,
            gid=identity.uid,
            uid_is_own=identity.is_own,
            reads_all=identity.reads_all,
            accept_unsandboxed=self.accept_unsandboxed,
            warm=warm and warm.value,
        )

    def _runtimes_for(self, identity: Identity) -> tuple[Path, ...]:
        return self._runtimes if identity.uid is None or identity.reads_all else self._public_runtimes


def _by_proxy(port: int) -> dict[str, str]:
    """What makes programs go by a proxy on this machine, and by no other way."""
    url = f"http://127.0.0.1:{port}"
    names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    return {spelling: url for name in names for spelling in (name, name.lower())} | {"NO_PROXY": "", "no_proxy": ""}


def policy_hash() -> str:
    """Names the sandbox rules in force: the same for the same code on a kernel with the same Landlock."""
    digest = hashlib.sha256(f"landlock {landlock.abi()}".encode())
    for name in _POLICY_FILES:
        digest.update(Path(__file__).with_name(name).read_bytes())
    return digest.hexdigest()[:16]


async def _start(line: Line, wanted: request.Request) -> int:
    try:
        await line.send(wanted.fields())
        answer = await line.receive()
    except BaseException:
        line.close()
        raise
    if answer is not None and "pid" in answer:
        return answer["pid"]
    line.close()
    if answer is None:
        raise LaunchError("supervisor", 0, "the supervisor was lost")
    raise LaunchError(**answer)


def _exit(answer: dict[str, Any] | None) -> Exit:
    if answer is None:
        return Exit(killed_by=KilledBy.LAUNCHER_LOST, is_clean=False)
    if "layer" in answer:
        raise LaunchError(**answer)
    reason, learned = answer["killed_by"], tuple(answer.get("learned", ()))
    return Exit(**answer | {"killed_by": reason and KilledBy(reason), "learned": learned})


def _job(command: Command) -> dict[str, Any]:
    return {"argv": command.argv, "env": dict(command.env), "cwd": str(command.cwd)}


def _memory_bytes(pid: int) -> int:
    """The memory of a process, shared pages divided among their users; 0 where that may not be seen."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_bytes().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(b"Pss:")), 0)


def _give_folder(command: Command, identity: Identity) -> None:
    try:
        hand_over(command, identity)
    except OSError as error:
        raise LaunchError("folder", error.errno or 0, str(error)) from error


@dataclass(frozen=True, kw_only=True)
class _Pipes:
    """The files of a job's stdin, stdout and stderr, and the worker's ends of them; of stdin only where it is kept."""

    job_ends: tuple[int, int, int]
    stdout: Pipe
    stderr: Pipe
    stdin: int | None = None

    @classmethod
    def open(cls, stdin: bytes, *, stays_open: bool = False, owner: int | None = None) -> "_Pipes":
        stdout, job_stdout = os.pipe()
        stderr, job_stderr = os.pipe()
        job_stdin, kept = os.pipe() if stays_open else (_input(stdin), None)
        if owner is not None:
            # Else `echo > /dev/stderr`, which opens the pipe anew, fails for a job with its own uid.
            os.fchown(job_stdout, owner, -1)
            os.fchown(job_stderr, owner, -1)
        ends = (job_stdin, job_stdout, job_stderr)
        return cls(job_ends=ends, stdout=Pipe(stdout), stderr=Pipe(stderr), stdin=kept)

    def close_job_ends(self) -> None:
        for file in self.job_ends:
            os.close(file)

    def close_worker_ends(self) -> None:
        self.stdout.finish()
        self.stderr.finish()


def _input(content: bytes) -> int:
    """A file in memory to read `content` from, so that a job that never reads makes nobody wait."""
    if not content:
        return os.open(os.devnull, os.O_RDONLY)
    file = os.memfd_create("stdin")
    with open(file, "wb", closefd=False) as writer:
        writer.write(content)
    os.lseek(file, 0, os.SEEK_SET)
    return file


async def _start_server(tier: str) -> tuple[Process, socket.socket]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    with theirs:
        # An empty environment: the server, and so each supervisor, holds no secret of the worker.
        server = await asyncio.create_subprocess_exec(
            *INTERPRETER, "-c", _BOOT, str(_PACKAGES), str(theirs.fileno()), tier,
            stdin=asyncio.subprocess.DEVNULL, pass_fds=(theirs.fileno(),), env={}, start_new_session=True,
        )  # fmt: skip
    return server, ours


async def _send_files(channel: socket.socket, files: list[int]) -> None:
    while True:
        try:
            socket.send_fds(channel, [b"launch"], files)
        except BlockingIOError:
            await until_writable(channel.fileno())
        else:
            return


async def _wait_or_kill(server: Process) -> None:
    try:
        await asyncio.wait_for(server.wait(), _STOP_SECONDS)
    except TimeoutError:
        server.kill()
        await server.wait()
