"""Turn a freshly forked process into the job: each layer of the sandbox in turn, then exec.

Called by `supervisor` in the child. The order matters: what needs rights comes before they are given up, and
seccomp, which could forbid a layer its own calls, comes last.
"""

import os
import resource
import signal
import stat
from collections.abc import Callable
from typing import Any

from windlass import tiers
from windlass.worker.launcher import kernel, landlock, namespaces, seccomp, tree
from windlass.worker.launcher.request import Refused, Request

_HIGHEST_FILE = 1 << 20


def become(request: Request, *, supervisor: int, stdio: list[int], report: int, tier: str) -> None:
    """Put every layer in place and exec the job. `report` stays open until then. Raises Refused."""
    _layer("session", _open_session)
    if tier in tiers.NAMESPACED and not request.internet:
        _layer("network", namespaces.cut_network)
    _layer("files", _take_files, stdio, report, request.uid)
    _layer("limits", _set_limits, request)
    _layer("identity", _give_up_rights, request)
    _layer("parent", _die_with, supervisor)
    _layer("folder", os.chdir, request.cwd)
    _layer("landlock", _close_files, request, tier)
    _layer("seccomp", _close_calls, request)
    _layer("exec", os.execvpe, request.argv[0], request.argv, request.env)


def _layer(name: str, apply: Callable[..., Any], *arguments: Any) -> None:
    try:
        apply(*arguments)
    except OSError as error:
        raise Refused.by(name, error) from error
    except (ValueError, TypeError) as error:
        raise Refused(name, 0, str(error)) from error


def _open_session() -> None:
    os.setsid()
    # The kernel, short of memory, takes the job and not the worker.
    file = os.open("self/oom_score_adj", os.O_WRONLY, dir_fd=tree.proc())
    os.write(file, b"1000")
    os.close(file)


def _take_files(stdio: list[int], report: int, uid: int | None) -> None:
    for target, source in enumerate(stdio):
        os.dup2(source, target)
        # Else `echo > /dev/stderr`, which opens the pipe anew, fails for a job with its own uid.
        if uid is not None and stat.S_ISFIFO(os.fstat(target).st_mode):
            os.fchown(target, uid, -1)
    os.closerange(len(stdio), report)
    os.closerange(report + 1, _HIGHEST_FILE)


def _set_limits(request: Request) -> None:
    limits, processes = request.limits, request.processes_beside_warm
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NOFILE, limits.open_files)
    _limit(resource.RLIMIT_FSIZE, limits.file_size_bytes)
    _limit(resource.RLIMIT_CPU, limits.cpu_seconds, grace=1)
    # The kernel counts processes by uid: on a shared one this would count strangers. It allows one more than the
    # limit, which the supervisor then sees, ends the job, and says why.
    _limit(resource.RLIMIT_NPROC, processes + 1 if request.uid_is_own and processes is not None else None)


def _limit(kind: int, value: int | None, *, grace: int = 0) -> None:
    if value is None:
        return
    highest = resource.getrlimit(kind)[1]
    hard = value + grace if highest == resource.RLIM_INFINITY else min(value + grace, highest)
    resource.setrlimit(kind, (min(value, hard), hard))


def _give_up_rights(request: Request) -> None:
    if request.uid is not None and request.gid is not None:
        if request.reads_all:
            kernel.outlive_change_of_user()
        os.setgroups([])
        os.setresgid(request.gid, request.gid, request.gid)
        os.setresuid(request.uid, request.uid, request.uid)
    if request.reads_all:
        kernel.keep_reading()
    else:
        kernel.clear_capabilities()
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)


def _die_with(supervisor: int) -> None:
    # After the change of uid, which resets it.
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != supervisor:
        raise ProcessLookupError("the supervisor has gone")


def _close_files(request: Request, tier: str) -> None:
    if request.accept_unsandboxed and landlock.abi() == 0:
        return
    is_apart = tier in tiers.NAMESPACED
    landlock.restrict(
        readable=request.readable,
        writable=[request.cwd, *request.writable, *namespaces.private(tier)],
        tcp=request.internet and (request.proxy is None or is_apart),
        port=None if request.proxy is None or is_apart else request.proxy_port,
    )


def _close_calls(request: Request) -> None:
    seccomp.restrict(internet=request.internet, only_tcp=request.proxy is not None)
