"""The processes below a process, as /proc shows them. Called by `supervisor` and `server`."""

import os
import signal

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def children(pid: int) -> list[int]:
    """The direct children of `pid`; none when it has gone."""
    found: list[int] = []
    try:
        # Children belong to the thread that forked them.
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
                found += map(int, file.read().split())
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
        _kill(pid)
        doomed += children(pid)


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


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _resident_pages(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            return int(file.read().split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def _proportional_bytes(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/smaps_rollup", "rb") as file:
            return next((int(line.split()[1]) * 1024 for line in file if line.startswith(b"Pss:")), 0)
    except PermissionError:
        return _resident_pages(pid) * _PAGE_BYTES
    except (FileNotFoundError, ProcessLookupError):
        return 0
