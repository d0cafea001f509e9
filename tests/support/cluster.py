"""A PostgreSQL of its own for a test that stops it: same data, same address after each start."""

import asyncio
import signal
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from support.postgres import Urls
from windlass.db import embedded

R = TypeVar("R")


class Cluster:
    """Drives the server from blocking test code. `urls` are its three logins."""

    def __init__(self, home: Path, runner: asyncio.Runner) -> None:
        self._home = home
        self._runner = runner
        self.start()

    @property
    def urls(self) -> Urls:
        """The same before and after a restart."""
        return Urls(owner=self._server.owner_url, api=self._server.api_url, system=self._server.system_url)

    def start(self) -> None:
        """Start it and return when it answers."""
        self._server = self.run(embedded.start(self._home))

    def stop(self) -> None:
        """End every session politely; harmless when it is down."""
        self.run(self._server.stop())

    def crash(self) -> None:
        """End at once without writing anything back; the next start recovers."""
        self._server.process.send_signal(signal.SIGQUIT)
        self._server.process.wait()
        self.stop()

    def run(self, operation: Coroutine[Any, Any, R]) -> R:
        """The outcome of an asynchronous operation, such as a query."""
        return self._runner.run(operation)


@contextmanager
def running_cluster(home: Path) -> Iterator[Cluster]:
    """A new cluster below `home`, stopped at the end."""
    # A factory, so that the runner leaves the test run's own event loop alone.
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        cluster = Cluster(home, runner)
        try:
            yield cluster
        finally:
            cluster.stop()
