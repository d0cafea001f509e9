"""The launch request and its answers as they travel between `client` and `supervisor`: one JSON line each.

Named tuples and not dataclasses: the fork server imports this, and each import it makes is copied by every
fork.
"""

import json
import socket
from typing import Any, NamedTuple


class Limits(NamedTuple):
    """What a job may use; None means no limit."""

    memory_bytes: int | None
    processes: int | None
    open_files: int
    file_size_bytes: int
    cpu_seconds: int | None
    disk_bytes: int | None


class Request(NamedTuple):
    """One job to start. `uid` and `gid` are None when the job keeps the worker's.

    `proxy`: the worker's socket, where nothing but its proxy may be reached; `proxy_port` is the same by TCP.
    `reads_all`: owners and modes do not keep the job from reading; only Landlock does. `warm`: the mode of a process
    that takes jobs, on file 3; None for a job.
    """

    argv: list[str]
    env: dict[str, str]
    cwd: str
    readable: list[str]
    writable: list[str]
    internet: bool
    proxy: str | None
    proxy_port: int
    needs_proc: bool
    limits: Limits
    uid: int | None
    gid: int | None
    uid_is_own: bool
    reads_all: bool
    accept_unsandboxed: bool
    warm: str | None

    @property
    def processes_beside_warm(self) -> int | None:
        """How many processes there may be in all: a warm one is none of its job's."""
        return self.limits.processes if self.limits.processes is None else self.limits.processes + bool(self.warm)

    def fields(self) -> dict[str, Any]:
        """The request as its line holds it."""
        return self._asdict() | {"limits": self.limits._asdict()}

    @classmethod
    def decode(cls, line: bytes) -> "Request":
        """Read a line of `fields`. Raises ValueError or TypeError on anything else."""
        fields = json.loads(line)
        if not fields["argv"]:
            raise ValueError("argv is empty")
        return cls(**fields | {"limits": Limits(**fields["limits"])})


class Refused(Exception):
    """A layer could not be put in place, so the job was not started."""

    def __init__(self, layer: str, errno: int, message: str):
        super().__init__(layer, errno, message)
        self.answer = {"layer": layer, "errno": errno, "message": message}

    @classmethod
    def by(cls, layer: str, error: OSError) -> "Refused":
        """What `layer` made of a call that failed."""
        place = f": {error.filename}" if error.filename else ""
        return cls(layer, error.errno or 0, f"{error.strerror or error}{place}")


class Control:
    """The supervisor's end of its line to the worker."""

    def __init__(self, line: socket.socket):
        self.socket = line
        self._received = b""

    def fileno(self) -> int:
        return self.socket.fileno()

    @property
    def has_line(self) -> bool:
        """Whether `receive` would answer at once, from what an earlier read brought along."""
        return b"\n" in self._received

    def receive(self) -> bytes | None:
        """The next line; blocks until there is one. None when the worker has gone."""
        while b"\n" not in self._received:
            chunk = self._read()
            if not chunk:
                return None
            self._received += chunk
        line, _, self._received = self._received.partition(b"\n")
        return line

    def send(self, answer: dict[str, Any]) -> None:
        """Send one line; a worker that has gone no longer cares."""
        try:
            self.socket.sendall(_line(answer), socket.MSG_NOSIGNAL)
        except (BrokenPipeError, ConnectionResetError):
            return

    def _read(self) -> bytes:
        try:
            return self.socket.recv(65536)
        except ConnectionResetError:
            return b""


def _line(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields).encode() + b"\n"
