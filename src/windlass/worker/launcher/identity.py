"""Which uid a job runs under. Called by `client` for each launch.

A worker that is root gives each slot a uid of its own, and one more to all that writes to shared folders, such as
installs into the cache. That closes what Landlock leaves open between processes of one uid: chmod, and process
limits. Where the job's files lie behind a folder that is root's alone, the job may read past owners and modes, and
only Landlock tells what. Without Landlock, or for a slot beyond the range, it stays root in name, with no
capability left. Any other worker keeps its own uid.
"""

import os
import shutil
import socket
import stat
from dataclasses import dataclass
from pathlib import Path

from windlass.languages.base import Command
from windlass.worker.launcher import kernel, landlock

_FIRST_UID = 60000
_BLOCK_SIZE = 64
_BLOCKS = 60
_BUILDER_UID = 63999
_NEEDED = {
    kernel.CAP_CHOWN, kernel.CAP_DAC_READ_SEARCH, kernel.CAP_KILL, kernel.CAP_SETGID, kernel.CAP_SETPCAP,
    kernel.CAP_SETUID,
}  # fmt: skip
_READ_BY_OTHERS, _PASS_BY_OTHERS = stat.S_IROTH, stat.S_IXOTH


@dataclass(frozen=True, kw_only=True)
class Identity:
    """The uid (and equal gid) of a job; None keeps the worker's. `is_own`: no other job runs under it now."""

    uid: int | None
    is_own: bool = False
    reads_all: bool = False


UNCHANGED = Identity(uid=None)


class UidBlock:
    """A range of uids that no other worker on this machine uses, held until `release` or the worker's end."""

    def __init__(self) -> None:
        self._lock: socket.socket | None = None
        self._first: int | None = None

    def reserve(self) -> None:
        """Take a free range, if this process may change uids; without one, every job keeps the worker's."""
        if self._first is not None or os.geteuid() != 0 or not kernel.effective_capabilities() >= _NEEDED:
            return
        for first in range(_FIRST_UID, _FIRST_UID + _BLOCKS * _BLOCK_SIZE, _BLOCK_SIZE):
            self._lock = _hold(f"\0windlass-uids-{first}")
            if self._lock is not None:
                self._first = first
                return

    def release(self) -> None:
        """Give the range back."""
        if self._lock is not None:
            self._lock.close()
        self._lock = self._first = None

    def choose(self, command: Command, slot: int) -> Identity:
        """The slot's own uid, or the builders' for a command that writes to shared folders."""
        self.reserve()
        if self._first is None or not 0 <= slot < _BLOCK_SIZE:
            return UNCHANGED
        reads_all = not _is_open_to_others(command)
        if reads_all and landlock.abi() == 0:
            return UNCHANGED
        if command.writable:
            return Identity(uid=_BUILDER_UID, reads_all=reads_all)
        return Identity(uid=self._first + slot, is_own=True, reads_all=reads_all)


def hand_over(command: Command, identity: Identity) -> None:
    """Make the job's folder, and the shared ones that it may write, belong to `identity`. Raises OSError.

    Of a shared folder that belongs to it already, the content is taken to do so too.
    """
    if os.geteuid() != 0:
        return
    owner = identity.uid or 0
    _give_all(command.cwd, owner)
    for folder in command.writable:
        if folder.stat().st_uid != owner:
            _give_all(folder, owner)


def _give_all(folder: Path, owner: int) -> None:
    _give(folder, owner)
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            _give(Path(parent, name), owner)


def _give(path: Path, owner: int) -> None:
    status = path.lstat()
    # A hard link may lead out of the folder.
    if status.st_uid != owner and (status.st_nlink == 1 or not stat.S_ISREG(status.st_mode)):
        os.chown(path, owner, owner, follow_symlinks=False)


def _hold(name: str) -> socket.socket | None:
    lock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        lock.bind(name)
    except OSError:
        lock.close()
        return None
    return lock


def is_readable_by_anybody(path: Path) -> bool:
    """Whether a job with a uid of its own can use what is in the folder `path`."""
    return _is_reachable(path, _READ_BY_OTHERS | _PASS_BY_OTHERS)


def _is_open_to_others(command: Command) -> bool:
    program = shutil.which(command.argv[0], path=command.env.get("PATH", os.defpath))
    return (
        (program is None or is_readable_by_anybody(Path(program)))
        and all(_is_reachable(path, _READ_BY_OTHERS) for path in command.readable)
        and all(_is_reachable(path, 0) for path in (command.cwd, *command.writable))
    )


def _is_reachable(path: Path, mode: int) -> bool:
    """Whether anybody may pass through every folder above `path`, by its name and by where that leads."""
    if not path.exists():
        return False
    folders = {*path.absolute().parents, *path.resolve().parents}
    return _has_mode(path, mode) and all(_has_mode(folder, _PASS_BY_OTHERS) for folder in folders)


def _has_mode(path: Path, mode: int) -> bool:
    return path.stat().st_mode & mode == mode
