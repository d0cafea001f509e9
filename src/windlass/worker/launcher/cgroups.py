"""Control groups: the kernel's own limits on memory and processes. The fork server holds a pool of them.

A supervisor joins one before it has a job, which is its child and so in it from the start. Where this process may make
no groups there are none, and the supervisor's own watch is what limits.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from windlass.worker.launcher import tree

_MOUNTS = Path("/sys/fs/cgroup")
_NEEDED = {"memory", "pids"}
_PREFIX = "windlass-"
# The supervisor is one, and a job that goes one over its limit is told from one that reaches it.
_SPARE_PROCESSES = 2


class Group:
    """One control group for one job at a time. `folders` are open: that of memory and that of processes."""

    def __init__(self, folders: tuple[int, int], *, is_unified: bool):
        self._memory, self._processes = folders
        self._is_unified = is_unified

    def join(self) -> None:
        """Move this process into the group. Raises OSError."""
        for folder in {self._memory, self._processes}:
            _write(folder, "cgroup.procs", "0")

    def limit(self, *, memory_bytes: int | None, processes: int | None) -> None:
        """Set what all in the group may use together. Raises OSError."""
        name, unlimited = ("memory.max", "max") if self._is_unified else ("memory.limit_in_bytes", "-1")
        _write(self._memory, name, unlimited if memory_bytes is None else str(memory_bytes))
        _write(self._processes, "pids.max", "max" if processes is None else str(processes + _SPARE_PROCESSES))

    def kills_for_memory(self) -> int:
        """How many processes the kernel has ended in this group, ever, to keep its limit."""
        name = "memory.events" if self._is_unified else "memory.oom_control"
        words = _read(self._memory, name).split()
        return int(words[words.index(b"oom_kill") + 1]) if b"oom_kill" in words else 0


class Pool:
    """Groups of this server, made when first needed and used again. With no `parents` there are none."""

    def __init__(self, parents: tuple[Path, Path] | None, *, is_unified: bool):
        self._folders = parents and tuple(parent / f"{_PREFIX}{os.getpid()}" for parent in parents)
        self._is_unified = is_unified
        self._free: list[Group] = []
        self._made = 0
        for parent in set(parents or ()):
            _remove_abandoned(parent)

    @classmethod
    def find(cls, mounts: Path = _MOUNTS) -> "Pool":
        """The pool that this process may have: version 2 where it was delegated, else version 1."""
        own = dict(_own_groups(tree.read("self/cgroup").decode()))
        unified = _delegated(mounts, own.get("", "/"))
        if unified is not None:
            return cls((unified, unified), is_unified=True)
        memory, processes = (_place(mounts / name, own.get(name, "/")) for name in ("memory", "pids"))
        parents = (memory, processes) if memory is not None and processes is not None else None
        return cls(parents, is_unified=False)

    def take(self) -> Group | None:
        """A group that nobody uses; None where there is none to be had."""
        if self._free:
            return self._free.pop()
        if self._folders is None:
            return None
        try:
            return self._make()
        except OSError:
            self._folders = None
            return None

    def give_back(self, group: Group) -> None:
        """Take back a group in which no process is left."""
        self._free.append(group)

    def close(self) -> None:
        """Remove every group."""
        for folder in set(self._folders or ()):
            _remove(folder)

    def _make(self) -> Group:
        assert self._folders is not None
        opened = []
        for folder in self._folders:
            group = folder / str(self._made)
            group.mkdir(parents=True, exist_ok=True)
            opened.append(os.open(group, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))
        self._made += 1
        return Group((opened[0], opened[1]), is_unified=self._is_unified)


def _remove_abandoned(parent: Path) -> None:
    """Remove what servers made that were killed; a group with a process in it stays."""
    for folder in parent.glob(f"{_PREFIX}*"):
        if not os.path.exists(f"/proc/{folder.name.removeprefix(_PREFIX)}"):
            _remove(folder)


def _remove(folder: Path) -> None:
    for group in (*folder.glob("[0-9]*"), folder):
        with suppress(OSError):
            group.rmdir()


def _own_groups(text: str) -> Iterator[tuple[str, str]]:
    """The controllers of this process and its group in each; version 2 has no controller's name."""
    for line in text.splitlines():
        _, controllers, place = line.split(":", 2)
        for controller in controllers.split(","):
            yield controller, place


def _delegated(mounts: Path, place: str) -> Path | None:
    """The own group of version 2, if groups below it have what is needed and this process may make them."""
    folder = mounts / place.lstrip("/")
    try:
        passed_on = (folder / "cgroup.subtree_control").read_text().split()
    except OSError:
        return None
    return folder if set(passed_on) >= _NEEDED and os.access(folder, os.W_OK) else None


def _place(hierarchy: Path, place: str) -> Path | None:
    """The own group in a hierarchy of version 1; its root where a container hides that."""
    for folder in (hierarchy / place.lstrip("/"), hierarchy):
        if (folder / "cgroup.procs").exists():
            return folder if os.access(folder, os.W_OK) else None
    return None


def _write(folder: int, name: str, text: str) -> None:
    file = os.open(name, os.O_WRONLY | os.O_CLOEXEC, dir_fd=folder)
    try:
        os.write(file, text.encode())
    finally:
        os.close(file)


def _read(folder: int, name: str) -> bytes:
    file = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=folder)
    with open(file, "rb") as content:
        return content.read()
