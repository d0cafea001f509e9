"""Calls to the kernel and the C library that the standard library lacks; used by `zygote` and `interpreter`."""

import ctypes
import os

PR_SET_DUMPABLE = 4
LANDLOCK_RESTRICT_SELF = 446

libc = ctypes.CDLL(None, use_errno=True)
# Keeps Python's lock during a call, so that no other thread runs meanwhile.
libc_with_lock = ctypes.PyDLL(None)


def prctl(option: int, value: int) -> None:
    """Call prctl(2) with one argument. Raises OSError."""
    check(libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0))


def restrict_files(ruleset: int) -> None:
    """Enter the Landlock domain of an open ruleset. Raises OSError."""
    check(libc.syscall(ctypes.c_long(LANDLOCK_RESTRICT_SELF), ruleset, 0))


def leave(status: int, *, orderly: bool) -> None:
    """End this process without Python's own end: as exit(3) does, or sooner, but with what C has still to write."""
    if orderly:
        libc_with_lock.exit(status)
    flush()
    os._exit(status)


def flush() -> None:
    """Write what C has still to write."""
    libc_with_lock.fflush(None)


def own_memory_bytes() -> int:
    """The memory of this process, shared pages divided among their users; 0 where there is no /proc."""
    if not os.path.exists("/proc/self/smaps_rollup"):
        return 0
    with open("/proc/self/smaps_rollup", "rb") as file:
        return next((int(line.split()[1]) * 1024 for line in file if line.startswith(b"Pss:")), 0)


def own_files() -> set[str]:
    """The open files of this process, by number and target."""
    found = set()
    for number in os.listdir("/proc/self/fd"):
        try:
            found.add(f"{number} {os.readlink(f'/proc/self/fd/{number}')}")
        except FileNotFoundError:
            continue  # the folder itself, while it was listed
    return found


def check(result: int) -> None:
    """Raise the OSError of a call that failed."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
