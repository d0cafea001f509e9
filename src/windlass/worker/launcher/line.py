"""The worker's ends of what connects it to a supervisor and a job, without a transport for each. Called by `client`.

A launch opens three files, and jobs are short: what asyncio would build around each takes longer than to read it.
"""

import asyncio
import json
import os
import socket
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

_CHUNK = 64 * 1024


class Line:
    """JSON lines to a supervisor and back."""

    def __init__(self, connection: socket.socket):
        connection.setblocking(False)
        self._loop = asyncio.get_running_loop()
        self._socket = connection
        self._received = b""
        self._answers: deque[dict[str, Any] | None] = deque()
        self._waiting: deque[asyncio.Future[dict[str, Any] | None]] = deque()
        self._loop.add_reader(connection.fileno(), self._take)

    @property
    def is_open(self) -> bool:
        """Whether the supervisor is still there, as far as is known."""
        return self._socket.fileno() >= 0

    @property
    def has_news(self) -> bool:
        """Whether a line has come that nobody asked for yet."""
        return bool(self._answers)

    def receive(self) -> asyncio.Future[dict[str, Any] | None]:
        """The next line, for one caller; None when the supervisor has gone."""
        answer = self._loop.create_future()
        if self._answers:
            answer.set_result(self._answers.popleft())
        elif self.is_open:
            self._waiting.append(answer)
        else:
            answer.set_result(None)
        return answer

    async def send(self, fields: dict[str, Any], files: tuple[int, ...] = ()) -> None:
        """Send one line, with files. A supervisor that has gone is told by `receive`."""
        line = json.dumps(fields).encode() + b"\n"
        with suppress(BrokenPipeError, ConnectionResetError):
            sent = self._send_now(line, files)
            if sent < len(line):
                await self._loop.sock_sendall(self._socket, line[sent:])

    def send_at_once(self, fields: dict[str, Any]) -> None:
        """Send a short line without waiting; where the supervisor does not read, drop the line, which ends the job."""
        line = json.dumps(fields).encode() + b"\n"
        try:
            if not self.is_open or self._send_now(line, ()) == len(line):
                return
        except (BrokenPipeError, ConnectionResetError):
            return
        self.close()

    def close(self) -> None:
        """Drop the line: the supervisor ends the job."""
        if self.is_open:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()
            while self._waiting:
                self._answer(None)

    def _send_now(self, line: bytes, files: tuple[int, ...]) -> int:
        try:
            return socket.send_fds(self._socket, [line], files) if files else self._socket.send(line)
        except BlockingIOError:
            return 0

    def _take(self) -> None:
        try:
            chunk = self._socket.recv(_CHUNK)
        except BlockingIOError:
            return
        except ConnectionResetError:
            chunk = b""
        *lines, self._received = (self._received + chunk).split(b"\n")
        for line in lines:
            self._answer(json.loads(line))
        if not chunk:
            self.close()

    def _answer(self, answer: dict[str, Any] | None) -> None:
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(answer)
                return
        self._answers.append(answer)


class Pipe:
    """The reading end of a job's output. It is read from the start, so that a job never waits for its reader."""

    def __init__(self, file: int):
        os.set_blocking(file, False)
        self._loop = asyncio.get_running_loop()
        self._file = file
        self._kept = bytearray()
        self._sink: Callable[[bytes], None] = self._kept.extend
        self._ended = self._loop.create_future()
        self._more = asyncio.Event()
        self._loop.add_reader(file, self._take)

    def pour_into(self, sink: Callable[[bytes], None]) -> None:
        """Hand everything to `sink`, as it comes."""
        if self._kept:
            sink(bytes(self._kept))
            self._kept.clear()
        self._sink = sink

    async def ended(self) -> None:
        """Wait until every writer has closed the pipe."""
        await asyncio.shield(self._ended)

    def finish(self) -> None:
        """Read what is there, and close the pipe: for the time when no writer is left."""
        while not self._ended.done():
            if not self._take():
                self._close()

    async def read(self) -> bytes:
        """Everything to the end."""
        await self.ended()
        content = bytes(self._kept)
        self._kept.clear()
        return content

    async def readline(self) -> bytes:
        """The next line, or what is left at the end."""
        while b"\n" not in self._kept and not self._ended.done():
            self._more.clear()
            await self._more.wait()
        line, newline, rest = bytes(self._kept).partition(b"\n")
        self._kept[:] = rest
        return line + newline

    def _take(self) -> bool:
        try:
            chunk = os.read(self._file, _CHUNK)
        except BlockingIOError:
            return False
        if chunk:
            self._sink(chunk)
        else:
            self._close()
        self._more.set()
        return True

    def _close(self) -> None:
        self._loop.remove_reader(self._file)
        os.close(self._file)
        self._ended.set_result(None)


async def write_all(file: int, content: bytes) -> None:
    """Write to a pipe and close it; a reader that has gone no longer cares."""
    os.set_blocking(file, False)
    try:
        while content:
            try:
                content = content[os.write(file, content) :]
            except BlockingIOError:
                await until_writable(file)
    except BrokenPipeError:
        return
    finally:
        os.close(file)


async def until_writable(file: int) -> None:
    """Wait until `file` takes more."""
    loop = asyncio.get_running_loop()
    writable = loop.create_future()
    loop.add_writer(file, writable.set_result, None)
    try:
        await writable
    finally:
        loop.remove_writer(file)
