"""What a hostile job would try, tried inside the sandbox. `probe` feeds this file to an interpreter there.

Standard library only, and no import of ours: inside, our package need not be readable. Prints one JSON object
that says for each probe whether it got through. A probe gets through when it returns without OSError.
"""

import ctypes
import errno
import json
import os
import resource
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_CLOSED = {errno.EPERM, errno.EACCES, errno.ENOSYS}
_AF_VSOCK, _ETH_ALL, _CAP_DAC_READ_SEARCH = 40, 0x0300, 2
_CLONE_NEWUSER, _SIGCHLD, _TIOCSTI = 0x10000000, 17, 0x5412
_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.syscall.argtypes = [ctypes.c_long] * 7


@dataclass(frozen=True, kw_only=True)
class Target:
    """What the worker set up to be attacked."""

    worker: int
    folder: str
    socket: str
    datagram_socket: str
    abstract_socket: str
    calls: dict[str, int]
    clone: int


def read_worker_environment(target: Target) -> None:
    _read(f"/proc/{target.worker}/environ")


def open_worker_memory(target: Target) -> None:
    os.close(os.open(f"/proc/{target.worker}/mem", os.O_RDONLY))


def follow_worker_files(target: Target) -> None:
    # Their numbers may be listed by the same uid; where they lead may not be seen.
    os.readlink(f"/proc/{target.worker}/fd/{os.listdir(f'/proc/{target.worker}/fd')[0]}")


def enter_worker_root(target: Target) -> None:
    os.listdir(f"/proc/{target.worker}/root/")


def signal_worker(target: Target) -> None:
    os.kill(target.worker, 0)


def signal_supervisor(_: Target) -> None:
    os.kill(os.getppid(), 0)


def limit_worker(target: Target) -> None:
    resource.prlimit(target.worker, resource.RLIMIT_CORE, resource.prlimit(target.worker, resource.RLIMIT_CORE))


def read_file_outside(target: Target) -> None:
    _read(f"{target.folder}/secret")


def list_folder_outside(target: Target) -> None:
    os.listdir(target.folder)


def write_file_outside(target: Target) -> None:
    with open(f"{target.folder}/secret", "a"):
        return


def make_file_outside(target: Target) -> None:
    with open(f"{target.folder}/made", "x"):
        return


def make_file_in_shared_temporary_folder(_: Target) -> None:
    name = f"/tmp/windlass-probe-{os.getpid()}"
    os.close(os.open(name, os.O_CREAT | os.O_EXCL))
    os.unlink(name)


def truncate_file_outside(target: Target) -> None:
    os.truncate(f"{target.folder}/truncated", 1)


def remove_file_outside(target: Target) -> None:
    os.unlink(f"{target.folder}/removed")


def rename_file_outside(target: Target) -> None:
    os.rename(f"{target.folder}/renamed", "renamed")


def link_file_outside(target: Target) -> None:
    os.link(f"{target.folder}/secret", "linked")


def read_through_symbolic_link(target: Target) -> None:
    os.symlink(f"{target.folder}/secret", "symbolic")
    _read("symbolic")


def read_passwords(_: Target) -> None:
    _read("/etc/shadow")


def write_kernel_setting(_: Target) -> None:
    os.close(os.open("/proc/sys/kernel/hostname", os.O_WRONLY))


def spare_itself_from_the_memory_killer(_: Target) -> None:
    os.close(os.open("/proc/self/oom_score_adj", os.O_WRONLY))


def connect_to_unix_socket(target: Target) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as ours:
        ours.connect(target.socket)


def connect_to_abstract_socket(target: Target) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as ours:
        ours.connect(f"\0{target.abstract_socket}")


def send_from_datagram_pair(target: Target) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, theirs:
        ours.sendto(b"x", target.datagram_socket)


def open_raw_socket(_: Target) -> None:
    socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close()


def open_packet_socket(_: Target) -> None:
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW, _ETH_ALL).close()


def open_machine_socket(_: Target) -> None:
    socket.socket(_AF_VSOCK, socket.SOCK_STREAM).close()


def watch_kernel_events(_: Target) -> None:
    socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 15).close()


def become_root(_: Target) -> None:
    if os.getuid() == 0:
        # Root in name: what counts then is what it can do, here to another's file.
        os.setgroups([0])
    os.setresuid(0, 0, 0)
    os.setgroups([0])


def hold_capabilities(_: Target) -> None:
    # What to read is for Landlock to say, so the right to read past owners and modes is no way out.
    held = _status("CapEff") | _status("CapPrm") | _status("CapInh") | _status("CapAmb")
    _unless(held & ~(1 << _CAP_DAC_READ_SEARCH))


def gain_rights_by_exec(_: Target) -> None:
    _unless(not _status("NoNewPrivs"))


def hold_inherited_files(_: Target) -> None:
    # The listing itself is open as the lowest free number, 3.
    _unless({int(name) for name in os.listdir("/proc/self/fd")} - {0, 1, 2, 3})


def clone_into_user_namespace(target: Target) -> None:
    if _call(target.clone, _CLONE_NEWUSER | _SIGCHLD) == 0:
        os._exit(0)


def type_into_terminal(_: Target) -> None:
    letter = ctypes.create_string_buffer(b"x")
    if _LIBC.ioctl(0, ctypes.c_ulong(_TIOCSTI), letter) < 0 and ctypes.get_errno() in _CLOSED:
        raise PermissionError


PROBES: tuple[Callable[[Target], None], ...] = (
    read_worker_environment, open_worker_memory, follow_worker_files, enter_worker_root, signal_worker,
    signal_supervisor, limit_worker, read_file_outside, list_folder_outside, write_file_outside, make_file_outside,
    make_file_in_shared_temporary_folder, truncate_file_outside, remove_file_outside, link_file_outside,
    rename_file_outside, read_through_symbolic_link, read_passwords, write_kernel_setting,
    spare_itself_from_the_memory_killer, connect_to_unix_socket, connect_to_abstract_socket,
    send_from_datagram_pair, open_raw_socket, open_packet_socket, open_machine_socket, watch_kernel_events,
    become_root, hold_capabilities, gain_rights_by_exec, hold_inherited_files, clone_into_user_namespace,
    type_into_terminal,
)  # fmt: skip

# Only calls that change nothing when they fail for lack of good arguments, should they ever get through.
CALLS = (
    "add_key", "bpf", "fsmount", "io_uring_enter", "io_uring_register", "io_uring_setup", "keyctl",
    "kexec_load", "move_mount", "open_by_handle_at", "open_tree", "perf_event_open", "pidfd_getfd",
    "process_vm_readv", "process_vm_writev", "ptrace", "request_key", "setns", "userfaultfd",
)  # fmt: skip


def results(target: Target) -> Iterator[tuple[str, bool]]:
    """Each probe's name, and whether it got through."""
    for probe in PROBES:
        yield probe.__name__, _gets_through(lambda probe=probe: probe(target))
    for name in CALLS:
        yield f"call {name}", _gets_through(lambda name=name: _call(target.calls[name], -1, -1, -1, -1, -1))


def _gets_through(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except OSError:
        return False
    return True


def _call(number: int, *arguments: int) -> int:
    """Raises OSError where the sandbox refuses; an error of the call itself means that it got through."""
    result = _LIBC.syscall(number, *arguments, *(0,) * (6 - len(arguments)))
    if result < 0 and ctypes.get_errno() in _CLOSED:
        raise OSError(ctypes.get_errno(), "refused")
    return result


def _read(path: str) -> None:
    with open(path, "rb") as file:
        file.read(1)


def _status(field: str) -> int:
    with open("/proc/self/status") as status:
        return next(int(line.split()[1], 16) for line in status if line.startswith(f"{field}:"))


def _unless(found: object) -> None:
    if not found:
        raise PermissionError


if __name__ == "__main__":
    print(json.dumps(dict(results(Target(**json.loads(sys.argv[1]))))))
