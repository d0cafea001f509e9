"""From push to start: no news is lost, and the slow poll catches what brings none."""

import asyncio
import time
from uuid import uuid4

import asyncpg
import pytest_asyncio

from support.api import make_world
from support.runs import enqueue, until
from support.stub_worker import running_stub_worker
from windlass.jobs.model import JobKind

CHAIN = 1000
LONGEST_GAP_S = 0.1
NEVER_MS = 60_000


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(database):
    """A database with a workspace."""
    await make_world(database)
    return database


async def push(database, **request):
    async with database.system() as tx:
        return await enqueue(tx, kind=JobKind.PREVIEW, code="1", language="bash", tag="a", **request)


async def count(database, table):
    async with database.system_statement() as tx:
        return await tx.connection.fetchval(f"SELECT count(*) FROM {table}")


async def test_a_long_chain_of_jobs_never_waits_for_the_poll(world, urls):
    arrived: asyncio.Queue[float] = asyncio.Queue()

    async def run(_job, _control):
        arrived.put_nowait(time.perf_counter())
        return b"1"

    gaps = []
    async with running_stub_worker(urls, run, sleep_queue=NEVER_MS):
        await push(world)
        await asyncio.wait_for(arrived.get(), 10)  # the worker listens
        for _ in range(CHAIN):
            begun = time.perf_counter()
            await push(world)
            gaps.append(await asyncio.wait_for(arrived.get(), 10) - begun)
    assert sorted(gaps)[-1 - CHAIN // 500] < LONGEST_GAP_S, sorted(gaps)[-5:]  # the machine may pause twice
    assert max(gaps) < 1


async def test_jobs_pushed_from_many_sides_while_slots_are_full_all_run_without_the_poll(world, urls):
    done = await count(world, "job_completed")
    async with running_stub_worker(urls, sleep_queue=NEVER_MS, worker_slots=2) as one, \
               running_stub_worker(urls, sleep_queue=NEVER_MS, worker_slots=3, name="other") as other:  # fmt: skip
        await asyncio.gather(*(push(world, priority=number % 3) for number in range(300)))
        async with asyncio.timeout(20):
            while one.cleaned + other.cleaned < 300:
                await asyncio.sleep(0.01)
    assert await count(world, "job_completed") == done + 300
    assert await count(world, "job_queue") == 0


async def test_without_its_listening_connection_a_worker_still_gets_the_job_by_polling(world, urls, monkeypatch):
    monkeypatch.setattr("windlass.db.listen.RECONNECT_S", 3600)
    started = asyncio.Event()

    async def run(_job, _control):
        started.set()
        return b"1"

    async with running_stub_worker(urls, run, sleep_queue=200):
        await until(lambda: _lose_listeners(urls))
        await push(world)
        await asyncio.wait_for(started.wait(), 5)


async def _lose_listeners(urls):
    owner = await asyncpg.connect(urls.owner)
    try:
        return await owner.fetchval(
            "SELECT bool_or(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND query LIKE 'LISTEN%'"
        )
    finally:
        await owner.close()


async def test_a_job_that_is_due_later_starts_then_without_any_news(world, urls):
    started = asyncio.Event()

    async def run(_job, _control):
        started.set()
        return b"1"

    async with running_stub_worker(urls, run, sleep_queue=100):
        begun = time.perf_counter()
        await push(world, scheduled_in_secs=1, job_id=uuid4())
        await asyncio.wait_for(started.wait(), 5)
    assert time.perf_counter() - begun > 0.9
