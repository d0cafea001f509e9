"""Waiting for a job: subscribe first, read then, and poll slowly besides, so that lost news cost time and nothing
else."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from uuid import UUID

from windlass.db.listen import Listener
from windlass.db.pool import Database
from windlass.errors import DatabaseUnavailable
from windlass.jobs.model import Outcome, Status
from windlass.jobs.runnables import queries

DONE, PROGRESS, QUEUED, CANCEL = "job_done", "job_progress", "job_queued", "job_cancel"
CHANNELS = (DONE, PROGRESS)
POLL_S = 1.0

Expected = asyncio.Future[Outcome]


class Outcomes:
    """How jobs end, for everybody in this process who waits for one. What ended at the same moment is read in one
    statement.
    """

    def __init__(self, database: Database, listener: Listener) -> None:
        self._database = database
        self._expected: dict[str, set[Expected]] = defaultdict(set)
        self._ended: set[str] = set()
        self._reading: asyncio.Task[None] | None = None
        listener.on(DONE, self._on_news)

    @contextmanager
    def expecting(self, job_id: UUID) -> Iterator[Expected]:
        """The outcome to come of a job that this caller launches only then, so that its end cannot be missed."""
        key, expected = str(job_id), asyncio.get_running_loop().create_future()
        self._expected[key].add(expected)
        try:
            yield expected
        finally:
            self._expected[key].discard(expected)
            if not self._expected[key]:
                del self._expected[key]

    async def wait(self, expected: Expected, *, timeout: float) -> Outcome | None:
        """The outcome, or None after `timeout` seconds."""
        done, _ = await asyncio.wait([expected], timeout=timeout)
        return expected.result() if done else None

    async def find(self, job_id: UUID, *, timeout: float) -> Outcome | None:
        """The outcome of a job that was launched before and may have ended; None after `timeout` seconds."""
        with self.expecting(job_id) as expected:
            self._look(str(job_id))
            return await self.wait(expected, timeout=timeout)

    async def run(self) -> None:
        """Look after everything that is waited for once in a while, for ever: the net below the news."""
        while True:
            await asyncio.sleep(POLL_S)
            self._look(*self._expected)

    def _on_news(self, payload: str) -> None:
        job_ids, _, outcome = payload.partition(" ")
        if outcome:
            status, _, result = outcome.partition(" ")
            self._tell(job_ids, Outcome(status=Status(status), result=result))
        else:
            self._look(*(job_ids.split(",") if payload else self._expected))

    def _look(self, *job_ids: str) -> None:
        self._ended.update(job_id for job_id in job_ids if job_id in self._expected)
        if self._ended and self._reading is None:
            self._reading = asyncio.create_task(self._read())
            self._reading.add_done_callback(self._has_read)

    def _has_read(self, _task: object) -> None:
        self._reading = None
        self._look()

    async def _read(self) -> None:
        while self._ended:
            ids, self._ended = list(self._ended), set()
            with suppress(DatabaseUnavailable):  # the jobs go on without it, and so does the wait
                async with self._database.system_statement() as tx:
                    async for row in queries.find_outcomes(tx.connection, ids=ids):
                        self._tell(str(row["id"]), Outcome(status=Status(row["status"]), result=row["result"]))

    def _tell(self, job_id: str, outcome: Outcome) -> None:
        for expected in self._expected.get(job_id, ()):
            if not expected.done():
                expected.set_result(outcome)


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
