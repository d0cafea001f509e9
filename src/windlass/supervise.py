"""Keeps the processes of `windlass standalone` alive and stops them in order. Called by the composition root.

Children write to our stderr themselves. Secrets reach them through a pipe, never by argv or environment; a
child ends with us even when we are killed, since the kernel signals it then.
"""

import asyncio
import json
import os
import signal
import time
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from windlass.processes import die_with_parent
from windlass.settings import SECRETS_FD
from windlass.telemetry import get_logger

log = get_logger("supervise")

_SETTLED_AFTER = 5.0  # seconds of life after which an end no longer counts as a failed start
_LONGEST_PAUSE = 30.0  # seconds between two starts
_MARGIN = 5.0  # seconds on top of the drain, for a child that ends on its own to say goodbye


@dataclass(frozen=True, kw_only=True)
class Child:
    """One process to keep alive. `failed_starts`: how many ends in a row within 5 s make us give up."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    failed_starts: int = 1


async def supervise(
    stages: Sequence[Sequence[Child]], *, drain_timeout: float, foundation: Awaitable[str] | None = None
) -> int:
    """Runs all children until SIGINT, SIGTERM or SIGHUP and returns the exit code for our own process.

    `stages` are started in order and stopped in reverse: `[[server], workers]`. A stopping stage has
    `drain_timeout` seconds; a second signal kills at once. `foundation` is what all stand on (the database):
    when it returns, it says why, and everything stops. Call it from the main thread.
    Exit codes: 0 stopped as asked; a child's own when it could not be kept alive; 1 the foundation went, or a
    child overstayed its drain; 130 the user did not wait.
    """
    supervisor = _Supervisor(stages, drain_timeout)
    with _stop_signals(supervisor):
        return await supervisor.run(foundation)


@contextmanager
def _stop_signals(supervisor: "_Supervisor") -> Iterator[None]:
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in signals:
        loop.add_signal_handler(number, supervisor.ask_to_stop)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


class _Supervisor:
    def __init__(self, stages: Sequence[Sequence[Child]], drain_timeout: float) -> None:
        self._stages = stages
        self._patience = drain_timeout + _MARGIN
        self._stopping = asyncio.Event()
        self._hurried = asyncio.Event()
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._exit_code = 0

    def ask_to_stop(self) -> None:
        """The first call drains, the second kills."""
        if self._stopping.is_set():
            self._hurried.set()
            self._exit_code = self._exit_code or 130
        else:
            log.info("stopping; once more to kill")
            self._stopping.set()

    async def run(self, foundation: Awaitable[str] | None) -> int:
        try:
            async with asyncio.TaskGroup() as tasks:
                for child in (child for stage in self._stages for child in stage):
                    tasks.create_task(self._keep(child))
                watcher = tasks.create_task(self._watch(foundation)) if foundation is not None else None
                await self._stopping.wait()
                for stage in reversed(self._stages):
                    await self._stop_stage([child.name for child in stage])
                if watcher is not None:
                    watcher.cancel()
        finally:
            self._send(signal.SIGKILL, list(self._processes))
        return self._exit_code

    async def _watch(self, foundation: Awaitable[str]) -> None:
        reason = await foundation
        self._give_up(reason, 1)

    def _give_up(self, reason: str, exit_code: int) -> None:
        log.error(reason)
        self._exit_code = self._exit_code or exit_code
        self._stopping.set()

    async def _keep(self, child: Child) -> None:
        failed_starts = 0
        while not self._stopping.is_set():
            started = time.monotonic()
            exit_code = await self._run_once(child)
            if self._stopping.is_set():
                return
            failed_starts = failed_starts + 1 if time.monotonic() - started < _SETTLED_AFTER else 0
            if failed_starts >= child.failed_starts:
                self._give_up(f"{child.name} does not stay up (exit code {exit_code})", exit_code or 1)
                return
            await self._pause(child, exit_code, failed_starts)

    async def _pause(self, child: Child, exit_code: int, failed_starts: int) -> None:
        seconds = min(0.5 * 2**failed_starts, _LONGEST_PAUSE)
        log.warning("a process ended and is started again", name=child.name, exit_code=exit_code, pause=seconds)
        await _wait(self._stopping, seconds)

    async def _run_once(self, child: Child) -> int:
        process = await _spawn(child)
        self._processes[child.name] = process
        if self._stopping.is_set():  # asked while it was starting
            self._send(signal.SIGTERM, [child.name])
        exit_code = await process.wait()
        del self._processes[child.name]
        return exit_code if exit_code >= 0 else 128 - exit_code

    async def _stop_stage(self, names: Sequence[str]) -> None:
        self._send(signal.SIGTERM, names)
        deadline = time.monotonic() + self._patience
        while self._is_any_alive(names):
            if self._hurried.is_set() or time.monotonic() > deadline:
                self._send(signal.SIGKILL, names)
                self._exit_code = self._exit_code or 1
            await asyncio.sleep(0.02)

    def _is_any_alive(self, names: Sequence[str]) -> bool:
        return any(name in self._processes for name in names)

    def _send(self, number: signal.Signals, names: Sequence[str]) -> None:
        for process in [self._processes[name] for name in names if name in self._processes]:
            with suppress(ProcessLookupError):
                process.send_signal(number)


async def _spawn(child: Child) -> asyncio.subprocess.Process:
    """In a session of its own, so that the terminal's Ctrl-C reaches only us, and we drain in order."""
    reading = _pipe_with(json.dumps(dict(child.secrets)))
    try:
        return await asyncio.create_subprocess_exec(
            *child.argv,
            stdin=asyncio.subprocess.DEVNULL,
            env={**child.env, SECRETS_FD: str(reading)},
            pass_fds=(reading,),
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGKILL),
        )
    finally:
        os.close(reading)


def _pipe_with(text: str) -> int:
    """The reading end of a pipe that holds `text`; it must fit the kernel's buffer of 64 KiB."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as pipe:
        pipe.write(text)
    return reading


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
