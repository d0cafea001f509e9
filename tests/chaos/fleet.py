"""Children that may die: started, watched, killed and replaced. Blocking; the children are forks of `chaos.nursery`."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.processes import START_SECONDS, wait_until

TESTS = Path(__file__).parents[1]


@dataclass(frozen=True, kw_only=True)
class Child:
    """A started child and what starts another like it."""

    pid: int
    request: Mapping[str, Any]


@dataclass(kw_only=True)
class Fleet:
    """The children of one nursery. `ended` holds exit codes by pid; a negative one is a signal."""

    nursery: subprocess.Popen[str]
    started: "queue.Queue[int]" = field(default_factory=queue.Queue)
    ended: dict[int, int] = field(default_factory=dict)

    def start(self, run: str, environment: Mapping[str, str], **arguments: Any) -> Child:
        """Run the coroutine function `module:name` in a child of its own."""
        return self._start({"run": run, "environment": dict(environment), "arguments": arguments})

    def again(self, child: Child) -> Child:
        """Another child like this one."""
        return self._start(child.request)

    def tend(self, children: list[Child]) -> list[Child]:
        """The same children, with a new one for each that has ended, as a service manager does it."""
        return [self.again(child) if child.pid in self.ended else child for child in children]

    def signal(self, child: Child, number: signal.Signals) -> None:
        """Send a signal; one that has ended meanwhile does not mind."""
        with suppress(ProcessLookupError):
            os.kill(child.pid, number)

    def wait(self, child: Child, seconds: float = START_SECONDS) -> int:
        """The exit code of a child that is about to end."""
        wait_until(lambda: child.pid in self.ended, seconds, f"the end of {child.request['run']}")
        return self.ended[child.pid]

    def kill(self, *children: Child) -> None:
        """SIGKILL, and wait for it."""
        for child in children:
            self.signal(child, signal.SIGKILL)
        for child in children:
            self.wait(child)

    def stop(self, *children: Child) -> list[int]:
        """SIGTERM, and the exit codes."""
        for child in children:
            self.signal(child, signal.SIGTERM)
        return [self.wait(child) for child in children]

    def _start(self, request: Mapping[str, Any]) -> Child:
        assert self.nursery.stdin is not None
        self.nursery.stdin.write(json.dumps(request) + "\n")
        self.nursery.stdin.flush()
        return Child(pid=self.started.get(timeout=START_SECONDS), request=request)

    def listen(self) -> None:
        """Take news until the nursery ends; runs in a thread."""
        assert self.nursery.stdout is not None
        for line in self.nursery.stdout:
            match json.loads(line):
                case {"started": pid}:
                    self.started.put(pid)
                case {"ended": pid, "code": code}:
                    self.ended[pid] = code


@contextmanager
def running_fleet(home: Path, *, log: Path) -> Iterator[Fleet]:
    """A nursery of this home; what its children write to their streams goes to `log`."""
    with log.open("a") as errors:
        nursery = subprocess.Popen(
            [sys.executable, "-m", "chaos.nursery"], cwd=TESTS, env=os.environ | {"WINDLASS_HOME": str(home)},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True,
        )  # fmt: skip
    fleet = Fleet(nursery=nursery)
    thread = threading.Thread(target=fleet.listen, daemon=True)
    thread.start()
    try:
        yield fleet
    finally:
        assert nursery.stdin is not None
        nursery.stdin.close()
        nursery.wait(timeout=START_SECONDS)
        thread.join()
