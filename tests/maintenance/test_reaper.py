"""Jobs of workers that fell silent: run again, given up, or ended as canceled."""

import pytest
import pytest_asyncio

from support.api import make_world, settings_for
from support.runs import enqueue
from windlass.auth.permissions import Principal
from windlass.db.pool import Transaction
from windlass.flows.cancel import cancel
from windlass.flows.rescue import take_back
from windlass.flows.settle import settle
from windlass.jobs import pull
from windlass.jobs.model import Completion, JobKind, Status
from windlass.jobs.pull import Held
from windlass.jobs.rescue import RescuePolicy
from windlass.maintenance.reaper import duty, reap

POLICY = RescuePolicy(restart=True, max_attempts=3)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(database):
    """A database with a workspace."""
    await make_world(database)
    return database


async def claimed(database, worker="w1"):
    async with database.system_statement() as tx:
        return await pull.pull(tx, pull.Claim(worker=worker, tags=["bash"], slots=9))


async def running(database, code="echo"):
    """A job that a worker holds."""
    async with database.system() as tx:
        await enqueue(tx, kind=JobKind.PREVIEW, code=code, language="bash")
    (job,) = await claimed(database)
    return job


async def silence(database, job):
    async with database.system() as tx:
        await tx.connection.execute("UPDATE job_queue SET last_ping = now() - interval '61 s' WHERE id = $1", job.id)


async def is_dead_letter(database, job):
    async with database.system() as tx:
        return await tx.connection.fetchval("SELECT dead_letter FROM job_completed WHERE id = $1", job.id)


async def round_of(database, policy=POLICY):
    return await reap(database, silence=60, policy=policy)


async def ending(database, job):
    async with database.system() as tx:
        row = await tx.connection.fetchrow(
            "SELECT status, result::text, epoch FROM job_completed WHERE id = $1", job.id
        )
    return row and (row["status"], row["epoch"], row["result"])


async def test_a_job_with_a_heartbeat_is_left_alone(world):
    job = await running(world)
    assert await round_of(world) == 0
    async with world.system() as tx:
        assert await settle(tx, Completion(job_id=job.id, epoch=1, status=Status.SUCCESS, result=b"1")) is True


async def test_a_zombie_runs_again_and_the_start_is_counted(world):
    job = await running(world)
    await silence(world, job)
    assert await round_of(world) == 1
    (again,) = await claimed(world, "w2")
    assert (again.id, again.epoch) == (job.id, 2)
    async with world.system() as tx:
        late = Completion(job_id=job.id, epoch=1, status=Status.SUCCESS, result=b'"late"')
        assert await settle(tx, late) is False
        assert await settle(tx, Completion(job_id=job.id, epoch=2, status=Status.SUCCESS, result=b'"once"')) is True
    assert await ending(world, job) == ("success", 2, '"once"')


async def test_a_job_that_kills_its_workers_is_given_up_after_three_starts(world):
    job = await running(world)
    for start in (1, 2):
        await silence(world, job)
        assert await round_of(world) == 1
        assert [again.epoch for again in await claimed(world, f"w{start}")] == [start + 1]
    await silence(world, job)
    assert await round_of(world) == 1
    assert await claimed(world) == []
    status, epoch, result = await ending(world, job)
    assert (status, epoch) == ("failure", 3) and "PoisonJob" in result and "3 times" in result
    assert await is_dead_letter(world, job)


async def test_a_job_that_must_not_run_twice_fails_with_worker_lost(world):
    job = await running(world)
    async with world.system() as tx:
        await tx.connection.execute("UPDATE job SET retry_on_crash = false WHERE id = $1", job.id)
    await silence(world, job)
    assert await round_of(world) == 1
    status, _, result = await ending(world, job)
    assert status == "failure" and "WorkerLost" in result and "w1" in result
    assert not await is_dead_letter(world, job)


@pytest.mark.parametrize("comment", ["#", "//", "--"])
async def test_a_script_may_say_that_it_must_not_run_twice(world, comment):
    job = await running(world, f"\n{comment} windlass: retry_on_crash=false\necho")
    await silence(world, job)
    assert await round_of(world) == 1
    assert "WorkerLost" in (await ending(world, job))[2]


async def test_below_the_first_line_of_code_a_script_says_nothing_of_this(world):
    job = await running(world, "echo\n# windlass: retry_on_crash=false")
    await silence(world, job)
    assert await round_of(world) == 1
    assert [again.epoch for again in await claimed(world)] == [2]


async def gives_back(database, job, max_attempts=3):
    """What a worker does that stops before the job has ended."""
    policy = RescuePolicy(restart=True, max_attempts=max_attempts)
    async with database.system() as tx:
        await take_back(tx, Held(job_id=job.id, epoch=job.epoch), policy)


async def test_a_job_that_a_stopping_worker_gives_back_starts_again_and_the_start_is_counted(world):
    job = await running(world)
    await gives_back(world, job)
    (again,) = await claimed(world, "w2")
    assert (again.id, again.epoch) == (job.id, 2)
    await gives_back(world, job)  # late, and fenced
    assert await claimed(world) == []
    await gives_back(world, again, max_attempts=2)
    assert "PoisonJob" in (await ending(world, job))[2] and await is_dead_letter(world, job)


async def test_a_stopping_worker_ends_a_job_that_must_not_run_twice(world):
    job = await running(world, "# windlass: retry_on_crash=false\nsleep 100")
    await gives_back(world, job)
    assert await claimed(world) == []
    assert "WorkerLost" in (await ending(world, job))[2]


async def test_a_stopping_worker_ends_a_canceled_job_as_canceled(world):
    job = await running(world)
    admin = Principal(email="admin@windmill.dev", username="admin", role="admin", workspace="main")
    async with world.system() as tx:
        await cancel(Transaction(connection=tx.connection, actor=admin), job.id, reason="enough")
    await gives_back(world, job)
    assert (await ending(world, job))[0] == "canceled"


async def test_without_restarts_every_zombie_fails_with_worker_lost(world):
    job = await running(world)
    await silence(world, job)
    assert await round_of(world, RescuePolicy(restart=False, max_attempts=3)) == 1
    assert "WorkerLost" in (await ending(world, job))[2]


async def test_a_canceled_zombie_is_canceled(world):
    job = await running(world)
    admin = Principal(email="admin@windmill.dev", username="admin", role="admin", workspace="main")
    async with world.system() as tx:
        assert await cancel(Transaction(connection=tx.connection, actor=admin), job.id, reason="enough") is True
    await silence(world, job)
    assert await round_of(world) == 1
    status, _, result = await ending(world, job)
    assert status == "canceled" and "enough" in result


async def test_two_reapers_at_once_rescue_each_job_once(world):
    job = await running(world)
    await silence(world, job)
    async with world.system() as tx:
        await tx.connection.execute("SELECT 1 FROM job_queue WHERE id = $1 FOR UPDATE", job.id)
        assert await round_of(world) == 0
    assert await round_of(world) == 1
    assert [again.epoch for again in await claimed(world)] == [2]


@pytest.mark.parametrize("timeout", [6.0, 30.0])
def test_the_duty_looks_several_times_within_the_silence_it_allows(urls, timeout):
    assert duty(settings_for(urls, zombie_job_timeout=timeout)).interval <= timeout / 5
