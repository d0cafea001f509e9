"""What jobs say about themselves, apart from the database under test: lines appended to files, one file a process."""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Note:
    """One line. `kind` is start, alive, end or stopped; `at` counts monotonic seconds of the machine."""

    kind: str
    job: str
    epoch: int
    at: float
    pid: int


class Pen:
    """Appends notes; what was written survives a SIGKILL of the writer, since each line is one write."""

    def __init__(self, folder: Path) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._file = os.open(folder / f"{os.getpid()}.log", flags, 0o644)

    def write(self, kind: str, job: str, epoch: int) -> None:
        """Note what happens to an attempt now."""
        os.write(self._file, f"{kind} {job} {epoch} {time.monotonic():.6f} {os.getpid()}\n".encode())


def read(folder: Path) -> list[Note]:
    """Every note so far, oldest first."""
    return sorted((note for file in folder.glob("*.log") for note in _notes_of(file)), key=lambda note: note.at)


def _notes_of(file: Path) -> Iterator[Note]:
    for line in file.read_text().splitlines(keepends=True):
        if line.endswith("\n"):  # the last one may still be on its way
            kind, job, epoch, at, pid = line.split()
            yield Note(kind=kind, job=job, epoch=int(epoch), at=float(at), pid=int(pid))
