"""The way to the package registries for a job that may reach nothing else. `client` starts one per worker.

It is an HTTP proxy that connects to the hosts of a list only. Jobs in a network of their own reach it by a socket in
a file, through `relay`; jobs of tier B by a TCP port, the only one that Landlock lets them connect to.
"""

import asyncio
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

_HEAD_BYTES = 65536
_CHUNK_BYTES = 65536
_CONNECT_SECONDS = 30
_NAME = "proxy"
_CLOSED_EARLY = (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError)

Place = tuple[str, int]


@dataclass(frozen=True, kw_only=True)
class Ask:
    """What a client wants: the place, and what to send there first; nothing for a tunnel."""

    place: Place
    head: bytes


class Egress:
    """A running proxy to `places`, by way of the proxy `upstream` where that is how this machine gets out."""

    def __init__(self, places: frozenset[Place], upstream: Place | None):
        self.port = 0
        self._places = places
        self._upstream = upstream
        self._folder = Path(tempfile.mkdtemp(prefix="windlass-egress-"))
        self._servers: list[asyncio.Server] = []

    @property
    def file(self) -> Path:
        """The socket that a relay connects to."""
        return self._folder / _NAME

    async def start(self) -> None:
        """Listen on both ways in."""
        self._folder.chmod(0o711)
        by_file = await asyncio.start_unix_server(self._serve, self.file, limit=_HEAD_BYTES)
        self.file.chmod(0o666)
        by_port = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=_HEAD_BYTES)
        self.port = by_port.sockets[0].getsockname()[1]
        self._servers = [by_file, by_port]

    def stop(self) -> None:
        """Listen no more."""
        for server in self._servers:
            server.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._pass_on(await reader.readuntil(b"\r\n\r\n"), reader, writer)
        except _CLOSED_EARLY:
            return
        finally:
            writer.close()

    async def _pass_on(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ask = read_ask(head)
        if ask is None or ask.place not in self._places:
            writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
            return
        async with asyncio.timeout(_CONNECT_SECONDS):
            there, back = await asyncio.open_connection(*(self._upstream or ask.place))
        try:
            if self._upstream is not None:
                back.write(head)
            elif ask.head:
                back.write(ask.head)
            else:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            async with asyncio.TaskGroup() as both:
                both.create_task(_pump(reader, back))
                both.create_task(_pump(there, writer))
        finally:
            back.close()


def read_ask(head: bytes) -> Ask | None:
    """What the head of a request to a proxy asks for; None for what is no such request."""
    first, _, rest = head.partition(b"\r\n")
    try:
        method, target, version = first.decode("ascii").split(" ")
        url = urlsplit(f"//{target}" if method == "CONNECT" else target)
        port = url.port or (443 if url.scheme == "https" else 80)
    except ValueError:
        return None
    if url.hostname is None or (method != "CONNECT" and url.scheme != "http"):
        return None
    if method == "CONNECT":
        return Ask(place=(url.hostname, port), head=b"")
    path = url.path or "/"
    line = f"{method} {path}{'?' + url.query if url.query else ''} {version}\r\nConnection: close\r\n".encode()
    lines = [line for line in rest.split(b"\r\n") if not line.lower().startswith((b"connection:", b"proxy-"))]
    return Ask(place=(url.hostname, port), head=line + b"\r\n".join(lines))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(*_CLOSED_EARLY):
        while chunk := await reader.read(_CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
