"""What a job says of the sandbox it ran in, and workspaces that want a good one."""

import pytest
import pytest_asyncio

from support.api import make_world
from support.runs import enqueue
from windlass import tiers
from windlass.auth.permissions import Principal
from windlass.errors import BadRequest
from windlass.flows.settle import settle, settle_and_pull
from windlass.jobs.model import Completion, JobKind, Status
from windlass.jobs.pull import Claim, pull
from windlass.workspaces import service

POLICY = "0123456789abcdef"
ADMIN = Principal(email="admin@windmill.dev", username="admin", role="admin", workspace="main")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(database):
    await make_world(database)
    async with database.system() as tx:
        await tx.connection.execute("INSERT INTO workspace (id, name, owner) VALUES ('other', 'Other', 'x')")
    return database


@pytest_asyncio.fixture(loop_scope="session")
async def queue(world):
    """An empty queue, and workspaces that take any sandbox."""
    async with world.system() as tx:
        await tx.connection.execute("DELETE FROM job")
        await tx.connection.execute("UPDATE workspace SET min_sandbox_rank = 0")
    return world


async def push(database):
    async with database.system() as tx:
        return await enqueue(tx, kind=JobKind.PREVIEW, code="1", language="bash", tag="a")


async def claim(database, tier):
    async with database.system_statement() as tx:
        return await pull(tx, Claim(worker="w", tags=("a",), slots=9, sandbox_tier=tier, sandbox_policy=POLICY))


async def guard(database, tier):
    async with database.transaction(ADMIN) as tx:
        await service.guard(tx, tier)


async def stamp(database, table, job_id):
    async with database.system() as tx:
        return tuple(
            await tx.connection.fetchrow(f"SELECT sandbox_tier, sandbox_policy FROM {table} WHERE id = $1", job_id)
        )


@pytest.mark.parametrize("is_fused", [True, False])
async def test_a_job_is_stamped_by_its_claim_and_keeps_it_to_its_end(queue, is_fused):
    job_id = await push(queue)
    (job,) = await claim(queue, "A-root")
    assert await stamp(queue, "job_queue", job_id) == ("A-root", POLICY)
    ended = Completion(job_id=job.id, epoch=job.epoch, status=Status.SUCCESS, result=b"1")
    async with queue.system_statement() as tx:
        if is_fused:
            await settle_and_pull(tx, [ended], Claim(worker="w", tags=("a",), slots=0, sandbox_tier="B"))
        else:
            await settle(tx, ended)
    assert await stamp(queue, "job_completed", job_id) == ("A-root", POLICY)


@pytest.mark.parametrize("wanted", ["0", "B", "A-noproc", "A", "A-root", "S"])
@pytest.mark.parametrize("tier", ["0", "B", "A-noproc", "A", "A-root", "S"])
async def test_a_job_of_a_workspace_is_claimed_only_from_its_least_tier_on(queue, wanted, tier):
    await push(queue)
    await guard(queue, wanted)
    assert len(await claim(queue, tier)) == (tiers.rank(tier) >= tiers.rank(wanted))


async def test_a_workspace_that_lowers_its_demand_has_its_waiting_jobs_claimed(queue):
    await push(queue)
    await guard(queue, "S")
    assert await claim(queue, "A-root") == []
    await guard(queue, "A")
    assert len(await claim(queue, "A-root")) == 1


async def test_jobs_that_must_wait_for_a_better_worker_hold_up_no_others(queue):
    for _ in range(30):
        await push(queue)
    await guard(queue, "A")
    async with queue.system() as tx:
        await enqueue(tx, workspace="other", kind=JobKind.PREVIEW, code="1", language="bash", tag="a")
    assert [job.workspace_id for job in await claim(queue, "B")] == ["other"]


async def test_what_is_no_tier_is_refused(queue):
    with pytest.raises(BadRequest, match="C"):
        await guard(queue, "C")


async def test_the_demand_of_a_workspace_can_be_read(queue):
    await guard(queue, "A-noproc")
    async with queue.transaction(ADMIN) as tx:
        assert await service.min_sandbox_tier(tx) == "A-noproc"


def test_a_rank_is_named_by_a_tier_that_has_it():
    assert {tiers.rank(tiers.weakest_of(rank)) for rank in range(5)} == set(range(5))
