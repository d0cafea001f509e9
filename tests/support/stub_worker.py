"""A real worker on a real queue, whose jobs are functions of the test instead of processes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from support.api import open_database, settings_for
from support.postgres import Urls
from windlass.commands.worker import make_heart
from windlass.db.listen import Listener
from windlass.jobs.model import ClaimedJob, Completion, Status
from windlass.jobs.workers import WorkerInfo
from windlass.worker.execute import Control, Verdict
from windlass.worker.loop import CHANNELS, Worker
from windlass.worker.source import SqlSource

Run = Callable[[ClaimedJob, Control], Awaitable[bytes]]


@dataclass(kw_only=True)
class StubExecutor:
    """Runs jobs as `run` says; `run` returns the raw result. `cleaned` counts jobs whose outcome is home."""

    run: Run
    cleaned: int = 0
    tasks: set[asyncio.Task[bytes]] = field(default_factory=set)

    async def execute(self, job: ClaimedJob, _slot: int, control: Control) -> Verdict:
        """One attempt; a killed one ends without a result."""
        task = asyncio.ensure_future(self.run(job, control))
        control.kill = control.stop = task.cancel
        result = b"null"
        with suppress(asyncio.CancelledError):
            result = await task
        return Verdict(completion=Completion(job_id=job.id, epoch=job.epoch, status=Status.SUCCESS, result=result))

    async def clean_up(self, _job: ClaimedJob) -> None:
        """Nothing is left, but the count."""
        self.cleaned += 1

    async def close(self) -> None:
        """Nothing was kept ready."""


async def at_once(_job: ClaimedJob, _control: Control) -> bytes:
    """A job that does nothing."""
    return b"1"


@asynccontextmanager
async def running_stub_worker(
    urls: Urls, run: Run = at_once, *, name: str = "stub", tags: tuple[str, ...] = ("a",), **overrides: object
) -> AsyncIterator[StubExecutor]:
    """A worker that takes these tags, drained at the end; `overrides` are settings."""
    settings = settings_for(urls, **overrides)
    database = open_database(urls)
    await database.open()
    info = WorkerInfo(
        name=name, instance="test", group="test", tags=tags, slots=settings.worker_slots, tier="0", policy="stub"
    )
    source = SqlSource(database, info, max_attempts=settings.max_attempts, is_batching=settings.settle_batch)
    executor = StubExecutor(run=run)
    worker = Worker(
        settings=settings, source=source, executor=executor, listener=Listener(database, CHANNELS),  # pyright: ignore
        heart=make_heart(settings, database, lambda: None),
    )  # fmt: skip
    running = asyncio.create_task(worker.run())
    try:
        yield executor
    finally:
        worker.stop()
        await running
        await database.close()
