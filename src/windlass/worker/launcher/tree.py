"""The processes below a process, as /proc shows them. Called by `supervisor` and `server`.

All numbers are those of the machine: /proc is opened once, before a supervisor enters namespaces of its own, and kept.
"""

import os
import signal
from functools import cache

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


@cache
def proc() -> int:
    """The folder /proc of the machine, open. The server calls this before it forks."""
    return os.open("/proc", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)


def read(name: str) -> bytes:
    """The file `name` below /proc of the machine. Raises OSError."""
    file = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=proc())
    with open(file, "rb") as content:
        return content.read()


def own_pid() -> int:
    """The number that the machine knows this process by."""
    return int(os.readlink("self", dir_fd=proc()))


def children(pid: int) -> list[int]:
    """The direct children of `pid`; none when it has gone."""
    found: list[int] = []
    try:
        # Children belong to the thread that forked them.
        for thread in _list(f"{pid}/task"):
            found += map(int, read(f"{pid}/task/{thread}/children").split())
    except (FileNotFoundError, ProcessLookupError):
        return found
    return found


def descendants(pid: int) -> set[int]:
    """Everything below `pid` at about this moment; a tree that forks meanwhile needs another look."""
    found: set[int] = set()
    unseen = children(pid)
    while unseen:
        child = unseen.pop()
        if child not in found:
            found.add(child)
            unseen += children(child)
    return found


def kill(root: int) -> None:
    """Send SIGKILL to everything below `root`, each process before its children are looked up.

    A process that has the signal pending can no longer fork, so nothing is born behind the walk. Where it
    dies first, its children go to the next subreaper: repeat until `root`, being that, has none left.
    """
    doomed = children(root)
    while doomed:
        pid = doomed.pop()
        kill_one(pid)
        doomed += children(pid)


def kill_one(pid: int) -> None:
    """Send SIGKILL to a process, from whatever namespace; nothing when it has gone."""
    try:
        process = os.open(str(pid), _OPEN_FOLDER, dir_fd=proc())
    except (FileNotFoundError, ProcessLookupError):
        return
    try:
        signal.pidfd_send_signal(process, signal.SIGKILL)
    except ProcessLookupError:
        return
    finally:
        os.close(process)


def kill_group(leader: int) -> None:
    """Send SIGKILL to a process group at once, faster than it can fork. `leader` must not be reaped yet."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return


def resident_bytes(pids: set[int]) -> int:
    """The memory of `pids`, shared pages counted once for each process."""
    return sum(_resident_pages(pid) for pid in pids) * _PAGE_BYTES


def proportional_bytes(pids: set[int]) -> int:
    """The memory of `pids`, shared pages divided among their users. Slow: the kernel walks page tables."""
    return sum(_proportional_bytes(pid) for pid in pids)


def _resident_pages(pid: int) -> int:
    try:
        return int(read(f"{pid}/statm").split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def _proportional_bytes(pid: int) -> int:
    try:
        lines = read(f"{pid}/smaps_rollup").splitlines()
    except PermissionError:
        return _resident_pages(pid) * _PAGE_BYTES
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(b"Pss:")), 0)


def _list(folder: str) -> list[str]:
    file = os.open(folder, _OPEN_FOLDER, dir_fd=proc())
    try:
        return os.listdir(file)
    finally:
        os.close(file)
