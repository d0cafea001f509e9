"""Connections. A request gets a transaction that carries its principal; workers and duties get a system transaction.

Two logins: requests use one that is a member of `windlass_user` only, so row level security holds below every check of
the code; workers, authentication and maintenance use one that is a member of `windlass_service`. With an outside
database and a single login, the role is set per transaction instead.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Generic, Protocol, TypeVar

import asyncpg

from windlass.db import failpoints
from windlass.errors import DatabaseUnavailable

GONE = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    TimeoutError,
)
LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.InternalClientError,  # an idle connection was told of the shutdown, but has not been closed yet
    ConnectionError,
    TimeoutError,
)
ACQUIRE_TIMEOUT_S = 5
COMMAND_TIMEOUT_S = 60
RETRY_S = 0.5
ENTER_USER = "SELECT set_config('role', 'windlass_user', true), set_config('windlass.context', $1, true)"


class Actor(Protocol):
    """Whoever a request transaction belongs to."""

    @property
    def database_context(self) -> Mapping[str, object]:
        """What row level security may know: workspace, principals, readable and writable owners, rights."""
        ...


A = TypeVar("A", covariant=True)
R = TypeVar("R")
RequestActor = TypeVar("RequestActor", bound=Actor)


@dataclass(frozen=True, kw_only=True)
class Transaction(Generic[A]):
    """An open transaction and who it belongs to. `connection` is an asyncpg connection."""

    connection: Any
    actor: A


class Database:
    """The pools of one process."""

    def __init__(self, *, api_url: str | None, system_url: str, size: int) -> None:
        self._api_url = api_url
        self._system_url = system_url
        self._size = size
        self._api: asyncpg.Pool | None = None
        self._system: asyncpg.Pool | None = None

    async def open(self) -> None:
        """Connect. Raises DatabaseUnavailable when PostgreSQL does not answer."""
        try:
            self._system = await _pool(self._system_url, max(2, self._size // 4), role="windlass_service")
            if self._api_url is not None:
                self._api = await _pool(self._api_url, self._size, role=None)
        except GONE as error:
            raise DatabaseUnavailable(f"cannot reach PostgreSQL: {error}") from error

    async def close(self) -> None:
        """Close every connection, at once for those that still work after a moment."""
        for pool in (self._api, self._system):
            if pool is not None:
                pool.terminate()

    @asynccontextmanager
    async def transaction(self, actor: RequestActor) -> AsyncIterator[Transaction[RequestActor]]:
        """A transaction of a request: role `windlass_user`, rows limited to what the actor may see."""
        assert self._api is not None
        async with _guarded(self._api) as connection:
            async with connection.transaction():
                await connection.execute(ENTER_USER, json.dumps(actor.database_context))
                yield Transaction(connection=connection, actor=actor)
                if failpoints.armed:
                    await failpoints.reach("transaction.before_commit", connection)
            if failpoints.armed:
                await failpoints.reach("transaction.after_commit", connection)

    @asynccontextmanager
    async def system(self) -> AsyncIterator[Transaction[None]]:
        """A transaction of the platform itself; sees every workspace."""
        assert self._system is not None
        async with _guarded(self._system) as connection:
            async with connection.transaction():
                yield Transaction(connection=connection, actor=None)
                if failpoints.armed:
                    await failpoints.reach("system.before_commit", connection)
            if failpoints.armed:
                await failpoints.reach("system.after_commit", connection)

    @asynccontextmanager
    async def system_statement(self) -> AsyncIterator[Transaction[None]]:
        """A system connection without an explicit transaction, for single statements on a hot path."""
        assert self._system is not None
        async with _guarded(self._system) as connection:
            if failpoints.armed:
                await failpoints.reach("system_statement.before_commit", connection)
            yield Transaction(connection=connection, actor=None)
            if failpoints.armed:
                await failpoints.reach("system_statement.after_commit", connection)

    async def dedicated(
        self, *, command_timeout: float = COMMAND_TIMEOUT_S, session: Mapping[str, str] = MappingProxyType({})
    ) -> asyncpg.Connection:
        """A connection outside the pools, on any event loop; the caller closes it."""
        try:
            return await connect(
                self._system_url, role="windlass_service", command_timeout=command_timeout, session=session
            )
        except GONE as error:
            raise DatabaseUnavailable(f"cannot reach PostgreSQL: {error}") from error


class Line:
    """A connection for one purpose, outside the pools: one statement at a time, and a new connection after a failure.

    `timeout` is the patience with one statement in seconds, `session` are settings of PostgreSQL for this connection.
    """

    def __init__(self, database: Database, *, timeout: float, session: Mapping[str, str]) -> None:
        self._database = database
        self._timeout = timeout
        self._session = session
        self._turn = asyncio.Lock()
        self._connection: asyncpg.Connection | None = None

    @asynccontextmanager
    async def statement(self) -> AsyncIterator[Transaction[None]]:
        """The connection, for one statement without an explicit transaction; DatabaseUnavailable when it is lost."""
        async with self._turn:
            connection = await self._connected()
            try:
                with guarding():
                    if failpoints.armed:
                        await failpoints.reach("statement.before_commit", connection)
                    yield Transaction(connection=connection, actor=None)
                    if failpoints.armed:
                        await failpoints.reach("statement.after_commit", connection)
            except asyncpg.PostgresError:  # the statement was refused, the connection is well
                raise
            except BaseException:
                self.close()  # it may hang for as long as TCP has patience
                raise

    async def _connected(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._database.dedicated(command_timeout=self._timeout, session=self._session)
        return self._connection

    def close(self) -> None:
        """Drop the connection; the next statement makes another."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None


async def connect(
    url: str,
    *,
    role: str | None,
    command_timeout: float | None = COMMAND_TIMEOUT_S,
    session: Mapping[str, str] = MappingProxyType({}),
) -> asyncpg.Connection:
    """One connection with our session settings and `session` on top; `command_timeout` in seconds, None where
    statements may take long."""
    return await asyncpg.connect(url, timeout=ACQUIRE_TIMEOUT_S, command_timeout=command_timeout,
                                 server_settings=_session(role) | dict(session))  # fmt: skip


def _session(role: str | None) -> dict[str, str]:
    base = {"application_name": "windlass", "jit": "off", "timezone": "UTC"}
    return base | ({"role": role} if role else {})


async def _pool(url: str, size: int, *, role: str | None) -> asyncpg.Pool:
    return await asyncpg.create_pool(
        url, min_size=0, max_size=size, timeout=ACQUIRE_TIMEOUT_S, command_timeout=COMMAND_TIMEOUT_S,
        server_settings=_session(role),
        reset=_keep,
    )  # fmt: skip


async def _keep(_connection: object) -> None:
    """Nothing to reset: whatever we set, we set for one transaction; that saves a round trip a use."""


@asynccontextmanager
async def _guarded(pool: asyncpg.Pool) -> AsyncIterator[Any]:
    try:
        connection = await pool.acquire(timeout=ACQUIRE_TIMEOUT_S)
    except GONE as error:
        raise DatabaseUnavailable("the database does not answer") from error
    with guarding():  # also over the release, which talks to the server
        try:
            yield connection
        finally:
            await pool.release(connection)


async def patiently(operation: Callable[[], Awaitable[R]]) -> R:
    """Repeat an operation that may safely run twice until the database answers, however long that takes."""
    while True:
        try:
            return await operation()
        except DatabaseUnavailable:
            await asyncio.sleep(RETRY_S)


@contextmanager
def guarding() -> Iterator[None]:
    """Turns the loss of a connection into DatabaseUnavailable."""
    try:
        yield
    except LOST as error:
        raise DatabaseUnavailable("the database went away") from error
