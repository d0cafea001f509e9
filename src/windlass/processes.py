"""How a child process is tied to its parent. Called by the embedded PostgreSQL and by the supervisor."""

import ctypes
import os
import signal
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(death_signal: signal.Signals) -> Callable[[], None]:
    """A `preexec_fn` that has the kernel send `death_signal` when the parent is gone, even by SIGKILL.

    The kernel watches the *thread* that starts the child: start it from the main thread.
    It runs after the change of user, which would clear the request.
    """
    parent = os.getpid()

    def ask_the_kernel() -> None:
        if _libc.prctl(_PR_SET_PDEATHSIG, int(death_signal)) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
        if os.getppid() != parent:  # the parent died before the request was made
            os._exit(1)

    return ask_the_kernel


def deny_tracing() -> None:
    """Keep other processes of the same user from reading this one's memory and environment."""
    if _libc.prctl(_PR_SET_DUMPABLE, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_DUMPABLE)")
