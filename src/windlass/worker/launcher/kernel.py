"""System calls that the standard library lacks. Called by the other files of the launcher."""

import ctypes
import os
from typing import NoReturn

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_KEEPCAPS = 8
PR_SET_SECCOMP = 22
PR_CAPBSET_READ = 23
PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47

CAP_CHOWN = 0
CAP_DAC_READ_SEARCH = 2
CAP_KILL = 5
CAP_SETGID = 6
CAP_SETUID = 7
CAP_SETPCAP = 8

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.argtypes = [ctypes.c_long] * 7
_libc.syscall.restype = ctypes.c_long
_libc.prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
# Keeps Python's lock during a call, so that no other thread runs meanwhile.
_libc_with_lock = ctypes.PyDLL(None)

# Version 3 of the interface, and pid 0 for the caller.
_OWN_CAPABILITIES = (ctypes.c_uint32 * 2)(0x20080522, 0)
_NO_CAPABILITIES = (ctypes.c_uint32 * 6)()
_MAY_READ = (ctypes.c_uint32 * 6)(*[1 << CAP_DAC_READ_SEARCH] * 3)
_AMBIENT_RAISE = 2
_RT_SIGACTION = {"x86_64": 13, "aarch64": 134}
_SIGACTION_BYTES, _SIGNAL_SET_BYTES = 32, 8
_HIDDEN_SIGNALS = (32, 33)


def syscall(number: int, *arguments: int) -> int:
    """Call the kernel by number; buffers go in as addresses. Raises OSError."""
    padding = (0,) * (6 - len(arguments))
    return _checked(_libc.syscall(number, *arguments, *padding))


def prctl(option: int, *arguments: int) -> int:
    """Call prctl(2). Raises OSError."""
    padding = (0,) * (4 - len(arguments))
    return _checked(_libc.prctl(option, *arguments, *padding))


def address(buffer: bytes) -> tuple[int, object]:
    """The address of `buffer`, and what has to stay alive while the kernel reads it."""
    keeper = ctypes.create_string_buffer(buffer, len(buffer))
    return ctypes.addressof(keeper), keeper


def restore_hidden_signals() -> None:
    """Give the signals that the C library keeps to itself their default action, which its own calls cannot.

    GNU make, for one, has its children ignore them. Raises OSError.
    """
    number = _RT_SIGACTION.get(os.uname().machine)
    if number is not None:
        default, _keeper = address(bytes(_SIGACTION_BYTES))
        for hidden in _HIDDEN_SIGNALS:
            syscall(number, hidden, default, 0, _SIGNAL_SET_BYTES)


def empty_bounding_set() -> None:
    """Give up what an exec could bring back, save for `keep_reading`, if this process may. Raises OSError."""
    if CAP_SETPCAP not in effective_capabilities():
        return
    for capability in range(64):
        # The kernel answers EINVAL for the first number that it does not know.
        if _libc.prctl(PR_CAPBSET_READ, capability, 0, 0, 0) < 0:
            return
        if capability != CAP_DAC_READ_SEARCH:
            prctl(PR_CAPBSET_DROP, capability)


def clear_capabilities() -> None:
    """Empty the effective, permitted and inheritable sets of this process. Raises OSError."""
    _checked(_libc.capset(_OWN_CAPABILITIES, _NO_CAPABILITIES))


def keep_reading() -> None:
    """Keep only the right to read what another owns, across exec too. Raises OSError.

    Needs PR_SET_KEEPCAPS before the change of uid.
    """
    _checked(_libc.capset(_OWN_CAPABILITIES, _MAY_READ))
    prctl(PR_CAP_AMBIENT, _AMBIENT_RAISE, CAP_DAC_READ_SEARCH)


def forget_change_of_user() -> None:
    """Undo what a change of uid leaves in a process until its next exec. Raises OSError."""
    prctl(PR_SET_KEEPCAPS, 0)
    # Else root would own the files of this process below /proc, and its own children could not read them.
    prctl(PR_SET_DUMPABLE, 1)


def leave(status: int, *, orderly: bool) -> NoReturn:
    """End this process without Python's own end: as exit(3) does, or sooner, but with what C has still to write."""
    if orderly:
        _libc_with_lock.exit(status)
    _libc_with_lock.fflush(None)
    os._exit(status)


def effective_capabilities() -> frozenset[int]:
    """The numbers of the capabilities this process can use now."""
    with open("/proc/self/status") as status:
        mask = next(int(line.split()[1], 16) for line in status if line.startswith("CapEff:"))
    return frozenset(bit for bit in range(64) if mask >> bit & 1)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
