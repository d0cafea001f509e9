"""The pool of warm processes, so that a job need not wait for an interpreter and its imports. Called by `execute`.

A job never waits for a warm-up: where none is idle it starts cold, and one is started for the next. What a process may
be shared by is in its key. Memory bounds the pool: the least recently used ones go first, and what nobody used for a
while goes as well.
"""

import asyncio
import shutil
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

from windlass.languages.base import Command, Network, Warm, WarmMode
from windlass.telemetry import get_logger
from windlass.worker.launcher.client import Exit, Launcher, LaunchError, Limits, OneJobProcess, Running, WarmProcess

log = get_logger("zygotes")

FIRST_NUMBER, END_OF_NUMBERS = 32, 63
"""The slots of warm processes; the one after them is for measuring the sandbox."""
EXPECTED_BYTES = 30 * 1024**2
WARM_UP_S = 60.0
PAUSE_AFTER_FAILURE_S = 60.0

KEYS_REMEMBERED = 256

Key = tuple[str, WarmMode, str, Network]


@dataclass(kw_only=True, eq=False)
class Seat:
    """A warm process, or one that is becoming that; a job that has taken it has it to itself."""

    key: Key
    warm: Warm
    number: int
    folder: Path
    process: WarmProcess | OneJobProcess | None = None
    is_taken: bool = False
    used_at: float = 0.0
    expiry: asyncio.TimerHandle | None = None

    @property
    def is_idle(self) -> bool:
        """Whether a job could have it now."""
        return self.process is not None and self.process.is_alive and not self.is_taken

    @property
    def memory_bytes(self) -> int:
        """What it is known, or else expected, to use."""
        return (self.process.memory_bytes if self.process is not None else 0) or EXPECTED_BYTES

    async def run(self, command: Command) -> Running:
        """Run a job in a folder below `folder`. Raises LaunchError."""
        assert self.process is not None
        return await self.process.run(command)


@dataclass(kw_only=True)
class Zygotes:
    """The warm processes of one worker. `folder` is where theirs are; `budget_bytes` 0 keeps none."""

    launcher: Launcher
    folder: Path
    limits: Limits
    slots: int
    budget_bytes: int
    idle_seconds: float
    _seats: list[Seat] = field(default_factory=list)
    _learned: dict[Key, tuple[str, ...]] = field(default_factory=dict)
    _failed_at: dict[Key, float] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def take(self, workspace: str, warm: Warm) -> Seat | None:
        """An idle process for a job, to be given back; None where it must start cold."""
        key = (workspace, warm.mode, warm.key, warm.network)
        for seat in self._seats:
            if seat.key == key and seat.is_idle:
                seat.is_taken = True
                if seat.expiry is not None:
                    seat.expiry.cancel()
                return seat
        self._start_soon(key, warm)
        return None

    def give_back(self, seat: Seat, ended: Exit | None) -> None:
        """The job has ended, if `ended` says how, and nothing in its folder is wanted any more."""
        loop = asyncio.get_running_loop()
        seat.is_taken, seat.used_at = False, loop.time()
        if ended is not None and ended.is_clean and not self._learn(seat.key, ended.learned) and seat.is_idle:
            seat.expiry = loop.call_later(self.idle_seconds, self._drop, seat)
        else:
            self._drop(seat)
            self._start_soon(seat.key, seat.warm)

    async def close(self) -> None:
        """End all of them."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for seat in list(self._seats):
            self._drop(seat)
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _learn(self, key: Key, names: tuple[str, ...]) -> bool:
        """Remember what a job had to load itself; whether the next process would be better than this one."""
        known = self._learned.pop(key, ())
        self._learned[key] = tuple(dict.fromkeys((*known, *names)))
        if len(self._learned) > KEYS_REMEMBERED:
            del self._learned[next(iter(self._learned))]
        return len(self._learned[key]) > len(known)

    def _start_soon(self, key: Key, warm: Warm) -> None:
        free = set(range(max(FIRST_NUMBER, self.slots), END_OF_NUMBERS)) - {seat.number for seat in self._seats}
        if not free or self._is_pausing(key) or not self._make_room(key):
            return
        folder = Path(tempfile.mkdtemp(prefix="w", dir=self.folder))
        seat = Seat(key=key, warm=warm, number=min(free), folder=folder)
        self._seats.append(seat)
        self._do(self._start(seat))

    def _is_pausing(self, key: Key) -> bool:
        failed_at = self._failed_at.get(key)
        return failed_at is not None and asyncio.get_running_loop().time() < failed_at + PAUSE_AFTER_FAILURE_S

    def _make_room(self, key: Key) -> bool:
        """Drop what was not used for longest, until one more fits; False where it cannot."""
        if sum(seat.key == key for seat in self._seats) >= self.slots:
            return False
        idle = sorted((seat for seat in self._seats if seat.is_idle), key=lambda seat: seat.used_at, reverse=True)
        while self._used_bytes() + EXPECTED_BYTES > self.budget_bytes:
            if not idle:
                return False
            self._drop(idle.pop())
        return True

    def _used_bytes(self) -> int:
        return sum(seat.memory_bytes for seat in self._seats)

    async def _start(self, seat: Seat) -> None:
        warm = seat.warm
        if warm.mode is WarmMode.FORK:
            warm = replace(warm, argv=(*warm.argv, *self._learned.get(seat.key, ())))
        try:
            process = await self.launcher.warm(warm, folder=seat.folder, limits=self.limits, slot=seat.number)
            await self._until_ready(process)
        except (LaunchError, TimeoutError) as error:
            log.warning("a warm process did not start", reason=str(error) or "it took too long")
            self._failed_at[seat.key] = asyncio.get_running_loop().time()
            self._drop(seat)
        else:
            seat.process = process
            seat.expiry = asyncio.get_running_loop().call_later(self.idle_seconds, self._drop, seat)

    async def _until_ready(self, process: WarmProcess | OneJobProcess) -> None:
        try:
            async with asyncio.timeout(WARM_UP_S):
                await process.until_ready()
        except BaseException:
            process.end()
            raise

    def _drop(self, seat: Seat) -> None:
        if seat.process is not None:
            seat.process.end()
        if seat in self._seats:
            self._seats.remove(seat)
            self._do(asyncio.to_thread(shutil.rmtree, seat.folder, ignore_errors=True))

    def _do(self, work) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
