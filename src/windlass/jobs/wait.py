"""Waiting for a job: subscribe first, read then, and poll slowly besides, so that lost news cost time and nothing
else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from uuid import UUID

from windlass.db.listen import Listener
from windlass.db.pool import Database
from windlass.errors import DatabaseUnavailable
from windlass.jobs.launch import queries
from windlass.jobs.model import Outcome, Status

DONE, PROGRESS, QUEUED, CANCEL = "job_done", "job_progress", "job_queued", "job_cancel"
CHANNELS = (DONE, PROGRESS)
POLL_S = 1.0


async def wait_for(database: Database, listener: Listener, job_id: UUID, *, timeout: float) -> Outcome | None:
    """The outcome of a job that the caller has just launched or was allowed to see; None after `timeout` seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(timeout), listener.subscribe(DONE, str(job_id)) as done:
            while True:
                done.clear()
                with suppress(DatabaseUnavailable):  # the job goes on without it, and so does the wait
                    outcome = await _find(database, job_id)
                    if outcome is not None:
                        return outcome
                with suppress(TimeoutError):
                    await asyncio.wait_for(done.wait(), POLL_S)
    return None


async def changes(listener: Listener, job_id: UUID, *, poll: float = POLL_S) -> AsyncIterator[None]:
    """Yields at once, and then whenever the job may have moved: news of its log, progress or end, or the poll
    interval."""
    async with listener.subscribe(DONE, str(job_id)) as done, listener.subscribe(PROGRESS, str(job_id)) as progress:
        while True:
            done.clear()
            progress.clear()
            yield
            await _first_of(done, progress, poll)


async def _first_of(one: asyncio.Event, other: asyncio.Event, timeout: float) -> None:
    tasks = [asyncio.create_task(one.wait()), asyncio.create_task(other.wait())]
    try:
        await asyncio.wait(tasks, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


async def _find(database: Database, job_id: UUID) -> Outcome | None:
    async with database.system_statement() as tx:
        row = await queries.find_outcome(tx.connection, id=job_id)
    return Outcome(status=Status(row["status"]), result=row["result"]) if row else None
