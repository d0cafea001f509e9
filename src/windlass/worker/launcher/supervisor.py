"""One process per job: starts it, watches its limits, kills all it left behind and reports how it ended.

`server` forks it. It is the subreaper of the job, so a daemon that forks away lands here and not at init, and
it answers only to its line to the worker: when that breaks, or the server goes, the job dies.
"""

import json
import os
import resource
import select
import signal
import socket
import time
from collections.abc import Callable
from functools import partial
from typing import NoReturn

from windlass import tiers
from windlass.worker.launcher import confine, kernel, leftovers, namespaces, relay, tree
from windlass.worker.launcher.cgroups import Group
from windlass.worker.launcher.meter import Meter
from windlass.worker.launcher.request import Control, Refused, Request

SHARED_MEMORY = "/dev/shm"
WATCH_SECONDS = 0.2
_NO_START = 126


def prepare(tier: str, group: Group | None) -> Refused | None:
    """Do what does not depend on the job, ahead of it; what to answer to any job where that fails."""
    os.setsid()
    kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
    try:
        if group is not None:
            group.join()
        namespaces.prepare(tier)
    except OSError as error:
        return Refused.by("namespaces", error)
    return None


def supervise(
    line: socket.socket,
    lifeline: int,
    stdio: list[int],
    tier: str,
    group: Group | None,
    refusal: Refused | None,
    keep: "Keep",
) -> None:
    """Run the one job that the worker asks for on `line`; returns when nothing of it is left.

    `refusal` is what `prepare` gave. `keep` makes what looks after a warm process.
    """
    control = Control(line)
    asked = control.receive()
    if asked is None:
        return
    try:
        request = Request.decode(asked)
        _show_files(tier, request, refusal)
        if group is not None:
            group.limit(memory_bytes=request.limits.memory_bytes, processes=request.processes_beside_warm)
        channel, theirs = _channel(request)
        pid = _start(request, [*stdio, *theirs], tier)
    except Refused as refusal:
        control.send(refusal.answer)
    except (ValueError, TypeError, KeyError) as error:
        control.send({"layer": "request", "errno": 0, "message": f"unreadable request: {error}"})
    else:
        control.send({"pid": tree.children(tree.own_pid())[-1]})
        meter = partial(Meter, request.limits, private=namespaces.private(tier), group=group)
        keeper = keep(request, pid, control, lifeline, meter, channel) if channel else None
        control.send((keeper or Supervisor(request, pid, control, lifeline, meter)).run())


def _channel(request: Request) -> tuple[socket.socket | None, list[int]]:
    """Both ends of what a warm process takes its jobs from, the second as a file; nothing for any other."""
    if request.warm is None:
        return None, []
    ours, theirs = socket.socketpair()
    return ours, [theirs.detach()]


def _show_files(tier: str, request: Request, refusal: Refused | None) -> None:
    if refusal is not None:
        raise refusal
    try:
        extra = ("/proc",) if request.needs_proc and tier in tiers.NO_PROC else ()
        if request.proxy is not None and tier in tiers.NAMESPACED:
            relay.start(namespaces.old_place(request.proxy))
        namespaces.complete(tier, readable=(*request.readable, *extra), writable=(request.cwd, *request.writable))
    except OSError as error:
        raise Refused.by("namespaces", error) from error


MakeMeter = Callable[..., Meter]
Keep = Callable[[Request, int, Control, int, MakeMeter, socket.socket], "Supervisor"]


class Supervisor:
    """The watch over one running job."""

    def __init__(self, request: Request, pid: int, control: Control, lifeline: int, meter: MakeMeter):
        self._request = request
        self._pid = pid
        self._control = control
        self._lifeline = lifeline
        # Of its own namespace, and so the end of all in it. Nothing but the number itself may say so: see `_kill_all`.
        self._is_first = os.getpid() == 1
        self._own_pid = tree.own_pid()
        self._doomed = False
        self._killed_by: str | None = None
        self._meter = meter(folder=request.cwd)
        self._kill_at: float | None = None
        self._watch_at = time.monotonic() + WATCH_SECONDS

    def run(self) -> dict[str, object]:
        """Watch until the main process has ended, then end the rest; the answer for the worker."""
        poller = select.poll()
        for file in (self._control.fileno(), self._lifeline, os.pidfd_open(self._pid)):
            poller.register(file, select.POLLIN)
        while not (self._doomed or self._main_has_ended()):
            for file, _ in poller.poll(self._patience_ms()):
                self._hear(file)
            self._check_clock()
        status = self._kill_everything()
        self._remove_leftovers()
        if self._killed_by is None and self._meter.was_killed_for_memory():
            self._killed_by = "memory"
        return self._report(status)

    def _remove_leftovers(self) -> None:
        if not self._is_first and self._request.uid_is_own and self._request.uid is not None:
            leftovers.remove(SHARED_MEMORY, self._request.uid)

    def _patience_ms(self) -> float:
        until = self._watch_at if self._kill_at is None else min(self._watch_at, self._kill_at)
        return max(0.0, (until - time.monotonic()) * 1000)

    def _hear(self, file: int) -> None:
        if file == self._lifeline:
            self._kill("launcher lost")
        elif file == self._control.fileno():
            self._obey(self._control.receive())
            while self._control.has_line:
                self._obey(self._control.receive())

    def _obey(self, command: bytes | None) -> None:
        grace = 0.0 if command is None else float(json.loads(command)["grace"])
        self._killed_by = self._killed_by or "request"
        if grace > 0:
            self._kill_at = time.monotonic() + grace
            self._ask_to_end()
        else:
            self._kill("request")

    def _ask_to_end(self) -> None:
        try:
            os.killpg(self._pid, signal.SIGTERM)
        except ProcessLookupError:
            return

    def _check_clock(self) -> None:
        now = time.monotonic()
        if self._kill_at is not None and now >= self._kill_at:
            self._kill("request")
        elif now >= self._watch_at:
            self._watch_at = now + WATCH_SECONDS
            self._check_limits()

    def _check_limits(self) -> None:
        excess = self._meter.excess(self._processes())
        if excess is not None:
            self._kill(excess)

    def _processes(self) -> set[int]:
        return tree.descendants(self._own_pid)

    def _kill(self, reason: str) -> None:
        self._killed_by = self._killed_by or reason
        self._doomed = True

    def _main_has_ended(self) -> bool:
        """Whether the main process has ended; what else has is collected, but the main one keeps its pid."""
        wanted = os.WEXITED | os.WNOHANG | os.WNOWAIT
        while (ended := os.waitid(os.P_ALL, 0, wanted)) is not None:
            if ended.si_pid == self._pid:
                return True
            os.waitpid(ended.si_pid, 0)
        return False

    def _kill_everything(self) -> int:
        """Kill until none is left below this subreaper, and so none at all. The main one's status."""
        tree.kill_group(self._pid)
        status = os.waitpid(self._pid, 0)[1]
        while _some_are_left():
            self._kill_all()
            os.waitpid(-1, 0)
        return status

    def _kill_all(self) -> None:
        if self._is_first:
            os.kill(-1, signal.SIGKILL)
        else:
            tree.kill(self._own_pid)

    def _report(self, status: int) -> dict[str, object]:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return outcome(status, self._killed_by) | {
            "max_rss_bytes": max(self._meter.peak_bytes, usage.ru_maxrss * 1024),
            "user_ms": round(usage.ru_utime * 1000),
            "sys_ms": round(usage.ru_stime * 1000),
        }


def outcome(status: int, killed_by: str | None) -> dict[str, object]:
    """What a wait status says of a job that ended, for the worker."""
    number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
    return {
        "code": None if number else os.waitstatus_to_exitcode(status),
        "signal": number,
        "killed_by": killed_by or ("cpu" if number == signal.SIGXCPU else None),
    }


def _some_are_left() -> bool:
    """Whether this process has living children; the ended ones are collected."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue
    except ChildProcessError:
        return False
    return True


def _start(request: Request, stdio: list[int], tier: str) -> int:
    """Fork the job; returns its pid once it has passed every layer. Raises Refused."""
    supervisor = os.getpid()
    report, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        _become_or_report(request, supervisor, stdio, write_end, tier)
    for file in (write_end, *stdio):
        os.close(file)
    with os.fdopen(report, "rb") as refusals:
        refusal = refusals.read()
    if refusal:
        os.waitpid(pid, 0)
        raise Refused(**json.loads(refusal))
    return pid


def _become_or_report(request: Request, supervisor: int, stdio: list[int], report: int, tier: str) -> NoReturn:
    refusal = Refused("exec", 0, "the job was not executed")
    try:
        confine.become(request, supervisor=supervisor, stdio=stdio, report=report, tier=tier)
    except Refused as error:
        refusal = error
    except BaseException as error:  # noqa: BLE001 - silence would be read as a job that has started
        refusal = Refused("launcher", 0, repr(error))
    os.write(report, json.dumps(refusal.answer).encode())
    os._exit(_NO_START)
