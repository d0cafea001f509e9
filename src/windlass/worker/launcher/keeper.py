"""The watch over a warm process, which takes one job after the other. Called by `supervisor` for a warm request.

The worker sends a job with its three files; it goes on to the warm process together with a Landlock domain that leaves
the job no folder of this sandbox but its own. When the job has ended, everything below the warm process is killed.
Only when nothing is left does the worker hear how the job ended, and may the next one come. What cannot be swept at
once takes the warm process with it.
"""

import json
import os
import select
import signal
import socket
import time

from windlass.worker.launcher import landlock, leftovers, tree
from windlass.worker.launcher.namespaces import PRIVATE
from windlass.worker.launcher.request import Control, Request
from windlass.worker.launcher.supervisor import WATCH_SECONDS, MakeMeter, Supervisor, outcome

_FILES_PER_JOB = 3
_SWEEP_SECONDS = 1.0
_REPORT_SECONDS = 2.0
_SEND_SECONDS = 5.0
_MOMENT_SECONDS = 0.001
_NEXT = b"\n"


class WorkerLine(Control):
    """The line to the worker, on which a job comes with files."""

    def __init__(self, control: Control):
        super().__init__(control.socket)
        self.files: list[int] = []

    def _read(self) -> bytes:
        try:
            chunk, files, _, _ = socket.recv_fds(self.socket, 65536, _FILES_PER_JOB, socket.MSG_CMSG_CLOEXEC)
        except ConnectionResetError:
            return b""
        self.files += files
        return chunk


class Keeper(Supervisor):
    """The watch over one warm process and the job that it runs now, if any."""

    def __init__(
        self,
        request: Request,
        pid: int,
        control: Control,
        lifeline: int,
        make_meter: MakeMeter,
        channel: socket.socket,
    ):
        self._line = WorkerLine(control)
        super().__init__(request, pid, self._line, lifeline, make_meter)
        self._make_meter = make_meter
        self._warm_pid = tree.children(self._own_pid)[0]
        self._private = {folder: set(os.listdir(folder)) for folder in PRIVATE} if self._is_first else {}
        self._channel = channel
        self._channel.settimeout(_SEND_SECONDS)
        self._warm = Control(channel)
        self._is_resident = request.warm == "resident"
        self._rules = landlock.outer_rules(request.cwd, [*request.readable, *request.writable])
        self._ruleset = self._prepare_ruleset()
        self._own_nature = self._nature()
        self._is_busy = False
        self._job: int | None = None  # the main process of the job
        self._report_by: float | None = None

    def run(self) -> dict[str, object]:
        """Pass on jobs until the worker wants no more or the warm process has ended; the last answer for the worker."""
        poller = select.poll()
        for file in (self._control.fileno(), self._lifeline, os.pidfd_open(self._pid), self._channel.fileno()):
            poller.register(file, select.POLLIN)
        while not (self._doomed or self._main_has_ended()):
            for file, _ in poller.poll(self._patience_ms() if self._is_busy else None):
                self._hear(file)
            if self._is_busy:
                self._check_clock()
        status = self._kill_everything()
        self._remove_leftovers()
        return self._last_answer(status)

    def _last_answer(self, status: int) -> dict[str, object]:
        if not self._is_busy or (self._job is None and self._killed_by is None):
            # Also where no job is known: one may be on its way.
            return {"layer": "warm process", "errno": 0, "message": "it ended before it took a job"}
        # How a warm process ended says nothing of the job in its fork.
        reason = self._killed_by or (None if self._is_resident else "launcher lost")
        return self._report(status) | {"killed_by": reason, "is_clean": False}

    def _hear(self, file: int) -> None:
        if file == self._channel.fileno():
            self._listen()
        elif file == self._lifeline:
            self._doom("launcher lost")
        else:
            super()._hear(file)

    def _obey(self, command: bytes | None) -> None:
        fields = {} if command is None else json.loads(command)
        if "job" in fields:
            self._begin(fields["job"])
        elif "grace" not in fields:
            self._doom("request")
        elif self._is_busy:
            super()._obey(command)

    def _begin(self, job: dict[str, object]) -> None:
        self._is_busy, self._killed_by, self._kill_at, self._report_by = True, None, None, None
        self._watch_at = time.monotonic() + WATCH_SECONDS
        files, self._line.files = self._line.files, []
        try:
            folder = os.path.realpath(str(job["cwd"]))
            self._meter = self._make_meter(folder=folder)
            if self._main_has_ended():  # its last fork could still take the job
                raise ChildProcessError
            ruleset, self._ruleset = self._ruleset, None
            if ruleset is not None:
                files.append(ruleset)
                landlock.allow_folder(ruleset, folder)
            self._pass_on(json.dumps(job).encode() + b"\n", files)
        except OSError:
            self._doomed = True
        finally:
            for file in files:
                os.close(file)

    def _prepare_ruleset(self) -> int | None:
        """The rules of the next job, so far as they are known before it comes."""
        if self._is_resident or self._rules is None:
            return None
        return landlock.inner_ruleset(self._rules)

    def _pass_on(self, line: bytes, files: list[int]) -> None:
        sent = socket.send_fds(self._channel, [line], files, socket.MSG_NOSIGNAL)
        self._channel.sendall(line[sent:], socket.MSG_NOSIGNAL)

    def _listen(self) -> None:
        while True:
            line = self._warm.receive()
            if line is None:
                self._doomed = True
                return None
            self._heed(json.loads(line))
            if not self._warm.has_line:
                return None

    def _heed(self, said: dict[str, object]) -> None:
        if "status" in said:
            self._finish(said)
        elif "took" in said:
            self._job = int(str(said["took"]))
            if self._kill_at is not None:  # the worker asked before this was heard
                self._ask_to_end()
        else:
            self._control.send({"ready": said})

    def _finish(self, said: dict[str, object]) -> None:
        """A fork has ended: sweep, tell the worker if it was a job, and have the next one forked."""
        if self._job is None and self._killed_by:
            return self._doom("request")  # the job waits for a fork still: none must come
        if self._killed_by is None and self._meter.was_killed_for_memory():
            self._killed_by = "memory"
        is_clean = self._sweep() and self._nature() == self._own_nature
        if self._job is not None:
            self._is_busy, self._job = False, None
            self._control.send(self._answer(said) | {"is_clean": is_clean})
        if is_clean:
            self._pass_on(_NEXT, [])
            self._ruleset = self._ruleset or self._prepare_ruleset()
        else:
            self._doom("request")
        return None

    def _answer(self, said: dict[str, object]) -> dict[str, object]:
        usage = {name: said[name] for name in ("max_rss_bytes", "user_ms", "sys_ms", "learned")}
        usage["max_rss_bytes"] = max(self._meter.peak_bytes, int(str(usage["max_rss_bytes"])))
        return outcome(int(str(said["status"])), self._killed_by) | usage

    def _sweep(self) -> bool:
        """Kill what the job left; whether nothing remains of it."""
        until = time.monotonic() + _SWEEP_SECONDS
        while self._strays():
            if time.monotonic() > until:
                return False
            self._kill_strays()
            time.sleep(_MOMENT_SECONDS)
            self._main_has_ended()  # collects those that ended
        self._remove_leftovers()
        return True

    def _nature(self) -> tuple[object, ...]:
        """What a process of the same user may change about the warm one, and so for all jobs to come."""
        pid = self._pid
        return os.getpriority(os.PRIO_PROCESS, pid), os.sched_getaffinity(pid), os.sched_getscheduler(pid)

    def _strays(self) -> set[int]:
        return {*tree.children(self._warm_pid), *tree.children(self._own_pid)} - {self._warm_pid}

    def _kill_strays(self) -> None:
        tree.kill(self._warm_pid)
        for stray in set(tree.children(self._own_pid)) - {self._warm_pid}:
            tree.kill(stray)
            tree.kill_one(stray)

    def _processes(self) -> set[int]:
        return tree.descendants(self._own_pid) - (set() if self._is_resident else {self._warm_pid})

    def _ask_to_end(self) -> None:
        self._signal(signal.SIGTERM)

    def _kill(self, reason: str) -> None:
        """End the job; the warm process tells of it soon, or goes as well."""
        self._killed_by = self._killed_by or reason
        if self._is_resident:
            return self._doom(reason)
        self._signal(signal.SIGKILL)
        self._kill_strays()
        self._kill_at, self._report_by = None, self._report_by or time.monotonic() + _REPORT_SECONDS
        if time.monotonic() > self._report_by:
            self._doom(reason)
        return None

    def _signal(self, number: signal.Signals) -> None:
        try:
            if self._is_resident:
                os.kill(self._pid, number)
            elif self._job is not None:
                os.killpg(self._job, number)
        except ProcessLookupError:
            return

    def _check_clock(self) -> None:
        super()._check_clock()
        if self._report_by is not None and time.monotonic() > self._report_by:
            self._doom("request")

    def _doom(self, reason: str) -> None:
        self._killed_by = self._killed_by or reason
        self._doomed = True

    def _remove_leftovers(self) -> None:
        super()._remove_leftovers()
        for folder, known in self._private.items():
            leftovers.remove_all(folder, known)
