"""Faults on demand at the borders of transactions, for the tests of reliability; nothing happens unless `FAIL` is set.

A border has a name: the function that opened the transaction, the door of `db/pool.py` that it took, and the stage.
`FAIL=worker.source.SqlSource._exchange.statement.after_commit:1:kill` kills the process when it passes there for the
first time: the claim is committed, and nobody has learned of it. `db/pool.py` calls `reach`, `commands` calls `arm`.
`tests/support/borders.py` lists every border there is.
"""

import asyncio
import os
import signal
import sys
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from windlass.errors import Misconfigured
from windlass.telemetry import get_logger

log = get_logger("failpoint")
PACKAGE = "windlass."
DOOR = "windlass.db.pool"
ACTIONS = ("kill", "sleep", "raise", "drop")


class InjectedFault(RuntimeError):
    """What the action `raise` raises: a fault of ours that nobody expects."""


@dataclass(kw_only=True)
class Failpoint:
    """One fault: `action` at the pass number `passes` of a border whose name matches `pattern` (`*` is a wildcard)."""

    pattern: str
    passes: int
    action: str
    seconds: float = 0.0

    @property
    def has_fired(self) -> bool:
        """Whether the fault has happened; it happens once."""
        return self.passes <= 0

    def is_due(self, name: str) -> bool:
        """Count a pass, and say whether it is the one."""
        if self.has_fired or not fnmatchcase(name, self.pattern):
            return False
        self.passes -= 1
        return self.has_fired


armed: list[Failpoint] = []


def arm(text: str | None) -> None:
    """Take up the faults of `name:pass:action[:seconds]`, comma-separated. Raises Misconfigured for anything else."""
    armed[:] = [_parse(item.strip()) for item in (text or "").split(",") if item.strip()]
    for failpoint in armed:
        log.warning("a fault will be injected", border=failpoint.pattern, action=failpoint.action)


def _parse(item: str) -> Failpoint:
    match item.split(":"):
        case [pattern, passes, "sleep", seconds] if passes.isdecimal() and seconds.replace(".", "", 1).isdecimal():
            return Failpoint(pattern=pattern, passes=int(passes), action="sleep", seconds=float(seconds))
        case [pattern, passes, action] if passes.isdecimal() and action in ACTIONS and action != "sleep":
            return Failpoint(pattern=pattern, passes=int(passes), action=action)
    raise Misconfigured(f"FAIL: {item!r} is not name:pass:kill, :raise, :drop or :sleep:<seconds>")


async def reach(stage: str, connection: Any) -> None:
    """Pass a border of the transaction that `connection` is in; call it only while something is armed.

    `kill` ends the process. `drop` breaks the connection, so that a commit before it is real and its answer lost.
    """
    name = f"{_opener()}.{stage}"
    for failpoint in armed:
        if failpoint.is_due(name):
            log.warning("a fault is injected", border=name, action=failpoint.action)
            await _act(failpoint, connection)


async def _act(failpoint: Failpoint, connection: Any) -> None:
    match failpoint.action:
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "sleep":
            await asyncio.sleep(failpoint.seconds)
        case "drop":
            connection.terminate()
            raise ConnectionResetError("the connection was dropped on demand")
        case _:
            raise InjectedFault(failpoint.pattern)


def _opener() -> str:
    """The function that has opened the transaction: the first frame of ours outside the pool."""
    frame = sys._getframe(2)
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.startswith(PACKAGE) and module != DOOR:
            return f"{module.removeprefix(PACKAGE)}.{frame.f_code.co_qualname}"
        frame = frame.f_back
    return "elsewhere"
