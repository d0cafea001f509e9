"""A job's output on its way to the database: decoded, limited, written in batches so that the job never waits for
it."""

import asyncio
import codecs
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from windlass.db.pool import Database, patiently
from windlass.errors import DatabaseUnavailable
from windlass.jobs import logs
from windlass.jobs.model import LogChunk
from windlass.jobs.pull import Held

FIRST_FLUSH_S = 0.02  # most jobs have ended by then, and their log goes with their outcome
FLUSH_S = 0.1
TAKEN_CHARS = 16 * 1024
CHUNK = 64 * 1024
TAIL_BYTES = 1024 * 1024
STREAM_MARK = "WM_STREAM:"
STREAM_LINE = re.compile(f"^{STREAM_MARK}.*\\n", re.MULTILINE)


@dataclass(kw_only=True)
class Lane:
    """Text on its way to the database. A batch is repeated unchanged until it arrives, so that offsets stay true."""

    append: Callable[..., Awaitable[int]]
    end: int = 0
    waiting: list[str] = field(default_factory=list)
    batch: str = ""

    def take(self) -> LogChunk | None:
        """What is left, to be sent by the caller, if it is little and nothing is on its way."""
        if self.batch or not self.waiting or sum(map(len, self.waiting)) > TAKEN_CHARS:
            return None
        content, self.waiting = "".join(self.waiting), []
        return LogChunk(start=self.end, content=content)

    async def flush(self, database: Database, held: Held) -> None:
        """Send everything; DatabaseUnavailable keeps what has not arrived."""
        while self.batch or self.waiting:
            if not self.batch:
                self.batch, self.waiting = "".join(self.waiting), []
            async with database.system_statement() as tx:
                self.end = await self.append(tx, held, start=self.end, content=self.batch)
            self.batch = ""


class JobLog:
    """The log of one attempt. `write` never blocks; a background task flushes; `take` hands out a small rest; `close`
    writes what is left."""

    def __init__(self, database: Database, held: Held, *, limit: int) -> None:
        self._database = database
        self._held = held
        self._room = limit
        self._limit = limit
        self._text = Lane(append=logs.append)
        self._stream = Lane(append=logs.append_stream)
        self._flusher: asyncio.Task[None] | None = None
        self._flushing = asyncio.Lock()
        self._wake = asyncio.Event()
        self._is_closed = False

    @property
    def is_full(self) -> bool:
        """Whether whatever comes is dropped."""
        return self._room <= 0

    async def open(self) -> None:
        """Go on where an earlier attempt stopped."""
        if self._held.epoch > 1:
            self._text.end = await patiently(self._find_end)
            self.write(f"\n--- attempt {self._held.epoch}: the worker of the one before was lost ---\n")

    async def _find_end(self) -> int:
        async with self._database.system_statement() as tx:
            return await logs.end(tx, self._held.job_id)

    def write(self, text: str) -> None:
        """Add text; beyond the limit it is dropped, and the log says so once."""
        if self._room <= 0 or not text:
            return
        kept = text[: self._room]
        self._room -= len(kept)
        self._text.waiting.append(kept.replace("\x00", "\ufffd"))
        if self._room <= 0:
            marker = f"\n--- log limit of {self._limit // 1024} KiB reached, the rest is dropped ---\n"
            self._text.waiting.append(marker)
        self._notice()

    def stream(self, text: str) -> None:
        """Add text to the result stream, under the same limit."""
        if self._room > 0 and text:  # an empty piece would take the place of the next one, which begins there too
            self._room -= len(text)
            self._stream.waiting.append(text.replace("\x00", "\ufffd"))
            self._notice()

    def _notice(self) -> None:
        self._wake.set()
        if self._flusher is None and not self._is_closed:
            self._flusher = asyncio.create_task(self._flush_for_ever())

    async def take(self) -> LogChunk | None:
        """The rest of the log for the statement that settles the attempt; None when it has to go on its own."""
        async with self._flushing:
            return self._text.take()

    async def close(self) -> None:
        """Write what is left. When the database is away it is given up: the result matters more."""
        self._is_closed = True
        async with self._flushing:  # what is being sent arrives first
            if self._flusher is not None:
                self._flusher.cancel()
        with suppress(DatabaseUnavailable):
            await self._flush()

    async def _flush_for_ever(self) -> None:
        await asyncio.sleep(FIRST_FLUSH_S)
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._flush()
            except DatabaseUnavailable:
                self._wake.set()
            await asyncio.sleep(FLUSH_S)

    async def _flush(self) -> None:
        async with self._flushing:
            await self._text.flush(self._database, self._held)
            await self._stream.flush(self._database, self._held)


class Output:
    """One pipe of a job: feeds the log, keeps the tail for languages whose result is on stdout."""

    def __init__(self, log: JobLog, *, keeps_tail: bool) -> None:
        self._log = log
        self._keeps_tail = keeps_tail
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._line = ""
        self._open: Callable[[str], None] | None = None
        self._tail = bytearray()

    @property
    def tail(self) -> bytes:
        """The last bytes that came, at most one MiB."""
        return bytes(self._tail[-TAIL_BYTES:])

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes."""
        if self._keeps_tail:
            self._tail += chunk
            if len(self._tail) > 2 * TAIL_BYTES:
                del self._tail[:-TAIL_BYTES]
        if not self._log.is_full:
            self._emit(self._decoder.decode(chunk), is_last=False)

    def finish(self) -> None:
        """Pass on what was held back; nothing more comes."""
        self._emit(self._decoder.decode(b"", final=True), is_last=True)

    def _emit(self, text: str, *, is_last: bool) -> None:
        text, self._line = self._line + text, ""
        if self._open is not None:  # the rest of a line goes where its beginning went
            rest, newline, text = text.partition("\n")
            self._open(rest + newline)
            self._open = None if newline else self._open
        *_, last = text.rpartition("\n")
        self._emit_lines(text[: len(text) - len(last)])
        if not is_last and _may_become_stream(last):
            self._line = last
        elif last:
            self._open = self._stream if last.startswith(STREAM_MARK) else self._log.write
            self._open(last)

    def _emit_lines(self, text: str) -> None:
        begin = 0
        for found in STREAM_LINE.finditer(text):
            self._log.write(text[begin : found.start()])
            self._stream(found[0])
            begin = found.end()
        self._log.write(text[begin:])

    def _stream(self, line: str) -> None:
        text = line.removesuffix("\n").removeprefix(STREAM_MARK).removeprefix(" ")
        self._log.stream(text.replace("\\n", "\n"))


def _may_become_stream(rest: str) -> bool:
    return bool(rest) and (STREAM_MARK.startswith(rest) or (rest.startswith(STREAM_MARK) and len(rest) < CHUNK))
