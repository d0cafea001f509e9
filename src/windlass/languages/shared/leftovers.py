"""Reading a file that a sandboxed process left behind; for every plug-in that does.

The process may have put anything under that name, and the reader may have rights that the process had not:
links, pipes and oversized files are therefore refused.
"""

import os
import stat
from pathlib import Path

from windlass.languages.base import LanguageError

MAX_BYTES = 64 * 2**20


class LeftoverRefused(LanguageError):
    """The file is no regular file of a bearable size."""


def read_leftover(file: Path, max_bytes: int = MAX_BYTES) -> bytes:
    """The file's bytes, empty when it does not exist; raises LeftoverRefused."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return b""
    except OSError as problem:
        raise LeftoverRefused(f"{file.name} is not a readable regular file.") from problem
    try:
        check_size(file.name, os.fstat(descriptor), max_bytes)
        with open(descriptor, "rb", closefd=False) as source:
            return source.read(max_bytes)
    finally:
        os.close(descriptor)


def check_size(name: str, status: os.stat_result, max_bytes: int) -> None:
    """Raise LeftoverRefused unless it is a regular file within the limit, with no second name elsewhere."""
    if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
        raise LeftoverRefused(f"{name} is not a readable regular file.")
    if status.st_size > max_bytes:
        raise LeftoverRefused(f"{name} has {status.st_size} bytes; at most {max_bytes} are read.")
