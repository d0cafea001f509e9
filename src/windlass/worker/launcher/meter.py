"""What a running job uses, against what it may. Called by `supervisor` a few times each second."""

import errno
import os
from collections.abc import Iterator
from itertools import islice

from windlass.worker.launcher import tree
from windlass.worker.launcher.cgroups import Group
from windlass.worker.launcher.request import Limits

_ENTRIES_AT_ONCE = 5000
_BLOCK_BYTES = 512
_TOO_DEEP = 1 << 62


class Meter:
    """Memory, processes and disk of one job; `peak_bytes` is the most memory that was seen.

    `folder` is the job's own, `private` the file systems that nobody else uses, `group` its control group if any.
    """

    def __init__(self, limits: Limits, *, folder: str, private: tuple[str, ...], group: Group | None):
        self.peak_bytes = 0
        self._limits = limits
        self._disk = DiskMeter(folder, private)
        self._group = group
        self._kills = group.kills_for_memory() if group is not None else 0

    def excess(self, pids: set[int]) -> str | None:
        """Which limit the processes `pids` are over, if any."""
        limits = self._limits
        if limits.processes is not None and len(pids) > limits.processes:
            return "processes"
        if self._is_memory_over(pids) or self.was_killed_for_memory():
            return "memory"
        if limits.disk_bytes is not None and self._disk.used() > limits.disk_bytes:
            return "disk"
        return None

    def was_killed_for_memory(self) -> bool:
        """Whether the kernel has ended a process of the job because its group had no more memory."""
        return self._group is not None and self._group.kills_for_memory() > self._kills

    def _is_memory_over(self, pids: set[int]) -> bool:
        limit = self._limits.memory_bytes
        used = tree.resident_bytes(pids)
        if limit is not None and used > limit:
            used = tree.proportional_bytes(pids)
        self.peak_bytes = max(self.peak_bytes, used)
        return limit is not None and used > limit


class DiskMeter:
    """The bytes below a folder and in private file systems. A large tree is looked through bit by bit."""

    def __init__(self, folder: str, private: tuple[str, ...]):
        self._folder = folder
        self._private = private
        self._whole = 0
        self._begin()

    def used(self) -> int:
        """The bytes as far as is known, after a further look of bounded length."""
        seen = list(islice(self._sizes, _ENTRIES_AT_ONCE))
        self._sum += sum(seen)
        if len(seen) < _ENTRIES_AT_ONCE:
            self._whole = self._sum
            self._begin()
        return max(self._whole, self._sum) + sum(map(_used_of_file_system, self._private))

    def _begin(self) -> None:
        self._sum = 0
        self._sizes = _sizes_below(self._folder)


def _sizes_below(folder: str) -> Iterator[int]:
    folders = [folder]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    yield entry.stat(follow_symlinks=False).st_blocks * _BLOCK_BYTES
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
        except OSError as error:
            # A tree too deep for any path would be a place to hide in.
            if error.errno == errno.ENAMETOOLONG:
                yield _TOO_DEEP


def _used_of_file_system(place: str) -> int:
    found = os.statvfs(place)
    return (found.f_blocks - found.f_bfree) * found.f_frsize
