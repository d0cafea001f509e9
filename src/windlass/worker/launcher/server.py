"""The fork server: forks a supervisor for each launch, and nothing else.

`client` starts one per worker, without site-packages, so that it stays small and a fork stays cheap; the
worker itself, large and threaded, never forks. A launch is one packet with four files: the worker's line to
the new supervisor, then the job's stdin, stdout and stderr. The request itself goes to the supervisor over
that line, so nothing a request holds can hurt the server.

One supervisor is always forked ahead of its launch: a fork takes about as long as everything else in here.
"""

import gc
import os
import select
import signal
import socket

from windlass import tiers
from windlass.worker.launcher import kernel, namespaces, tree
from windlass.worker.launcher.cgroups import Group, Pool
from windlass.worker.launcher.keeper import Keeper
from windlass.worker.launcher.request import Control, Refused
from windlass.worker.launcher.supervisor import prepare, supervise

_FILES_PER_LAUNCH = 4


def main(channel: int, tier: str) -> None:
    """Serve the worker on the inherited socket `channel` until it closes; then end every job.

    `tier` is the one that jobs are to have.
    """
    tree.proc()
    if tier in tiers.USER_NAMESPACED:
        namespaces.enter_user_namespace()
    _set_what_jobs_inherit()
    kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
    gc.disable()
    gc.collect()
    gc.freeze()
    Server(socket.socket(fileno=channel), tier).serve()


def _set_what_jobs_inherit() -> None:
    """Set up, once and not in each fork, what a job must find at exec."""
    kernel.empty_bounding_set()
    os.umask(0o022)
    # What is ignored or blocked stays so across exec: Python ignores two, and who started the worker may have more.
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    kernel.restore_hidden_signals()
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)
    # A service manager signals the whole group, but the worker decides what ends and when. An empty handler,
    # unlike SIG_IGN, is gone after exec.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)


class Server:
    """Forks supervisors and looks after what a lost one leaves behind."""

    def __init__(self, channel: socket.socket, tier: str):
        self._channel = channel
        self._tier = tier
        # Each with its control group, where there are any.
        self._supervisors: dict[int, Group | None] = {}
        self._groups = Pool.find()
        self._spare: socket.socket | None = None
        # Supervisors hold the reading end: it closes when this process ends, however it ends.
        self._lifeline, self._lifeline_end = os.pipe()
        self._wake, self._wake_end = os.pipe()

    def serve(self) -> None:
        """Fork on request until the worker goes, then wait until every supervisor has cleaned up."""
        self._notice_ended_children()
        self._fork_spare()
        poller = select.poll()
        poller.register(self._channel, select.POLLIN)
        poller.register(self._wake, select.POLLIN)
        while True:
            ready = [file for file, _ in poller.poll()]
            if self._wake in ready:
                os.read(self._wake, 4096)
                self._reap()
            if self._channel.fileno() in ready and not self._accept():
                break
        os.close(self._lifeline_end)
        self._give_spare([])
        self._wait_for_supervisors()
        self._groups.close()

    def _notice_ended_children(self) -> None:
        os.set_blocking(self._wake_end, False)
        signal.set_wakeup_fd(self._wake_end, warn_on_full_buffer=False)

    def _accept(self) -> bool:
        """Take one launch; False when the worker has gone."""
        packet, files, _, _ = socket.recv_fds(self._channel, 16, _FILES_PER_LAUNCH, socket.MSG_CMSG_CLOEXEC)
        if packet and len(files) == _FILES_PER_LAUNCH and not self._give_spare(files):
            self._launch_at_once(files)
        for file in files:
            os.close(file)
        if packet and self._spare is None:
            self._fork_spare()
        return bool(packet)

    def _give_spare(self, files: list[int]) -> bool:
        """Hand a launch to the supervisor that waits, or with no files send it away; False when there is none."""
        spare, self._spare = self._spare, None
        if spare is None:
            return False
        with spare:
            try:
                socket.send_fds(spare, [b"launch"], files)
            except OSError:
                return False  # it was killed meanwhile
        return True

    def _launch_at_once(self, files: list[int]) -> None:
        try:
            self._fork_spare(must=True)
        except OSError as error:
            _refuse(files[0], error)
        else:
            self._give_spare(files)

    def _fork_spare(self, *, must: bool = False) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        group = self._groups.take()
        try:
            pid = namespaces.fork(self._tier)
        except OSError:
            ours.close()
            theirs.close()
            if must:
                raise
            return
        if pid == 0:
            ours.close()
            self._become_supervisor(theirs, group)
        theirs.close()
        self._supervisors[pid] = group
        self._spare = ours

    def _become_supervisor(self, orders: socket.socket, group: Group | None) -> None:
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            self._channel.close()
            for file in (self._lifeline_end, self._wake, self._wake_end):
                os.close(file)
            refusal = prepare(self._tier, group)
            _, files, _, _ = socket.recv_fds(orders, 16, _FILES_PER_LAUNCH, socket.MSG_CMSG_CLOEXEC)
            orders.close()
            if len(files) == _FILES_PER_LAUNCH:
                supervise(socket.socket(fileno=files[0]), self._lifeline, files[1:], self._tier, group, refusal, Keeper)
            status = 0
        finally:
            os._exit(status)

    def _reap(self) -> None:
        while pid := _ended_child():
            group = self._supervisors.pop(pid, None)
            if group is not None:
                self._groups.give_back(group)
        # What is left was handed up by a supervisor that was killed before its job.
        for stray in set(tree.children(os.getpid())) - self._supervisors.keys():
            tree.kill(stray)
            tree.kill_one(stray)

    def _wait_for_supervisors(self) -> None:
        while tree.children(os.getpid()):
            os.waitpid(-1, 0)
            self._reap()


def _ended_child() -> int:
    """The pid of a child that has ended, now collected; 0 when there is none."""
    try:
        return os.waitpid(-1, os.WNOHANG)[0]
    except ChildProcessError:
        return 0


def _refuse(line: int, error: OSError) -> None:
    with socket.socket(fileno=os.dup(line)) as answering:
        Control(answering).send(Refused.by("fork", error).answer)
