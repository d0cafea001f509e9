"""Seccomp: which system calls a job may make. Called by `confine`, last before exec.

A deny list on purpose: scripts run any runtime, and an allow list would break with each new libc. It closes
what reaches around Landlock (mounts, namespaces, other processes' memory, unix sockets by path) and kernel
surface with a record of escapes that no script needs.
"""

import errno
import os
import socket
import struct

from windlass.worker.launcher import kernel, landlock

# name: (x86_64, aarch64); None where the architecture has no such call.
_DENIED: dict[str, tuple[int | None, int | None]] = {
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431),
    "fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442), "open_tree_attr": (467, 467),
    "unshare": (272, 97), "setns": (308, 268), "ptrace": (101, 117), "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271), "process_madvise": (440, 440), "pidfd_getfd": (438, 438),
    "kcmp": (312, 272), "kexec_load": (246, 104), "kexec_file_load": (320, 294), "reboot": (169, 142),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106), "bpf": (321, 280),
    "perf_event_open": (298, 241), "userfaultfd": (323, 282), "add_key": (248, 217),
    "request_key": (249, 218), "keyctl": (250, 219), "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "open_by_handle_at": (304, 265),
    "swapon": (167, 224), "swapoff": (168, 225), "acct": (163, 89), "quotactl": (179, 60),
    "quotactl_fd": (443, 443), "syslog": (103, 116), "vhangup": (153, 58), "sethostname": (170, 161),
    "setdomainname": (171, 162), "settimeofday": (164, 170), "clock_settime": (227, 112),
    "lookup_dcookie": (212, 18), "nfsservctl": (180, 42), "iopl": (172, None), "ioperm": (173, None),
    "modify_ldt": (154, None), "uselib": (134, None), "_sysctl": (156, None),
}  # fmt: skip
_CLONE, _CLONE3 = (56, 220), (435, 435)
_SOCKET, _SOCKETPAIR, _IOCTL = (41, 198), (53, 199), (16, 29)
_PRLIMIT = (302, 261)
_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_TRUNCATE = (76, 45)
_FIRST_X32_CALL = 0x40000000

_NAMESPACE_FLAGS = 0x7E020000
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_NETLINK_ROUTE = 0
_ITSELF = 0
_SOCK_PACKET = 10

_LOAD, _JUMP_EQUAL, _JUMP_GREATER_EQUAL, _JUMP_ANY_BIT, _RETURN, _AND = 0x20, 0x15, 0x35, 0x45, 0x06, 0x54
_ALLOW, _KILL_PROCESS, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_MODE_FILTER = 2

_Instruction = tuple[int, int, int, int]


def restrict(*, internet: bool, only_tcp: bool = False) -> None:
    """Install the filter on this process and its children. Needs no_new_privs. Raises OSError."""
    program = _PROGRAMS.get((internet, only_tcp))
    if program is None:
        raise OSError(errno.ENOSYS, f"no system call table for {os.uname().machine}")
    kernel.prctl(kernel.PR_SET_SECCOMP, _MODE_FILTER, program.place)


def assemble(machine: str, *, internet: bool, only_tcp: bool = False, truncates: bool = True) -> bytes:
    """The BPF program for `machine`, as the kernel reads it. Raises KeyError on an unknown machine.

    `only_tcp` leaves of the internet what Landlock sees. `truncates` False refuses to shorten a file by its path,
    which the first versions of Landlock do not see.
    """
    column, audit_number = _ARCHITECTURES[machine]
    program = [
        _load(4), (_JUMP_EQUAL, 1, 0, audit_number), _answer(_KILL_PROCESS),
        _load(0), *_when(_JUMP_GREATER_EQUAL, _FIRST_X32_CALL, [_refuse(errno.ENOSYS)]),
        *_when(_JUMP_EQUAL, _CLONE3[column], [_refuse(errno.ENOSYS)]),
        *_when(_JUMP_EQUAL, _CLONE[column], _clone_rules()),
        *_when(_JUMP_EQUAL, _SOCKET[column], _socket_rules(internet, only_tcp)),
        *_when(_JUMP_EQUAL, _SOCKETPAIR[column], _socketpair_rules()),
        *_when(_JUMP_EQUAL, _IOCTL[column], _ioctl_rules()),
        *_when(_JUMP_EQUAL, _PRLIMIT[column], _prlimit_rules()),
    ]  # fmt: skip
    for numbers in (*_DENIED.values(), *(() if truncates else (_TRUNCATE,))):
        number = numbers[column]
        if number is not None:
            program += _when(_JUMP_EQUAL, number, [_refuse(errno.EPERM)])
    return b"".join(struct.pack("HBBI", *instruction) for instruction in [*program, _answer(_ALLOW)])


def denied_calls(machine: str) -> dict[str, int]:
    """The number on `machine` of each call that is refused whatever its arguments. Raises KeyError."""
    column, _ = _ARCHITECTURES[machine]
    return {name: number for name, numbers in _DENIED.items() if (number := numbers[column]) is not None}


def _clone_rules() -> list[_Instruction]:
    return [
        _load(_argument(0)),
        *_when(_JUMP_ANY_BIT, _NAMESPACE_FLAGS, [_refuse(errno.EPERM)]),
        _answer(_ALLOW),
    ]


def _socket_rules(internet: bool, only_tcp: bool) -> list[_Instruction]:
    netlink = [
        _load(_argument(2)),
        *_when(_JUMP_EQUAL, _NETLINK_ROUTE, [_answer(_ALLOW)]),
        _refuse(errno.EACCES),
    ]
    rules = [_load(_argument(0)), *_when(_JUMP_EQUAL, socket.AF_NETLINK, netlink)]
    if internet:
        for family in (socket.AF_INET, socket.AF_INET6):
            rules += _when(_JUMP_EQUAL, family, _tcp_rules() if only_tcp else _internet_rules())
    return [*rules, _refuse(errno.EACCES)]


def _internet_rules() -> list[_Instruction]:
    return [
        *_load_socket_type(),
        *_when(_JUMP_EQUAL, socket.SOCK_RAW, [_refuse(errno.EACCES)]),
        *_when(_JUMP_EQUAL, _SOCK_PACKET, [_refuse(errno.EACCES)]),
        _answer(_ALLOW),
    ]


def _tcp_rules() -> list[_Instruction]:
    # Other protocols have stream sockets too.
    plain = [_load(_argument(2)), *_when(_JUMP_EQUAL, 0, [_answer(_ALLOW)])]
    plain += [*_when(_JUMP_EQUAL, socket.IPPROTO_TCP, [_answer(_ALLOW)]), _refuse(errno.EACCES)]
    return [*_load_socket_type(), *_when(_JUMP_EQUAL, socket.SOCK_STREAM, plain), _refuse(errno.EACCES)]


def _socketpair_rules() -> list[_Instruction]:
    # A datagram pair can still send to any socket path, which a stream pair cannot.
    return [
        *_load_socket_type(),
        *_when(_JUMP_EQUAL, socket.SOCK_DGRAM, [_refuse(errno.EACCES)]),
        _answer(_ALLOW),
    ]


def _ioctl_rules() -> list[_Instruction]:
    denied = [_when(_JUMP_EQUAL, request, [_refuse(errno.EPERM)]) for request in (_TIOCSTI, _TIOCLINUX)]
    return [_load(_argument(1)), *denied[0], *denied[1], _answer(_ALLOW)]


def _prlimit_rules() -> list[_Instruction]:
    # Landlock does not see it, and a limit of no processor time kills another process of the same uid.
    return [_load(_argument(0)), *_when(_JUMP_EQUAL, _ITSELF, [_answer(_ALLOW)]), _refuse(errno.EPERM)]


def _load_socket_type() -> list[_Instruction]:
    return [_load(_argument(1)), (_AND, 0, 0, 0xF)]


def _when(test: int, value: int, then: list[_Instruction]) -> list[_Instruction]:
    return [(test, 0, len(then), value), *then]


def _argument(index: int) -> int:
    return 16 + 8 * index


def _load(offset: int) -> _Instruction:
    return (_LOAD, 0, 0, offset)


def _refuse(number: int) -> _Instruction:
    return _answer(_ERRNO | number)


def _answer(value: int) -> _Instruction:
    return (_RETURN, 0, 0, value)


class _Program:
    """A program at a fixed address, ready for the kernel."""

    def __init__(self, instructions: bytes):
        code, self._code = kernel.address(instructions)
        self.place, self._header = kernel.address(struct.pack("HxxxxxxQ", len(instructions) // 8, code))


# Built once, before any fork. An unknown machine gets no program, and so every launch on it is refused.
_PROGRAMS = {
    (internet, only_tcp): _Program(
        assemble(os.uname().machine, internet=internet, only_tcp=only_tcp, truncates=landlock.sees_truncation())
    )
    for internet, only_tcp in ((True, False), (True, True), (False, False))
    if os.uname().machine in _ARCHITECTURES
}
