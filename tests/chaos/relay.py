"""A network that misbehaves: a TCP relay to PostgreSQL's unix socket that goes dark, or loses answers to commits."""

import asyncio
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit, urlunsplit

IDLE = b"Z\x00\x00\x00\x05I"  # ReadyForQuery outside a transaction: whatever was asked is committed
PORT = 5432


@dataclass(kw_only=True)
class Relay:
    """One relay. While dark, nothing passes and nothing is closed, as when a cable is pulled; the bytes come later, as
    TCP would send them again.
    """

    loop: asyncio.AbstractEventLoop
    socket: str
    chance: random.Random
    port: int = 0
    lossiness: float = 0.0
    lost_answers: int = 0
    _light: asyncio.Event = field(default_factory=asyncio.Event)

    def go_dark(self) -> None:
        """From now on nothing passes."""
        self.loop.call_soon_threadsafe(self._light.clear)

    def heal(self) -> None:
        """All that waits passes, and what comes then."""
        self.loop.call_soon_threadsafe(self._light.set)

    def through(self, url: str) -> str:
        """The URL of a database by way of this relay."""
        parts = urlsplit(url)
        return urlunsplit(parts._replace(netloc=f"{parts.netloc.rpartition('@')[0]}@127.0.0.1:{self.port}", query=""))

    async def serve(self, ready: threading.Event) -> None:
        """Relay until cancelled."""
        self._light.set()
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        async with server:
            await server.serve_forever()

    async def _accept(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        await self._light.wait()
        try:
            answers, to_server = await asyncio.open_unix_connection(self.socket)
        except OSError:  # PostgreSQL is away
            to_client.close()
            return
        both = (self._copy(client, to_server, lossy=False), self._copy(answers, to_client, lossy=True))
        tasks = [asyncio.create_task(one) for one in both]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        for writer in (to_server, to_client):
            writer.transport.abort()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, lossy: bool) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                await self._light.wait()
                if lossy and data.endswith(IDLE) and self.chance.random() < self.lossiness:
                    self.lost_answers += 1
                    return
                writer.write(data)
                await writer.drain()


@contextmanager
def running_relay(url: str, *, seed: int = 0) -> Iterator[Relay]:
    """A relay to the server of this URL, in a thread of its own."""
    socket = str(Path(parse_qs(urlsplit(url).query)["host"][0]) / f".s.PGSQL.{PORT}")
    loop, ready = asyncio.new_event_loop(), threading.Event()
    relay = Relay(loop=loop, socket=socket, chance=random.Random(seed))
    serving = loop.create_task(relay.serve(ready))
    thread = threading.Thread(target=_run, args=(loop, serving), daemon=True)
    thread.start()
    ready.wait()
    try:
        yield relay
    finally:
        loop.call_soon_threadsafe(serving.cancel)
        thread.join()


def _run(loop: asyncio.AbstractEventLoop, serving: asyncio.Task[None]) -> None:
    with suppress(asyncio.CancelledError):
        loop.run_until_complete(serving)
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
