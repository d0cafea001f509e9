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
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_CLOSED = {errno.EPERM, errno.EACCES, errno.ENOSYS}
_AF_VSOCK, _ETH_ALL, _CAP_DAC_READ_SEARCH = 40, 0x0300, 2
_AF_ALG, _AF_KEY, _AF_XDP = 38, 15, 44
_PR_GET_NO_NEW_PRIVS, _PR_CAP_AMBIENT, _AMBIENT_IS_SET = 39, 47, 1
_HIGHEST_FILE, _FEW_PROCESSES = 256, 4
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
    temporary_file: str
    shared_memory: str
    ipc_key: int
    calls: dict[str, int]
    clone: int
    is_apart: bool
    """Whether the job is to have namespaces of its own."""


def read_worker_environment(target: Target) -> None:
    _read(f"/proc/{target.worker}/environ")


def open_worker_memory(target: Target) -> None:
    os.close(os.open(f"/proc/{target.worker}/mem", os.O_RDONLY))


def follow_worker_files(target: Target) -> None:
    # Their numbers may be listed by the same uid; where they lead may not be seen.
    os.readlink(f"/proc/{target.worker}/fd/{os.listdir(f'/proc/{target.worker}/fd')[0]}")


def enter_worker_root(target: Target) -> None:
    os.listdir(f"/proc/{target.worker}/root/")


def read_worker_memory_map(target: Target) -> None:
    _read(f"/proc/{target.worker}/maps")


def read_supervisor_environment(_: Target) -> None:
    _read(f"/proc/{os.getppid()}/environ")


def open_supervisor_memory(_: Target) -> None:
    os.close(os.open(f"/proc/{os.getppid()}/mem", os.O_RDWR))


def enter_supervisor_root(_: Target) -> None:
    os.listdir(f"/proc/{os.getppid()}/root/")


def follow_supervisor_files(_: Target) -> None:
    os.readlink(f"/proc/{os.getppid()}/fd/{os.listdir(f'/proc/{os.getppid()}/fd')[0]}")


def read_first_process_environment(_: Target) -> None:
    _read("/proc/1/environ")


def enter_first_process_folder(_: Target) -> None:
    os.listdir("/proc/1/cwd/")


def signal_first_process(_: Target) -> None:
    os.kill(1, 0)


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


def read_file_in_shared_temporary_folder(target: Target) -> None:
    _read(target.temporary_file)


def write_file_in_shared_temporary_folder(target: Target) -> None:
    os.close(os.open(target.temporary_file, os.O_WRONLY))


def leave_by_open_folder(target: Target) -> None:
    here = os.open(".", os.O_RDONLY)
    try:
        os.close(os.open(f"{'../' * 64}{target.folder.lstrip('/')}/secret", os.O_RDONLY, dir_fd=here))
    finally:
        os.close(here)


def leave_by_own_root(target: Target) -> None:
    _read(f"/proc/self/root{target.folder}/secret")


def leave_by_chroot(_: Target) -> None:
    # Where it is allowed it changes nothing.
    os.chroot("/")


def list_root_folder(_: Target) -> None:
    # Harmless where it is the job's own; the policy on files, and nothing else, closes it.
    os.listdir("/")


def list_homes(_: Target) -> None:
    os.listdir("/root")


def write_system_folder(_: Target) -> None:
    os.close(os.open("/usr", os.O_TMPFILE | os.O_WRONLY))  # a file without a name: nothing is left


def write_host_names(_: Target) -> None:
    os.close(os.open("/etc/hosts", os.O_WRONLY))


def overwrite_running_program(_: Target) -> None:
    os.close(os.open("/proc/self/exe", os.O_WRONLY))


def make_character_device(_: Target) -> None:
    os.mknod("device", 0o666 | stat.S_IFCHR, os.makedev(1, 1))


def make_block_device(_: Target) -> None:
    os.mknod("disk", 0o666 | stat.S_IFBLK, os.makedev(254, 0))


def open_kernel_log(_: Target) -> None:
    os.close(os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK))


def open_machine_memory(_: Target) -> None:
    os.close(os.open("/dev/mem", os.O_RDONLY))


def open_virtual_machines(_: Target) -> None:
    os.close(os.open("/dev/kvm", os.O_RDWR))


def read_kernel_memory(_: Target) -> None:
    _read("/proc/kcore")


def press_system_keys(_: Target) -> None:
    os.close(os.open("/proc/sysrq-trigger", os.O_WRONLY))


def catch_core_dumps(_: Target) -> None:
    os.close(os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY))


def dump_core(_: Target) -> None:
    _unless(resource.getrlimit(resource.RLIMIT_CORE) != (0, 0))


def write_device_setting(_: Target) -> None:
    os.close(os.open("/sys/kernel/mm/transparent_hugepage/enabled", os.O_WRONLY))


def leave_control_group(_: Target) -> None:
    for folder, _folders, files in os.walk("/sys/fs/cgroup"):
        if "cgroup.procs" in files:
            os.close(os.open(f"{folder}/cgroup.procs", os.O_WRONLY))
            return
    raise FileNotFoundError


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


def open_kernel_crypto_socket(_: Target) -> None:
    socket.socket(_AF_ALG, socket.SOCK_SEQPACKET).close()


def open_key_socket(_: Target) -> None:
    socket.socket(_AF_KEY, socket.SOCK_RAW, 2).close()


def open_express_socket(_: Target) -> None:
    socket.socket(_AF_XDP, socket.SOCK_RAW).close()


def listen_on_unix_socket(_: Target) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as ours:
        ours.bind("listening")


def take_the_processor(_: Target) -> None:
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))


def go_before_others(_: Target) -> None:
    os.setpriority(os.PRIO_PROCESS, 0, os.getpriority(os.PRIO_PROCESS, 0) - 1)


def raise_own_limit(_: Target) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard + 1))


def share_session(_: Target) -> None:
    _unless(os.getsid(0) != os.getpid())


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
    _unless(_held_capabilities() & ~(1 << _CAP_DAC_READ_SEARCH))


def gain_rights_by_exec(_: Target) -> None:
    _unless(not _LIBC.prctl(_PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0))


def hold_inherited_files(_: Target) -> None:
    _unless([number for number in range(3, _HIGHEST_FILE) if _is_open(number)])


def clone_into_user_namespace(target: Target) -> None:
    if _call(target.clone, _CLONE_NEWUSER | _SIGCHLD) == 0:
        os._exit(0)


def type_into_terminal(_: Target) -> None:
    letter = ctypes.create_string_buffer(b"x")
    if _LIBC.ioctl(0, ctypes.c_ulong(_TIOCSTI), letter) < 0 and ctypes.get_errno() in _CLOSED:
        raise PermissionError


def see_other_processes(_: Target) -> None:
    _unless(len([name for name in os.listdir("/proc") if name.isdigit()]) > _FEW_PROCESSES)


def read_shared_memory_of_others(target: Target) -> None:
    _read(target.shared_memory)


def attach_shared_segment(target: Target) -> None:
    if _LIBC.shmget(target.ipc_key, 0, 0) < 0:
        raise PermissionError


def find_semaphores(target: Target) -> None:
    if _LIBC.semget(target.ipc_key, 0, 0) < 0:
        raise PermissionError


def find_message_queue(target: Target) -> None:
    if _LIBC.msgget(target.ipc_key, 0) < 0:
        raise PermissionError


def see_machine_mounts(target: Target) -> None:
    with open("/proc/self/mountinfo") as mounts:
        # The root of a job is a tmpfs that nobody can write.
        root = next(line.split() for line in mounts if line.split()[4] == "/")
    _unless("tmpfs" not in root or "ro" not in root[5].split(","))


def use_right_of_files(_: Target) -> None:
    _unless(not os.statvfs("/usr").f_flag & os.ST_NOSUID)


def see_system_state(_: Target) -> None:
    # Landlock lets anybody ask, so only a view without it says no. A folder could be above the job's own.
    os.stat("/etc/shadow")


PROBES: tuple[Callable[[Target], None], ...] = (
    read_worker_environment, open_worker_memory, follow_worker_files, enter_worker_root, signal_worker,
    read_worker_memory_map, read_supervisor_environment, open_supervisor_memory, enter_supervisor_root,
    follow_supervisor_files, read_first_process_environment, enter_first_process_folder, signal_first_process,
    read_file_in_shared_temporary_folder, write_file_in_shared_temporary_folder,
    leave_by_open_folder, leave_by_own_root, leave_by_chroot, list_root_folder, list_homes, write_system_folder,
    write_host_names, overwrite_running_program, make_character_device, make_block_device, open_kernel_log,
    open_machine_memory, open_virtual_machines, read_kernel_memory, press_system_keys, catch_core_dumps, dump_core,
    write_device_setting, leave_control_group, open_kernel_crypto_socket, open_key_socket, open_express_socket,
    listen_on_unix_socket, take_the_processor, go_before_others, raise_own_limit, share_session,
    signal_supervisor, limit_worker, read_file_outside, list_folder_outside, write_file_outside, make_file_outside,
    truncate_file_outside, remove_file_outside, link_file_outside,
    rename_file_outside, read_through_symbolic_link, read_passwords, write_kernel_setting,
    spare_itself_from_the_memory_killer, connect_to_unix_socket, connect_to_abstract_socket,
    send_from_datagram_pair, open_raw_socket, open_packet_socket, open_machine_socket, watch_kernel_events,
    become_root, hold_capabilities, gain_rights_by_exec, hold_inherited_files, clone_into_user_namespace,
    type_into_terminal,
)  # fmt: skip

APART: tuple[Callable[[Target], None], ...] = (
    see_other_processes, read_shared_memory_of_others, attach_shared_segment, find_semaphores, find_message_queue,
    see_machine_mounts, use_right_of_files, see_system_state,
)  # fmt: skip
"""What only namespaces close."""

# Only calls that change nothing when they fail for lack of good arguments, should they ever get through.
CALLS = (
    "add_key", "bpf", "chroot", "clock_settime", "finit_module", "fsconfig", "fsmount", "fsopen", "init_module",
    "io_uring_enter", "io_uring_register", "io_uring_setup", "keyctl", "kexec_load", "mount", "mount_setattr",
    "move_mount", "open_by_handle_at", "open_tree", "perf_event_open", "pidfd_getfd", "pivot_root",
    "process_vm_readv", "process_vm_writev", "ptrace", "request_key", "setns", "settimeofday", "swapon", "syslog",
    "umount2", "unshare", "userfaultfd",
)  # fmt: skip


def results(target: Target) -> Iterator[tuple[str, bool]]:
    """Each probe's name, and whether it got through."""
    for probe in (*PROBES, *(APART if target.is_apart else ())):
        yield probe.__name__, _gets_through(lambda probe=probe: probe(target))
    for name in CALLS:
        yield f"call {name}", _gets_through(lambda name=name: _call(target.calls[name], -1, -1, -1, -1, -1))


def _gets_through(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except (OSError, ValueError):  # Python's word for a limit that may not be raised
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


def _held_capabilities() -> int:
    sets = (ctypes.c_uint32 * 6)()
    _LIBC.capget((ctypes.c_uint32 * 2)(0x20080522, 0), sets)
    ambient = sum(1 << bit for bit in range(41) if _LIBC.prctl(_PR_CAP_AMBIENT, _AMBIENT_IS_SET, bit, 0, 0) == 1)
    return sets[0] | sets[1] | sets[2] | (sets[3] | sets[4] | sets[5]) << 32 | ambient


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def _unless(found: object) -> None:
    if not found:
        raise PermissionError


if __name__ == "__main__":
    print(json.dumps(dict(results(Target(**json.loads(sys.argv[1]))))))
