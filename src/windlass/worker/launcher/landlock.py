"""Landlock: which files, sockets and processes a job may reach. Called by `confine`, just before exec.

Landlock adds no rights, so the ordinary owners and modes hold as well. What the running kernel's ABI does not
know is left out here; whether that is still good enough is the judgement of `probe`.
"""

import os
import stat
import struct
from collections.abc import Iterable

from windlass.worker.launcher import kernel

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_RULE_PATH_BENEATH, _RULE_NET_PORT = 1, 2
_GIVE_VERSION = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_MAKE_CHAR, _MAKE_BLOCK = 1 << 6, 1 << 11
_REFER, _TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_BIND_TCP, _CONNECT_TCP = 1 << 0, 1 << 1
_SCOPE_ABSTRACT_SOCKETS, _SCOPE_SIGNALS = 1 << 0, 1 << 1

_FIRST_ACCESS_BITS = (1 << 13) - 1
_FILE_ACCESS = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_WRITE = ~(_MAKE_CHAR | _MAKE_BLOCK)

# The newest ABI these rules were written for: later bits would be handled, and so denied, unseen.
SCOPES_SINCE_ABI = 6
_TRUNCATE_SINCE_ABI = 3
_TCP_SINCE_ABI = 4

ALWAYS_READABLE = (
    "/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin", "/proc", "/etc/alternatives", "/etc/ca-certificates",
    "/etc/debian_version", "/etc/fonts", "/etc/gai.conf", "/etc/group", "/etc/host.conf", "/etc/hosts",
    "/etc/inputrc", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/ld.so.preload",
    "/etc/locale.alias", "/etc/localtime", "/etc/mime.types", "/etc/nsswitch.conf", "/etc/os-release",
    "/etc/passwd", "/etc/pki/ca-trust", "/etc/pki/tls/certs", "/etc/profile", "/etc/protocols",
    "/etc/python3", "/etc/python3.11", "/etc/python3.12", "/etc/python3.13", "/etc/resolv.conf",
    "/etc/services", "/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/terminfo", "/etc/timezone",
    "/dev/random", "/dev/urandom",
    # Runtimes read these to learn how many processors and how much memory they may use.
    "/sys/devices/system", "/sys/fs/cgroup", "/sys/kernel/mm/transparent_hugepage",
)  # fmt: skip
ALWAYS_WRITABLE = ("/dev/null", "/dev/zero", "/dev/full", "/dev/shm")


def abi() -> int:
    """The Landlock ABI of the running kernel, 0 when it has none."""
    try:
        return kernel.syscall(_CREATE_RULESET, 0, 0, _GIVE_VERSION)
    except OSError:
        return 0


def sees_truncation() -> bool:
    """Whether the running kernel's Landlock covers shortening a file by its path (Linux 6.2)."""
    return abi() >= _TRUNCATE_SINCE_ABI


def restrict(*, readable: Iterable[str], writable: Iterable[str], tcp: bool, port: int | None = None) -> None:
    """Close everything but the lists given to this process and its children. Raises OSError.

    Without `tcp` it may connect to `port` only, on whatever machine, or nowhere.
    """
    version = abi()
    ruleset = _create(version, tcp)
    if port is not None and version >= _TCP_SINCE_ABI:
        rule, _keeper = kernel.address(struct.pack("QQ", _CONNECT_TCP, port))
        kernel.syscall(_ADD_RULE, ruleset, _RULE_NET_PORT, rule, 0)
    for path in ALWAYS_READABLE:
        _allow(ruleset, path, _READ & _handled(version), required=False)
    for path in ALWAYS_WRITABLE:
        _allow(ruleset, path, _WRITE & _handled(version), required=False)
    for path in readable:
        _allow(ruleset, path, _READ & _handled(version), required=True)
    for path in writable:
        _allow(ruleset, path, _WRITE & _handled(version), required=True)
    kernel.syscall(_RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def outer_rules(folder: str, known: Iterable[str]) -> list[int] | None:
    """What a domain inside the one of `known` leaves as it is, opened: all but the place that holds `folder`.

    None where the kernel has no Landlock. Of that place, only those of `known` that lie there. Raises OSError.
    """
    if abi() == 0:
        return None
    place = os.path.realpath(folder).split("/")[1]
    inside = [path for path in map(os.path.realpath, known) if path.split("/")[1] == place]
    paths = [f"/{name}" for name in os.listdir("/") if name != place] + inside
    return [file for path in paths if (file := _open(path)) is not None]


def inner_ruleset(rules: list[int]) -> int:
    """A ruleset of `rules` for a job in a warm process; `allow_folder` adds what they leave out. Raises OSError."""
    version = abi()
    ruleset = _create(version, tcp=True)
    for target in rules:
        _add_rule(ruleset, target, _WRITE & _handled(version))
    return ruleset


def allow_folder(ruleset: int, folder: str) -> None:
    """Let a ruleset have a folder. Raises OSError."""
    _allow(ruleset, folder, _WRITE & _handled(abi()), required=True)


def _open(path: str) -> int | None:
    try:
        return os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return None


def _create(version: int, tcp: bool) -> int:
    network = 0 if tcp else _BIND_TCP | _CONNECT_TCP
    attributes = struct.pack("QQQ", _handled(version), network, _SCOPE_ABSTRACT_SOCKETS | _SCOPE_SIGNALS)
    size = 24 if version >= SCOPES_SINCE_ABI else 16 if version >= _TCP_SINCE_ABI else 8
    place, _keeper = kernel.address(attributes[:size])
    return kernel.syscall(_CREATE_RULESET, place, size, 0)


def _handled(version: int) -> int:
    access = _FIRST_ACCESS_BITS
    access |= _REFER if version >= 2 else 0
    access |= _TRUNCATE if version >= _TRUNCATE_SINCE_ABI else 0
    return access | (_IOCTL_DEV if version >= 5 else 0)


def _allow(ruleset: int, path: str, access: int, *, required: bool) -> None:
    try:
        target = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        if required:
            raise
        return
    try:
        _add_rule(ruleset, target, access)
    finally:
        os.close(target)


def _add_rule(ruleset: int, target: int, access: int) -> None:
    if not stat.S_ISDIR(os.fstat(target).st_mode):
        access &= _FILE_ACCESS
    place, _keeper = kernel.address(struct.pack("=Qi", access, target))
    kernel.syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, place, 0)
