"""The namespaces of a job and its own view of the files. Called by `server` and `supervisor`.

In the tiers A a supervisor is the first process of namespaces of its own, and the files of the machine are out of its
reach but for what it shares with its job. What does not depend on the job is done before there is one.
"""

import os
import stat
from collections.abc import Iterable
from contextlib import suppress

from windlass.tiers import NAMESPACED, NO_PROC
from windlass.worker.launcher import kernel, landlock, tree

_OWN = kernel.CLONE_NEWNS | kernel.CLONE_NEWPID | kernel.CLONE_NEWIPC | kernel.CLONE_NEWUTS
# Any folder will do to put the new root up at: once it is the root, nothing is hidden by it any more.
_STAGE = "/usr"
_OLD = "/.old"
_READ_ONLY = kernel.MOUNT_ATTR_RDONLY | kernel.MOUNT_ATTR_NOSUID
_HARMLESS = kernel.MS_NOSUID | kernel.MS_NODEV
_LINKS = {"/dev/fd": "/proc/self/fd", "/dev/stdin": "fd/0", "/dev/stdout": "fd/1", "/dev/stderr": "fd/2"}
PRIVATE = ("/tmp", "/dev/shm")
_PRIVATE_BYTES = 1 << 30


def enter_user_namespace() -> None:
    """Give this process, the server, a user namespace in which it may make others. Raises OSError."""
    uid, gid = os.geteuid(), os.getegid()
    maps = _own_maps() if {kernel.CAP_SETUID, kernel.CAP_SETGID} <= kernel.effective_capabilities() else None
    if maps is None:
        kernel.unshare(kernel.CLONE_NEWUSER)
        _write("self/setgroups", "deny")
        _write("self/uid_map", f"{uid} {uid} 1")
        _write("self/gid_map", f"{gid} {gid} 1")
    else:
        _enter_with_maps(*maps)


def fork(tier: str) -> int:
    """Fork a supervisor, in namespaces of its own where the tier has them. Raises OSError."""
    return kernel.fork_into(_OWN) if tier in NAMESPACED else os.fork()


def prepare(tier: str) -> None:
    """Replace this supervisor's files by what every job may see, and keep the old ones at hand. Raises OSError."""
    if tier not in NAMESPACED:
        return
    kernel.mount(None, "/", kernel.MS_REC | kernel.MS_PRIVATE)
    kernel.mount("tmpfs", _STAGE, _HARMLESS, "mode=755,size=1m")
    os.mkdir(_STAGE + _OLD, 0o700)
    kernel.pivot_root(_STAGE, _STAGE + _OLD)
    os.chdir("/")
    _share_system(with_proc=tier not in NO_PROC)
    for folder in PRIVATE:
        os.makedirs(folder, exist_ok=True)
        kernel.mount("tmpfs", folder, _HARMLESS, f"mode=1777,size={_PRIVATE_BYTES}")


def complete(tier: str, *, readable: Iterable[str], writable: Iterable[str]) -> None:
    """Add the files of the job, and let go of the machine's. Raises OSError."""
    if tier not in NAMESPACED:
        return
    rights = dict.fromkeys(map(os.path.abspath, readable), _READ_ONLY | kernel.MOUNT_ATTR_NODEV)
    rights |= dict.fromkeys(map(os.path.abspath, writable), kernel.MOUNT_ATTR_NOSUID | kernel.MOUNT_ATTR_NODEV)
    old = os.open(_OLD, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    # What lies in another folder of the list comes after it, and so on top.
    for path in sorted(rights):
        _share(old, path, rights[path])
    os.close(old)
    kernel.detach(_OLD)
    os.rmdir(_OLD)
    kernel.mount(None, "/", kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_RDONLY | _HARMLESS)


def private(tier: str) -> tuple[str, ...]:
    """The file systems that a job of this tier has for itself alone."""
    return PRIVATE if tier in NAMESPACED else ()


def old_place(path: str) -> str:
    """Where a supervisor that is prepared, but has not completed, sees `path` of the machine."""
    return _OLD + os.path.abspath(path)


def cut_network() -> None:
    """Leave the machine's network for one without any device that is up. Raises OSError."""
    kernel.unshare(kernel.CLONE_NEWNET)


def _own_maps() -> tuple[str, str]:
    return _identical(tree.read("self/uid_map").decode()), _identical(tree.read("self/gid_map").decode())


def _identical(known: str) -> str:
    """Every number that this process knows, mapped to itself."""
    rows = [line.split() for line in known.splitlines()]
    return "\n".join(f"{inside} {inside} {count}" for inside, _, count in rows)


def _enter_with_maps(uids: str, gids: str) -> None:
    """Only who stays behind has the right to map more than one user."""
    ready, entered = os.pipe()
    server = tree.own_pid()
    writer = os.fork()
    if writer == 0:
        os.close(entered)
        status = 1
        try:
            os.read(ready, 1)
            _write(f"{server}/uid_map", uids)
            _write(f"{server}/gid_map", gids)
            status = 0
        finally:
            os._exit(status)
    os.close(ready)
    try:
        kernel.unshare(kernel.CLONE_NEWUSER)
    finally:
        os.close(entered)
        status = os.waitpid(writer, 0)[1]
    if status != 0:
        raise PermissionError("the user namespace got no users")


def _write(name: str, text: str) -> None:
    file = os.open(name, os.O_WRONLY | os.O_CLOEXEC, dir_fd=tree.proc())
    try:
        os.write(file, text.encode())
    finally:
        os.close(file)


def _share_system(*, with_proc: bool) -> None:
    os.makedirs("/proc")
    if with_proc:
        kernel.mount("proc", "/proc", _HARMLESS | kernel.MS_NOEXEC | kernel.MS_RDONLY)
    old = os.open(_OLD, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    for path in landlock.ALWAYS_READABLE:
        if path != "/proc":
            _share(old, path, _READ_ONLY)
    for path in landlock.ALWAYS_WRITABLE:
        if path not in PRIVATE:
            _share(old, path, kernel.MOUNT_ATTR_NOSUID)
    os.close(old)
    os.makedirs("/dev", exist_ok=True)
    for name, target in _LINKS.items():
        os.symlink(target, name)


def _share(old: int, path: str, attributes: int) -> None:
    """Show `path` of the old root at the same place; what is not there is for the layer to tell that needs it."""
    if "/" not in path[1:] and _copy_link(path):
        return
    try:
        source = kernel.open_within(old, path)
    except FileNotFoundError:
        return
    try:
        found = os.fstat(source)
        if attributes & kernel.MOUNT_ATTR_RDONLY and _is_same(path, found):
            return
        _make_place(path, stat.S_ISDIR(found.st_mode))
        copy = kernel.copy_mount(source, attributes)
    finally:
        os.close(source)
    try:
        kernel.place_mount(copy, path)
    finally:
        os.close(copy)


def _copy_link(path: str) -> bool:
    """Whether `path` is a link such as /bin, which is made anew."""
    try:
        os.symlink(os.readlink(_OLD + path), path)
    except OSError:
        return False
    return True


def _is_same(path: str, found: os.stat_result) -> bool:
    try:
        there = os.stat(path)
    except OSError:
        return False
    return (there.st_dev, there.st_ino) == (found.st_dev, found.st_ino)


def _make_place(path: str, is_folder: bool) -> None:
    if os.path.exists(path):
        return
    os.makedirs(path if is_folder else os.path.dirname(path), exist_ok=True)
    if not is_folder:
        with suppress(FileExistsError):
            os.mknod(path)
