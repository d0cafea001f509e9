"""Outcomes that the database refuses, and outcomes whose answer is lost, on the real queue."""

import pytest
import pytest_asyncio

from support.api import make_world
from support.runs import enqueue
from windlass.jobs.model import Completion, JobKind, Status
from windlass.jobs.workers import WorkerInfo
from windlass.worker.source import SqlSource


@pytest_asyncio.fixture(loop_scope="session")
async def source(database):
    """The queue as one worker sees it."""
    info = WorkerInfo(name="w", instance="test", group="test", tags=("bash",), slots=4, tier="B", policy="test")
    source = SqlSource(database, info, max_attempts=3)
    yield source
    await source.goodbye()


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def world(database):
    """A database with a workspace."""
    await make_world(database)


async def push(database, count):
    async with database.system() as tx:
        for _ in range(count):
            await enqueue(tx, kind=JobKind.PREVIEW, code="1", language="bash")


def success(job, result=b"1", **fields):
    return Completion(job_id=job.id, epoch=job.epoch, status=Status.SUCCESS, result=result, **fields)


async def statuses(database, jobs):
    async with database.system() as tx:
        rows = await tx.connection.fetch("SELECT id, status, result::text AS result FROM job_completed")
    found = {row["id"]: (row["status"], row["result"]) for row in rows}
    return [found.get(job.id) for job in jobs]


@pytest.mark.parametrize("fields", [{"result": b"not json"}, {"labels": ("\x00",)}], ids=["result", "labels"])
async def test_an_outcome_that_cannot_be_stored_holds_up_no_other_and_says_why(database, source, fields):
    await push(database, 3)
    jobs = (await source.exchange((), 3)).claimed
    answer = await source.exchange([success(jobs[0]), success(jobs[1], **fields), success(jobs[2])], 0)
    assert answer.accepted == {job.id for job in jobs}
    first, second, third = await statuses(database, jobs)
    assert first == third == ("success", "1")
    assert second is not None and second[0] == "failure" and "InternalError" in second[1]


async def test_outcomes_sent_twice_change_nothing_the_second_time(database, source):
    await push(database, 2)
    jobs = (await source.exchange((), 2)).claimed
    outcomes = [success(job) for job in jobs]
    assert len((await source.exchange(outcomes, 0)).accepted) == 2
    again = [success(job, b'"again"') for job in jobs]
    assert (await source.exchange(again, 0)).accepted == frozenset()
    assert await statuses(database, jobs) == [("success", "1")] * 2


async def test_one_by_one_does_the_same(database):
    info = WorkerInfo(name="w2", instance="test", group="test", tags=("bash",), slots=4, tier="B", policy="test")
    source = SqlSource(database, info, max_attempts=3, is_batching=False)
    await push(database, 4)
    jobs = (await source.exchange((), 3)).claimed
    answer = await source.exchange([success(job) for job in jobs], 3)
    assert answer.accepted == {job.id for job in jobs} and len(answer.claimed) == 1
    assert await statuses(database, jobs) == [("success", "1")] * 3
    await source.exchange([success(job) for job in answer.claimed], 0)
    await source.goodbye()
