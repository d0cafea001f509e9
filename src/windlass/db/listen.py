"""One LISTEN connection per process, shared by everybody who waits for news.

News are hints: a listener that was away may have missed some, so each waiter reads the truth after it subscribed, and
polls slowly besides. On reconnect every waiter is woken.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import asyncpg

from windlass.db.pool import Database, guarding
from windlass.errors import DatabaseUnavailable
from windlass.telemetry import get_logger

log = get_logger("listen")
RECONNECT_S = 0.5


class Listener:
    """Wakes `asyncio.Event`s by (channel, payload); payload "" in a subscription means any. News may name several, with
    commas between; what follows a space is for callbacks."""

    def __init__(self, database: Database, channels: tuple[str, ...]) -> None:
        self._database = database
        self._channels = channels
        self._is_away = False
        self._waiters: dict[tuple[str, str], set[asyncio.Event]] = defaultdict(set)
        self._callbacks: dict[str, list[Callable[[str], None]]] = defaultdict(list)

    def on(self, channel: str, callback: Callable[[str], None]) -> None:
        """Call this with the payload of all news of a channel, and with "" when some may have been missed."""
        self._callbacks[channel].append(callback)

    @asynccontextmanager
    async def subscribe(self, channel: str, payload: str = "") -> AsyncIterator[asyncio.Event]:
        """An event that is set whenever the channel has news for this payload."""
        event = asyncio.Event()
        self._waiters[channel, payload].add(event)
        try:
            yield event
        finally:
            self._waiters[channel, payload].discard(event)
            if not self._waiters[channel, payload]:
                del self._waiters[channel, payload]

    async def run(self) -> None:
        """Listen until cancelled, reconnecting when the database goes away."""
        while True:
            try:
                await self._listen_once()
            except (DatabaseUnavailable, asyncpg.PostgresError):
                if not self._is_away:
                    log.warning("listener lost the database")
                self._is_away = True
            await asyncio.sleep(RECONNECT_S)

    async def _listen_once(self) -> None:
        connection = await self._database.dedicated()
        gone = asyncio.Event()
        try:
            connection.add_termination_listener(lambda _: gone.set())
            with guarding():
                for channel in self._channels:
                    await connection.add_listener(channel, self._on_news)
            self._is_away = False
            self._wake_all()
            await gone.wait()
        finally:
            connection.terminate()

    def _on_news(self, _connection: object, _pid: int, channel: str, payload: object) -> None:
        for callback in self._callbacks[channel]:
            callback(str(payload))
        for name in (*str(payload).partition(" ")[0].split(","), ""):
            for event in self._waiters.get((channel, name), ()):
                event.set()

    def _wake_all(self) -> None:
        for callbacks in self._callbacks.values():
            for callback in callbacks:
                callback("")
        for events in self._waiters.values():
            for event in events:
                event.set()
