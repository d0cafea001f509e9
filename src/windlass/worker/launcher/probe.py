"""Measure what the sandbox really closes on this machine. The worker calls `measure` at its start.

The tier is never assumed from versions or settings: the attempts of `inside` run in a real launch, and the
first that gets through costs the tier. Then the next one down the ladder is tried.
"""

import asyncio
import ctypes
import json
import os
import secrets
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from windlass import tiers
from windlass.languages.base import Command
from windlass.worker.launcher import inside, landlock, seccomp
from windlass.worker.launcher.client import INTERPRETER, Launcher, LaunchError, Limits, Running

_CLONE = {"x86_64": 56, "aarch64": 220}
_PATIENCE_SECONDS = 30
_IPC_CREATE, _IPC_REMOVE, _ANYBODY = 0o3000, 0, 0o666
_LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, kw_only=True)
class Probe:
    """The best tier in which all attempts were stopped, else "0"; `open` names what was not stopped in the last.

    `passed_over` tells of each better tier why it is not to be had.
    """

    tier: str
    open: list[str]
    closed: list[str]
    passed_over: dict[str, list[str]] = field(default_factory=dict)


async def measure(
    launcher: Launcher, *, slot: int = 0, folder: Path | None = None, has_own_kernel: bool = False
) -> Probe:
    """Attack the sandbox from within a job below `folder`, and leave the launcher at the best tier that holds.

    `has_own_kernel` is what the operator says of this machine; whatever holds on it is tier S then.
    """
    passed_over: dict[str, list[str]] = {}
    found = Probe(tier=tiers.NONE, open=["no tier to try"], closed=[])
    for tier in launcher.ladder:
        await launcher.use(tier)
        found = await _measure(launcher, tier, slot, folder)
        if found.tier != tiers.NONE:
            found = replace(found, tier=tiers.SECOND_KERNEL if has_own_kernel else tier)
            break
        passed_over[tier] = found.open
    launcher.tier = found.tier
    return replace(found, passed_over=passed_over)


async def find_open(launcher: Launcher, *, slot: int, folder: Path) -> list[str]:
    """Attack once more in the tier that the launcher is at: what a change of the machine has opened since."""
    return (await _measure(launcher, launcher.layers, slot, folder)).open


async def _measure(launcher: Launcher, tier: str, slot: int, folder: Path | None) -> Probe:
    with tempfile.TemporaryDirectory(prefix="probe-", dir=folder) as ground:
        os.chmod(ground, 0o711)
        with _target(Path(ground), is_apart=tier in tiers.NAMESPACED) as target:
            found = await _attack(launcher, slot, Path(ground), target)
    return found if found.open else replace(found, tier=tier)


async def _attack(launcher: Launcher, slot: int, ground: Path, target: inside.Target) -> Probe:
    words = json.dumps(asdict(target))
    script = Path(inside.__file__).read_bytes()
    command = Command(argv=(*INTERPRETER, "-", words), env={}, cwd=ground / "job")
    return await _attempt(launcher, slot, target, command, script)


async def _attempt(launcher: Launcher, slot: int, target: inside.Target, command: Command, script: bytes) -> Probe:
    command.cwd.mkdir(mode=0o700)
    try:
        running = await launcher.launch(command, limits=Limits(), slot=slot, stdin=script)
    except LaunchError as error:
        return Probe(tier=tiers.NONE, open=[f"launch: {error}"], closed=[])
    return _judge(running, target, *await _finish(running))


async def _finish(running: Running) -> tuple[bytes, bytes]:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return await asyncio.gather(running.stdout.read(), running.stderr.read())
    finally:
        running.kill()
        await running.wait()


def _judge(running: Running, target: inside.Target, output: bytes, errors: bytes) -> Probe:
    try:
        results: dict[str, bool] = json.loads(output)
    except ValueError:
        return Probe(tier=tiers.NONE, open=[f"probe: {errors.decode(errors='replace')[-500:]}"], closed=[])
    found = [name for name, gets_through in results.items() if gets_through]
    if not target.is_apart and running.identity.uid is None and landlock.abi() < landlock.SCOPES_SINCE_ABI:
        found.append("landlock without scopes, and no uid of its own")
    return Probe(tier=tiers.NONE, open=found, closed=sorted(results.keys() - found))


@contextmanager
def _target(ground: Path, *, is_apart: bool) -> Iterator[inside.Target]:
    """Files and sockets that anybody may use, so that only the sandbox stands between them and the job."""
    outside = ground / "outside"
    outside.mkdir()
    outside.chmod(0o777)
    for name in ("secret", "truncated", "removed", "renamed"):
        (outside / name).write_text("secret")
        (outside / name).chmod(0o666)
    abstract = f"windlass-probe-{secrets.token_hex(8)}"
    with ExitStack() as listening:
        temporary, shared = (listening.enter_context(_file_in(name)) for name in (tempfile.gettempdir(), "/dev/shm"))
        key = listening.enter_context(_ipc_objects())
        listening.enter_context(_listen(socket.SOCK_STREAM, f"{outside}/s"))
        listening.enter_context(_listen(socket.SOCK_DGRAM, f"{outside}/d"))
        listening.enter_context(_listen(socket.SOCK_STREAM, f"\0{abstract}"))
        yield inside.Target(
            worker=os.getpid(),
            folder=str(outside),
            socket=f"{outside}/s",
            datagram_socket=f"{outside}/d",
            abstract_socket=abstract,
            temporary_file=temporary,
            shared_memory=shared,
            ipc_key=key,
            is_apart=is_apart,
            calls=seccomp.denied_calls(os.uname().machine),
            clone=_CLONE[os.uname().machine],
        )


@contextmanager
def _file_in(folder: str) -> Iterator[str]:
    with tempfile.NamedTemporaryFile(prefix="windlass-probe-", dir=folder) as file:
        os.chmod(file.name, 0o666)
        file.write(b"secret")
        file.flush()
        yield file.name


@contextmanager
def _ipc_objects() -> Iterator[int]:
    """A shared segment, a semaphore and a message queue that anybody may use, by their one key."""
    key = secrets.randbelow(1 << 30) + 1
    segment = _LIBC.shmget(key, 4096, _IPC_CREATE | _ANYBODY)
    semaphores = _LIBC.semget(key, 1, _IPC_CREATE | _ANYBODY)
    queue = _LIBC.msgget(key, _IPC_CREATE | _ANYBODY)
    try:
        yield key
    finally:
        _LIBC.shmctl(segment, _IPC_REMOVE, None)
        _LIBC.semctl(semaphores, 0, _IPC_REMOVE)
        _LIBC.msgctl(queue, _IPC_REMOVE, None)


def _listen(kind: socket.SocketKind, name: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, kind)
    listener.bind(name)
    if not name.startswith("\0"):
        os.chmod(name, 0o777)
    if kind is socket.SOCK_STREAM:
        listener.listen()
    return listener
