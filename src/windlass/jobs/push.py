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
from enum import Enum, auto
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from windlass.db.pool import Database, Transaction
from windlass.errors import BadRequest, DatabaseUnavailable
from windlass.jobs.model import JobKind
from windlass.jobs.runnables import queries

PUMPS = 2
MAX_BIRTHS = 256
MAX_BYTES = 4 * 1024 * 1024
SERIES = 1 << 14  # ids that follow each other, for the jobs of one batch


class Fate(Enum):
    """What became of a birth."""

    BORN = auto()
    TAKEN = auto()  # its id or its key belongs to an earlier request
    STALE = auto()  # its version is no longer what was asked for


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

    def encode(self) -> bytes:
        """As the statements read them. BadRequest for text that holds half a character."""
        try:
            return orjson.dumps(self, default=str)
        except orjson.JSONEncodeError as error:
            raise BadRequest(f"the request cannot be stored: {error}") from error


@dataclass(frozen=True, kw_only=True)
class Birth:
    """A job that may be pushed. `args` is its raw JSON, `encoded` are its terms; `key` makes it happen once, for the
    same `fingerprint` only.
    """

    id: UUID
    args: str
    terms: Terms
    encoded: bytes
    key: str | None = None

    @property
    def fingerprint(self) -> bytes:
        """The same for the same person asking for the same thing."""
        terms = self.terms
        version = None if terms.guard_path else terms.hash  # by path, it is the same request for a later version, too
        parts = (terms.email, str(terms.kind), terms.path, version, terms.language, terms.code, terms.lock, self.args)
        return hashlib.sha256(repr(parts).encode(errors="surrogatepass")).digest()


def new_id() -> UUID:
    """A new id, later than those before it, so that what is new lies together in the indexes; the next few thousand
    numbers after it are free for a batch."""
    moment, chance = time.time_ns() // 1_000_000, int.from_bytes(os.urandom(8))
    return UUID(int=(moment << 80) | (7 << 76) | (chance >> 52 << 64) | (2 << 62) | ((chance & ((1 << 48) - 1)) << 14))


async def write(tx: Transaction[Any], births: Sequence[Birth]) -> list[Fate]:
    """Push, and tell the fate of each. No two may have the same id or key."""
    distinct = list(dict.fromkeys(birth.encoded for birth in births))
    places = {encoded: place for place, encoded in enumerate(distinct, 1)}
    found = queries.push_jobs(
        tx.connection, ids=[birth.id for birth in births], args=[birth.args for birth in births],
        terms=_array(distinct), places=[places[birth.encoded] for birth in births],
        keys=[birth.key for birth in births],
        fingerprints=[birth.fingerprint if birth.key else None for birth in births],
    )  # fmt: skip
    is_born = {row["id"]: row["is_born"] async for row in found}
    return [_fate(is_born.get(birth.id)) for birth in births]


async def write_batch(tx: Transaction[Any], birth: Birth, ids: Sequence[UUID]) -> Fate:
    """Push one job for each of the arguments in `birth.args`, a JSON array; all or none."""
    row = await queries.push_batch(
        tx.connection, ids=ids, args=birth.args, key=birth.key, fingerprint=birth.fingerprint if birth.key else None,
        terms=_array([birth.encoded]),
    )  # fmt: skip
    return Fate.STALE if not row["is_steady"] else Fate.BORN if row["is_born"] else Fate.TAKEN


async def forget_keys(tx: Transaction[Any], *, older_than: timedelta) -> None:
    """Remove the keys of requests that nobody sends again."""
    await queries.forget_keys(tx.connection, older_than=older_than)


def _fate(is_born: bool | None) -> Fate:
    return Fate.STALE if is_born is None else Fate.BORN if is_born else Fate.TAKEN


def _array(encoded: Iterable[bytes]) -> str:
    return (b"[" + b",".join(encoded) + b"]").decode()


Waiting = tuple[Birth, "asyncio.Future[Fate]"]


class Pusher:
    """Writes the births of concurrent requests together: what comes while a statement is under way goes with the next.

    A birth that the database refuses is refused alone.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: deque[Waiting] = deque()
        self._pumps: set[asyncio.Task[None]] = set()

    async def push(self, birth: Birth) -> Fate:
        """Push a birth; it is durable when this returns BORN. DatabaseUnavailable leaves it unknown."""
        future: asyncio.Future[Fate] = asyncio.get_running_loop().create_future()
        self._waiting.append((birth, future))
        self._start()
        return await future

    def _start(self) -> None:
        if self._waiting and len(self._pumps) < PUMPS:
            pump = asyncio.create_task(self._pump())
            self._pumps.add(pump)
            pump.add_done_callback(self._ended)

    def _ended(self, pump: "asyncio.Task[None]") -> None:
        self._pumps.discard(pump)
        self._start()

    async def _pump(self) -> None:
        while self._waiting:
            await self._write(self._take())

    def _take(self) -> list[Waiting]:
        """As many as go well in one statement, none with the id or the key of another."""
        taken: list[Waiting] = []
        seen: set[object] = set()
        size = 0
        while self._waiting and len(taken) < MAX_BIRTHS and size < MAX_BYTES:
            birth = self._waiting[0][0]
            names = {birth.id, (birth.terms.workspace, birth.key) if birth.key else birth.id}
            if not seen.isdisjoint(names):
                break
            seen |= names
            size += len(birth.args) + len(birth.terms.code or "")
            taken.append(self._waiting.popleft())
        return taken

    async def _write(self, batch: list[Waiting]) -> None:
        try:
            async with self._database.system_statement() as tx:
                fates = await write(tx, [birth for birth, _ in batch])
        except DatabaseUnavailable as error:
            _fail(batch, error)
        except asyncpg.PostgresError as error:
            if len(batch) == 1:
                _fail(batch, error)
            for one in batch if len(batch) > 1 else ():
                await self._write([one])
        except BaseException:
            _fail(batch, DatabaseUnavailable("the statement was broken off"))
            raise
        else:
            for (_, future), fate in zip(batch, fates, strict=True):
                if not future.done():
                    future.set_result(fate)


def _fail(batch: Iterable[Waiting], error: Exception) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
