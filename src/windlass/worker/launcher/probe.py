"""Measure what the sandbox really closes on this machine. The worker calls `measure` at its start.

The tier is never assumed from versions or settings: the attempts of `inside` run in a real launch, and the
first that gets through costs the tier.
"""

import asyncio
import json
import os
import secrets
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from windlass.languages.base import Command
from windlass.worker.launcher import inside, landlock, seccomp
from windlass.worker.launcher.client import INTERPRETER, Launcher, LaunchError, Limits, Running

_CLONE = {"x86_64": 56, "aarch64": 220}
_PATIENCE_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class Probe:
    """The measured tier: "B" if all attempts were stopped, else "0"; `open` names what was not."""

    tier: str
    open: list[str]
    closed: list[str]


async def measure(launcher: Launcher, *, slot: int = 0, folder: Path | None = None) -> Probe:
    """Attack the sandbox from within a job below `folder`, and set the launcher's tier to what was found."""
    with tempfile.TemporaryDirectory(prefix="probe-", dir=folder) as ground:
        os.chmod(ground, 0o711)
        with _target(Path(ground)) as target:
            probe = await _attack(launcher, slot, Path(ground), target)
    launcher.tier = probe.tier
    return probe


async def _attack(launcher: Launcher, slot: int, ground: Path, target: inside.Target) -> Probe:
    """The attempts in both ways in which a job starts: by exec, and in a fork of the server."""
    words = json.dumps(asdict(target))
    script = Path(inside.__file__).read_bytes()
    by_exec = Command(argv=(*INTERPRETER, "-", words), env={}, cwd=ground / "exec")
    by_fork = Command(argv=(*INTERPRETER, inside.__file__, words), env={}, cwd=ground / "fork", warm=True)
    results = [await _attempt(launcher, slot, by_exec, script), await _attempt(launcher, slot, by_fork, b"")]
    return _join(results)


async def _attempt(launcher: Launcher, slot: int, command: Command, script: bytes) -> Probe:
    command.cwd.mkdir(mode=0o700)
    try:
        running = await launcher.launch(command, limits=Limits(), slot=slot, stdin=script)
    except LaunchError as error:
        return Probe(tier="0", open=[f"launch: {error}"], closed=[])
    return _judge(running, *await _finish(running))


def _join(results: list[Probe]) -> Probe:
    """What got through in any way is open."""
    found = list(dict.fromkeys(name for result in results for name in result.open))
    closed = {name for result in results for name in result.closed}
    return Probe(tier=min(result.tier for result in results), open=found, closed=sorted(closed - set(found)))


async def _finish(running: Running) -> tuple[bytes, bytes]:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return await asyncio.gather(running.stdout.read(), running.stderr.read())
    finally:
        running.kill()
        await running.wait()


def _judge(running: Running, output: bytes, errors: bytes) -> Probe:
    try:
        results: dict[str, bool] = json.loads(output)
    except ValueError:
        return Probe(tier="0", open=[f"probe: {errors.decode(errors='replace')[-500:]}"], closed=[])
    found = [name for name, gets_through in results.items() if gets_through]
    if running.identity.uid is None and landlock.abi() < landlock.SCOPES_SINCE_ABI:
        found.append("landlock without scopes, and no uid of its own")
    return Probe(tier="0" if found else "B", open=found, closed=sorted(results.keys() - found))


@contextmanager
def _target(ground: Path) -> Iterator[inside.Target]:
    """Files and sockets that anybody may use, so that only the sandbox stands between them and the job."""
    outside = ground / "outside"
    outside.mkdir()
    outside.chmod(0o777)
    for name in ("secret", "truncated", "removed", "renamed"):
        (outside / name).write_text("secret")
        (outside / name).chmod(0o666)
    abstract = f"windlass-probe-{secrets.token_hex(8)}"
    with ExitStack() as listening:
        listening.enter_context(_listen(socket.SOCK_STREAM, f"{outside}/s"))
        listening.enter_context(_listen(socket.SOCK_DGRAM, f"{outside}/d"))
        listening.enter_context(_listen(socket.SOCK_STREAM, f"\0{abstract}"))
        yield inside.Target(
            worker=os.getpid(),
            folder=str(outside),
            socket=f"{outside}/s",
            datagram_socket=f"{outside}/d",
            abstract_socket=abstract,
            calls=seccomp.denied_calls(os.uname().machine),
            clone=_CLONE[os.uname().machine],
        )


def _listen(kind: socket.SocketKind, name: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, kind)
    listener.bind(name)
    if not name.startswith("\0"):
        os.chmod(name, 0o777)
    if kind is socket.SOCK_STREAM:
        listener.listen()
    return listener
