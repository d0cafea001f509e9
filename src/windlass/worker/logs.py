"""A job's output on its way to the database: decoded, limited, written in batches so that the job never waits for
it."""

import asyncio
import codecs
from collections.abc import Callable

from windlass.db.pool import Database
from windlass.errors import DatabaseUnavailable
from windlass.jobs import logs
from windlass.jobs.pull import Held

FLUSH_S = 0.1
CHUNK = 64 * 1024
TAIL_BYTES = 1024 * 1024
STREAM_MARK = "WM_STREAM:"


class JobLog:
    """The log of one attempt. `write` never blocks; a background task flushes; `close` writes what is left."""

    def __init__(self, database: Database, held: Held, *, limit: int) -> None:
        self._database = database
        self._held = held
        self._room = limit
        self._limit = limit
        self._text: list[str] = []
        self._stream: list[str] = []
        self._log_end = self._stream_end = 0
        self._flusher: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()

    async def open(self) -> None:
        """Go on where an earlier attempt stopped."""
        if self._held.epoch > 1:
            async with self._database.system_statement() as tx:
                self._log_end = await logs.end(tx, self._held.job_id)
            self.write(f"\n--- attempt {self._held.epoch}: the worker of the one before was lost ---\n")
        self._flusher = asyncio.create_task(self._flush_for_ever())

    def write(self, text: str) -> None:
        """Add text; beyond the limit it is dropped, and the log says so once."""
        if self._room <= 0 or not text:
            return
        kept = text[: self._room]
        self._room -= len(kept)
        self._text.append(kept.replace("\x00", "\ufffd"))
        if self._room <= 0:
            self._text.append(f"\n--- log limit of {self._limit // 1024} KiB reached, the rest is dropped ---\n")
        self._wake.set()

    def stream(self, text: str) -> None:
        """Add text to the result stream, under the same limit."""
        if self._room > 0:
            self._room -= len(text)
            self._stream.append(text.replace("\x00", "\ufffd"))
            self._wake.set()

    async def close(self) -> None:
        """Write what is left. When the database is away it is given up: the result matters more."""
        if self._flusher is not None:
            self._flusher.cancel()
            await asyncio.gather(self._flusher, return_exceptions=True)
        try:
            await self._flush()
        except DatabaseUnavailable:
            self._text.clear()

    async def _flush_for_ever(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._flush()
            except DatabaseUnavailable:
                self._wake.set()
            await asyncio.sleep(FLUSH_S)

    async def _flush(self) -> None:
        if self._text:
            content, start = "".join(self._text), self._log_end
            async with self._database.system_statement() as tx:
                self._log_end = await logs.append(tx, self._held, start=start, content=content)
            del self._text[:]
        if self._stream:
            content, start = "".join(self._stream), self._stream_end
            async with self._database.system_statement() as tx:
                self._stream_end = await logs.append_stream(tx, self._held, start=start, content=content)
            del self._stream[:]


class Output:
    """One pipe of a job: feeds the log, keeps the tail for languages whose result is on stdout."""

    def __init__(self, log: JobLog, *, keeps_tail: bool) -> None:
        self._log = log
        self._keeps_tail = keeps_tail
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._line = ""
        self._tail = bytearray()

    @property
    def tail(self) -> bytes:
        """The last bytes that came, at most one MiB."""
        return bytes(self._tail[-TAIL_BYTES:])

    async def drain(self, pipe: asyncio.StreamReader) -> None:
        """Read the pipe to its end, whatever comes."""
        while chunk := await pipe.read(CHUNK):
            self.feed(chunk)
        self._emit(self._line + self._decoder.decode(b"", final=True), is_last=True)

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes."""
        if self._keeps_tail:
            self._tail += chunk
            if len(self._tail) > 2 * TAIL_BYTES:
                del self._tail[:-TAIL_BYTES]
        self._emit(self._line + self._decoder.decode(chunk), is_last=False)

    def _emit(self, text: str, *, is_last: bool) -> None:
        self._line = ""
        if STREAM_MARK[:1] not in text:
            return self._log.write(text)
        *whole, rest = text.split("\n")
        for line in whole:
            self._route(line, "\n", self._log.write)
        if not is_last and _may_become_stream(rest):
            self._line = rest
        else:
            self._route(rest, "", self._log.write)

    def _route(self, line: str, ending: str, write: Callable[[str], None]) -> None:
        if line.startswith(STREAM_MARK):
            self._log.stream(line.removeprefix(STREAM_MARK).removeprefix(" ").replace("\\n", "\n"))
        else:
            write(line + ending)


def _may_become_stream(rest: str) -> bool:
    return bool(rest) and (STREAM_MARK.startswith(rest) or (rest.startswith(STREAM_MARK) and len(rest) < CHUNK))
