"""System calls that the standard library lacks. Called by the other files of the launcher."""

import ctypes
import errno
import os
import signal
import struct
from typing import NoReturn

PR_SET_PDEATHSIG = 1
PR_SET_SECCOMP = 22
PR_CAPBSET_READ = 23
PR_CAPBSET_DROP = 24
PR_SET_SECUREBITS = 28
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47

CAP_CHOWN = 0
CAP_DAC_READ_SEARCH = 2
CAP_KILL = 5
CAP_SETGID = 6
CAP_SETUID = 7
CAP_SETPCAP = 8

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND = 1, 2, 4, 8, 32, 4096
MS_REC, MS_PRIVATE = 1 << 14, 1 << 18
MNT_DETACH = 2
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV = 1, 2, 4

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.argtypes = [ctypes.c_long] * 7
_libc.syscall.restype = ctypes.c_long
_libc.prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
_libc.mount.argtypes = [ctypes.c_char_p] * 3 + [ctypes.c_ulong, ctypes.c_char_p]
# Keeps Python's lock during a call, so that no other thread runs meanwhile.
_libc_with_lock = ctypes.PyDLL(None)

# Version 3 of the interface, and pid 0 for the caller.
_OWN_CAPABILITIES = (ctypes.c_uint32 * 2)(0x20080522, 0)
_NO_CAPABILITIES = (ctypes.c_uint32 * 6)()
_MAY_READ = (ctypes.c_uint32 * 6)(*[1 << CAP_DAC_READ_SEARCH] * 3)
_AMBIENT_RAISE = 2
_NO_SETUID_FIXUP = 1 << 2
_RT_SIGACTION = {"x86_64": 13, "aarch64": 134}
_SIGACTION_BYTES, _SIGNAL_SET_BYTES = 32, 8
_CLONE = {"x86_64": 56, "aarch64": 220}
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_OPEN_TREE, _MOVE_MOUNT, _OPENAT2, _MOUNT_SETATTR = 428, 429, 437, 442
_AT_FDCWD, _AT_EMPTY_PATH, _AT_RECURSIVE = -100, 0x1000, 0x8000
_OPEN_TREE_CLONE, _MOVE_MOUNT_F_EMPTY_PATH, _RESOLVE_IN_ROOT = 1, 4, 0x10
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


def fork_into(namespaces: int) -> int:
    """Fork as os.fork does, with the child in new `namespaces` (flags of clone). Raises OSError."""
    ctypes.pythonapi.PyOS_BeforeFork()
    pid = _libc_with_lock.syscall(_CLONE[os.uname().machine], namespaces | signal.SIGCHLD, 0, 0, 0, 0)
    number = ctypes.get_errno()
    if pid == 0:
        ctypes.pythonapi.PyOS_AfterFork_Child()
    else:
        ctypes.pythonapi.PyOS_AfterFork_Parent()
    if pid < 0:
        raise OSError(number, os.strerror(number))
    return pid


def unshare(namespaces: int) -> None:
    """Move this process into new namespaces. Raises OSError."""
    _checked(_libc.unshare(namespaces))


def mount(kind: str | None, place: str, flags: int, options: str = "") -> None:
    """Mount a file system of `kind`, or change the flags of what is mounted at `place`. Raises OSError."""
    name = None if kind is None else kind.encode()
    _named(place, _libc.mount(name, os.fsencode(place), name, flags, options.encode() or None))


def pivot_root(new: str, old: str) -> None:
    """Make `new` the root of this mount namespace, and put the present one at `old`. Raises OSError."""
    (new_place, _new), (old_place, _old) = _path(new), _path(old)
    syscall(_PIVOT_ROOT[os.uname().machine], new_place, old_place)


def detach(place: str) -> None:
    """Take away what is mounted at `place`, with all below it. Raises OSError."""
    _named(place, _libc.umount2(os.fsencode(place), MNT_DETACH))


def open_within(root: int, path: str) -> int:
    """A handle on `path` as it leads in a process whose root is the folder `root`. Raises OSError."""
    place, _path_keeper = _path(path)
    how, _how_keeper = address(struct.pack("QQQ", os.O_PATH | os.O_CLOEXEC, 0, _RESOLVE_IN_ROOT))
    result = _libc.syscall(_OPENAT2, root, place, how, 24, 0, 0)
    # A link through `..` is looked up anew where anybody on the machine mounted or renamed meanwhile.
    while result < 0 and ctypes.get_errno() == errno.EAGAIN:
        result = _libc.syscall(_OPENAT2, root, place, how, 24, 0, 0)
    return _named(path, result)


def copy_mount(source: int, attributes: int) -> int:
    """A detached copy of what is mounted at the handle `source` and below, with `attributes` set. Raises OSError."""
    nothing, _keeper = _path("")
    copy = syscall(_OPEN_TREE, source, nothing, _OPEN_TREE_CLONE | _AT_EMPTY_PATH | _AT_RECURSIVE | os.O_CLOEXEC)
    wanted, _wanted_keeper = address(struct.pack("QQQQ", attributes, 0, 0, 0))
    syscall(_MOUNT_SETATTR, copy, nothing, _AT_EMPTY_PATH | _AT_RECURSIVE, wanted, 32)
    return copy


def place_mount(copy: int, place: str) -> None:
    """Mount the detached `copy` at `place`. Raises OSError."""
    (nothing, _nothing), (target, _target) = _path(""), _path(place)
    result = _libc.syscall(_MOVE_MOUNT, copy, nothing, _AT_FDCWD, target, _MOVE_MOUNT_F_EMPTY_PATH, 0)
    _named(place, result)


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


def outlive_change_of_user() -> None:
    """Have the capabilities of this process outlive a change of its uid. Raises OSError.

    PR_SET_KEEPCAPS would do for open(2), but not for access(2), by which programs ask whether a file is there.
    """
    prctl(PR_SET_SECUREBITS, _NO_SETUID_FIXUP)


def keep_reading() -> None:
    """Keep only the right to read what another owns, across exec too. Raises OSError.

    Needs `outlive_change_of_user` before the change of uid.
    """
    _checked(_libc.capset(_OWN_CAPABILITIES, _MAY_READ))
    prctl(PR_CAP_AMBIENT, _AMBIENT_RAISE, CAP_DAC_READ_SEARCH)


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


def _path(path: str) -> tuple[int, object]:
    return address(os.fsencode(path) + b"\0")


def _named(path: str, result: int) -> int:
    """As `_checked`, with the path in the error."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), path)
    return result


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
