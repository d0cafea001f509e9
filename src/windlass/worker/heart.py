"""Keeps a worker's leases, from a thread with an event loop and a connection of its own: neither a busy loop nor a full
pool makes a living worker look dead. Called by `worker/loop.py`, which holds and drops leases from its own thread.

An attempt whose lease could not be renewed for most of the time that the reaper waits is stopped while it is still
ours. Whoever wakes up late, from SIGSTOP or starvation, finds its leases expired by the clock and stops its jobs first.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import asyncpg

from windlass.db.pool import RETRY_S, Line
from windlass.errors import DatabaseUnavailable
from windlass.jobs.pull import CancelRequest, Held, Lease, beat
from windlass.telemetry import get_logger

log = get_logger("worker")
SESSION = {"synchronous_commit": "off"}  # a heartbeat that a crash of the database forgets comes again
REACTION_S = 1.0  # how long the worker's loop may take to stop a job before its sandbox is ended from here
TICK_S = 0.25
BOOT_TIME = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # goes on while the machine sleeps

Key = tuple[UUID, int]


def clock() -> float:
    """Seconds that no change of the wall clock touches."""
    return time.clock_gettime(BOOT_TIME)


class Holder(Protocol):
    """What runs under a lease."""

    @property
    def held(self) -> Held:
        """The attempt, with its memory so far."""
        ...


class Owner(Protocol):
    """The worker's loop. Called on its own thread."""

    def lose(self, keys: list[Key], reason: str) -> None:
        """Stop these attempts at once, and drop their leases."""
        ...

    def cancel(self, key: Key, request: CancelRequest) -> None:
        """Somebody asked to end this attempt; told again with each heartbeat."""
        ...


@dataclass(kw_only=True)
class _Lease:
    holder: Holder
    renewed_at: float
    lost_at: float | None = None


class Heart:
    """The leases of one worker. `interval` between heartbeats and `patience` with an old lease are in seconds; `sever`
    ends every job of the worker without its loop, and may be called from any thread."""

    def __init__(self, line: Line, *, interval: float, patience: float, sever: Callable[[], None]) -> None:
        self._line = line
        self._interval = interval
        self._patience = patience
        self._sever = sever
        self._leases: dict[Key, _Lease] = {}
        self._guard = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._asked = asyncio.Event()
        self._is_failing = False

    def hold(self, key: Key, holder: Holder, *, since: float) -> None:
        """Renew from now on; `since` is when the claim was asked for, by `clock`."""
        with self._guard:
            self._leases[key] = _Lease(holder=holder, renewed_at=since)

    def drop(self, key: Key) -> None:
        """Renew no longer."""
        with self._guard:
            self._leases.pop(key, None)

    def ask(self) -> None:
        """Have the next heartbeat now, since there is news of a cancel."""
        if self._loop is not None:
            _tell(self._loop, self._asked.set)

    async def run(self, owner: Owner) -> None:
        """Beat until cancelled; ends by itself only when the thread failed, and raises why."""
        home = asyncio.get_running_loop()
        ended: asyncio.Future[None] = home.create_future()
        self._loop = loop = asyncio.new_event_loop()
        task = loop.create_task(self._keep(home, owner))
        task.add_done_callback(lambda _: _tell(home, _report, task, ended))
        threading.Thread(target=_serve, args=(loop, task), name="heart", daemon=True).start()
        try:
            await asyncio.shield(ended)
        finally:
            _tell(loop, task.cancel)
            await asyncio.wait([ended], timeout=REACTION_S)

    async def _keep(self, home: asyncio.AbstractEventLoop, owner: Owner) -> None:
        try:
            async with asyncio.TaskGroup() as duties:
                duties.create_task(self._beat(home, owner))
                duties.create_task(self._watch(home, owner))
        finally:
            self._line.close()

    async def _beat(self, home: asyncio.AbstractEventLoop, owner: Owner) -> None:
        pause = self._interval
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._asked.wait(), pause)
            self._asked.clear()
            is_answered = await self._renew(home, owner)
            pause = self._interval if is_answered else min(self._interval, RETRY_S)

    async def _renew(self, home: asyncio.AbstractEventLoop, owner: Owner) -> bool:
        leases, asked_at = self._held(), clock()
        if not leases:
            return True
        try:
            async with asyncio.timeout(self._interval), self._line.statement() as tx:
                answers = await beat(tx, [lease.holder.held for lease in leases.values()])
        except (DatabaseUnavailable, TimeoutError, asyncpg.PostgresError) as error:
            if not self._is_failing:
                log.warning("heartbeats fail", reason=repr(error.__cause__ or error))
            self._is_failing = True
            return False
        self._is_failing = False
        for key, lease in leases.items():
            _update(home, owner, key, lease, answers.get(key), asked_at)
        self._doom([key for key in leases if key not in answers], home, owner,
                   "another attempt holds the job, or somebody ended it")  # fmt: skip
        return True

    async def _watch(self, home: asyncio.AbstractEventLoop, owner: Owner) -> None:
        """Apart from the heartbeats, so that none that hangs delays the end of what has lost its lease."""
        while True:
            await asyncio.sleep(min(TICK_S, self._patience / 8))
            old = clock() - self._patience
            expired = [key for key, lease in self._held().items() if lease.lost_at is None and lease.renewed_at < old]
            self._doom(expired, home, owner, "the lease could not be renewed")
            self._sever_if_ignored()

    def _doom(self, keys: list[Key], home: asyncio.AbstractEventLoop, owner: Owner, reason: str) -> None:
        with self._guard:
            lost = [self._leases[key] for key in keys if key in self._leases]
        for lease in lost:
            lease.lost_at = lease.lost_at or clock()
        if lost:
            _tell(home, owner.lose, keys, reason)

    def _sever_if_ignored(self) -> None:
        late = clock() - REACTION_S
        ignored = [key for key, lease in self._held().items() if lease.lost_at is not None and lease.lost_at < late]
        if ignored:
            log.error("the worker's loop stopped no job in time, its sandbox is ended", jobs=len(ignored))
            self._sever()
            for key in ignored:
                self.drop(key)

    def _held(self) -> dict[Key, _Lease]:
        with self._guard:
            return dict(self._leases)


def _update(
    home: asyncio.AbstractEventLoop, owner: Owner, key: Key, lease: _Lease, answer: Lease | None, asked_at: float
) -> None:
    if answer is not None and answer.is_renewed:
        lease.renewed_at = asked_at
    if answer is not None and answer.cancel is not None:
        _tell(home, owner.cancel, key, answer.cancel)


def _serve(loop: asyncio.AbstractEventLoop, task: asyncio.Task[None]) -> None:
    with closing(loop):
        loop.run_until_complete(asyncio.wait([task]))


def _report(task: asyncio.Task[None], ended: asyncio.Future[None]) -> None:
    error = None if task.cancelled() else task.exception()
    if error is None:
        ended.set_result(None)
    else:
        ended.set_exception(error)


def _tell(loop: asyncio.AbstractEventLoop, call: Callable[..., object], *values: Any) -> None:
    with suppress(RuntimeError):  # that side has ended already
        loop.call_soon_threadsafe(call, *values)
