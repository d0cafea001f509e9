"""Births of jobs, written in one statement however many come at once. Called by `launch` and `submit`, which have made
every check.
"""

import asyncio
import hashlib
import os
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from windlass.db.pool import Database, Line, Transaction
from windlass.errors import DatabaseUnavailable
from windlass.jobs.model import JobKind
from windlass.jobs.runnables import queries

LINES = 2
STATEMENT_S = 60.0
MAX_BIRTHS = 256
MAX_BYTES = 4 * 1024 * 1024
SERIES = 1 << 14  # ids that follow each other, for the jobs of one batch


@dataclass(frozen=True, kw_only=True)
class Terms:
    """All of a job but what makes it one of many: those of concurrent requests for one runnable are mostly the same.

    The guard says what must still be true of a remembered version: that it is unchanged and, by path, that it is the
    one to run.
    """

    workspace: str | None
    kind: JobKind
    path: str | None
    hash: int | None
    language: str
    code: str | None
    lock: str | None
    entrypoint: str | None
    tag: str
    timeout: int | None
    priority: int
    parent_job: UUID | None
    root_job: UUID | None
    created_by: str
    email: str
    trigger_kind: str | None
    visible_to_owner: bool
    retry_on_crash: bool
    scheduled_for: datetime | None
    scheduled_in_secs: int | None
    operation: str
    guard_path: str | None = None
    guard_hash: int | None = None
    guard_stamp: str | None = None


@dataclass(frozen=True, kw_only=True)
class Birth:
    """A job that may be pushed. `args` is its raw JSON; `key` makes it happen once, for the same `fingerprint` only."""

    id: UUID
    args: str
    terms: Terms
    key: str | None = None

    @property
    def fingerprint(self) -> bytes:
        """The same for the same person asking for the same thing."""
        terms = self.terms
        version = None if terms.guard_path else terms.hash  # by path, it is the same request for a later version, too
        parts = (terms.workspace, terms.email, str(terms.kind), terms.path, version, terms.language, terms.code,
                 terms.lock, self.args)  # fmt: skip
        return hashlib.sha256(repr(parts).encode(errors="surrogatepass")).digest()


def new_id() -> UUID:
    """A new id, later than those before it, so that what is new lies together in the indexes; the next few thousand
    numbers after it are free for a batch."""
    moment, chance = time.time_ns() // 1_000_000, int.from_bytes(os.urandom(8))
    return UUID(int=(moment << 80) | (7 << 76) | (chance >> 52 << 64) | (2 << 62) | ((chance & ((1 << 48) - 1)) << 14))


async def write(tx: Transaction[Any], births: Sequence[Birth]) -> set[UUID]:
    """Push jobs on the same terms and return the ids of those that were born. The others' version has changed since it
    was resolved, or their key or id was given to an earlier request. No two of them may have the same.
    """
    found = queries.push_jobs(
        tx.connection, ids=[birth.id for birth in births], args=[birth.args for birth in births],
        keys=[birth.key for birth in births],
        fingerprints=[birth.fingerprint if birth.key else None for birth in births], **vars(births[0].terms),
    )  # fmt: skip
    return {row["id"] async for row in found}


async def write_batch(tx: Transaction[Any], birth: Birth, ids: Sequence[UUID]) -> bool:
    """Push one job for each of the arguments in `birth.args`, a JSON array; all are born or none."""
    fingerprint = birth.fingerprint if birth.key else None
    return bool(await queries.push_batch(
        tx.connection, ids=ids, args=birth.args, key=birth.key, fingerprint=fingerprint, **vars(birth.terms),
    ))  # fmt: skip


async def forget_keys(tx: Transaction[Any], *, older_than: timedelta) -> None:
    """Remove the keys of requests that nobody sends again."""
    await queries.forget_keys(tx.connection, older_than=older_than)


Waiting = tuple[Birth, "asyncio.Future[bool]"]


class Pusher:
    """Writes the births of concurrent requests together, those on the same terms: what comes while a statement is under
    way goes with a later one. A birth that the database refuses is refused alone.
    """

    def __init__(self, database: Database) -> None:
        self._waiting: deque[Waiting] = deque()
        self._idle = [Line(database, timeout=STATEMENT_S, session={}) for _ in range(LINES)]
        self._pumps: set[asyncio.Task[None]] = set()

    async def push(self, birth: Birth) -> bool:
        """Push a birth and tell whether it was born, as `write` does; it is durable then. DatabaseUnavailable leaves it
        unknown."""
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((birth, future))
        self._start()
        return await future

    def close(self) -> None:
        """Drop the connections."""
        for line in self._idle:
            line.close()

    def _start(self) -> None:
        if self._waiting and self._idle:
            pump = asyncio.create_task(self._pump(self._idle.pop()))
            self._pumps.add(pump)
            pump.add_done_callback(self._ended)

    def _ended(self, pump: "asyncio.Task[None]") -> None:
        self._pumps.discard(pump)
        self._start()

    async def _pump(self, line: Line) -> None:
        try:
            while self._waiting:
                await _write(line, self._take())
        finally:
            self._idle.append(line)

    def _take(self) -> list[Waiting]:
        """The first one and as many others on its terms as go well in one statement, none with the id or the key of
        another; the rest waits on."""
        taken: list[Waiting] = []
        left: deque[Waiting] = deque()
        terms, seen, room = self._waiting[0][0].terms, set[object](), MAX_BYTES
        for birth, future in self._waiting:
            names = {birth.id, birth.key or birth.id}
            if birth.terms == terms and seen.isdisjoint(names) and len(taken) < MAX_BIRTHS and room > 0:
                seen |= names
                room -= len(birth.args)
                taken.append((birth, future))
            else:
                left.append((birth, future))
        self._waiting = left
        return taken


async def _write(line: Line, batch: list[Waiting]) -> None:
    try:
        async with line.statement() as tx:
            born = await write(tx, [birth for birth, _ in batch])
    except DatabaseUnavailable as error:
        _fail(batch, error)
    except asyncpg.PostgresError as error:
        if len(batch) == 1:
            return _fail(batch, error)
        for one in batch:
            await _write(line, [one])
    except BaseException:
        _fail(batch, DatabaseUnavailable("the statement was broken off"))
        raise
    else:
        for birth, future in batch:
            if not future.done():
                future.set_result(birth.id in born)


def _fail(batch: Iterable[Waiting], error: Exception) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
