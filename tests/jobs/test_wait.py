"""Waiting for the ends of jobs, on a real database, with and without the news of them."""

import asyncio
from uuid import uuid4

import pytest_asyncio

from support.runs import enqueue
from windlass.auth.permissions import Principal
from windlass.db.listen import Listener
from windlass.db.pool import Transaction
from windlass.flows.cancel import cancel
from windlass.jobs import wait
from windlass.jobs.model import Outcome, Status
from windlass.jobs.wait import DONE, Outcomes

ADMIN = Principal(email="admin@windmill.dev", username="admin", role="admin", workspace="main")
LONG_S = 20.0


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def deaf(api, database):
    """A listener that never hears anything."""
    return Listener(database, (DONE,))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def hearing(api, database):
    """A listener that works."""
    listener = Listener(database, (DONE,))
    listening = asyncio.create_task(listener.run())
    yield listener
    listening.cancel()


async def launched(database):
    """The id of a job that waits."""
    async with database.system() as tx:
        return await enqueue(tx, code="def main(): ...", language="python3", tag="nobody")


async def end(database, *job_ids):
    """End jobs in one transaction."""
    async with database.system() as tx:
        for job_id in job_ids:
            assert await cancel(Transaction(connection=tx.connection, actor=ADMIN), job_id, reason="enough")


async def tell(database, *job_ids):
    """One notification for several jobs."""
    async with database.system() as tx:
        await tx.connection.execute("SELECT pg_notify($1, $2)", DONE, ",".join(map(str, job_ids)))


async def waited(outcomes, job_ids):
    """Wait for jobs, and the tasks that do."""
    tasks = [asyncio.create_task(outcomes.find(job_id, timeout=LONG_S)) for job_id in job_ids]
    await asyncio.sleep(0)
    return tasks


async def test_an_outcome_that_is_there_is_found_at_once(database, deaf):
    job_id = await launched(database)
    await end(database, job_id)
    found = await Outcomes(database, deaf).find(job_id, timeout=LONG_S)
    assert found is not None and found.status is Status.CANCELED and "enough" in found.result


async def test_who_expects_a_job_before_it_ends_is_told_by_the_news(database, hearing):
    outcomes = Outcomes(database, hearing)
    job_id = await launched(database)
    with outcomes.expecting(job_id) as expected:
        await end(database, job_id)
        found = await outcomes.wait(expected, timeout=LONG_S)
    assert found is not None and found.status is Status.CANCELED


async def test_one_notification_wakes_the_waiters_of_several_jobs(database, deaf):
    outcomes = Outcomes(database, deaf)
    job_ids = [await launched(database) for _ in range(3)]
    tasks = await waited(outcomes, [*job_ids, *job_ids])
    await end(database, *job_ids)
    deaf._on_news(None, 0, DONE, ",".join(map(str, [uuid4(), *job_ids])))
    async with asyncio.timeout(LONG_S):
        assert {found.status for found in await asyncio.gather(*tasks)} == {Status.CANCELED}


async def test_news_that_carry_the_outcome_are_not_looked_up(database, deaf):
    outcomes = Outcomes(database, deaf)
    job_id = await launched(database)
    (task,) = await waited(outcomes, [job_id])
    deaf._on_news(None, 0, DONE, f'{job_id} failure {{"error": "a, b"}}')
    async with asyncio.timeout(LONG_S):
        assert await task == Outcome(status=Status.FAILURE, result='{"error": "a, b"}')


async def test_without_news_the_net_below_finds_the_end(database, deaf, monkeypatch):
    monkeypatch.setattr(wait, "POLL_S", 0.05)
    outcomes = Outcomes(database, deaf)
    job_id = await launched(database)
    (task,) = await waited(outcomes, [job_id])
    net = asyncio.create_task(outcomes.run())
    await end(database, job_id)
    async with asyncio.timeout(LONG_S):
        assert (await task).status is Status.CANCELED
    net.cancel()


async def test_a_listener_that_comes_back_has_everybody_look(database, deaf):
    outcomes = Outcomes(database, deaf)
    job_id = await launched(database)
    (task,) = await waited(outcomes, [job_id])
    await end(database, job_id)
    deaf._wake_all()
    async with asyncio.timeout(LONG_S):
        assert (await task).status is Status.CANCELED


async def test_who_waits_too_long_goes_without(database, deaf):
    outcomes = Outcomes(database, deaf)
    assert await outcomes.find(await launched(database), timeout=0.01) is None
    assert outcomes._expected == {}


async def test_a_subscription_hears_of_one_job_among_several(database, hearing):
    job_id = uuid4()
    async with hearing.subscribe(DONE, str(job_id)) as heard, asyncio.timeout(LONG_S):
        while not heard.is_set():
            await tell(database, uuid4(), job_id, uuid4())
            await asyncio.sleep(0.02)
