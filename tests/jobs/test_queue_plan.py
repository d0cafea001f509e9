"""What a claim costs does not depend on what waits: the plan, and the rows that it touches."""

import json
from datetime import UTC, datetime, timedelta
from inspect import signature
from uuid import uuid4

import pytest_asyncio

from support.api import make_world
from windlass.db.pool import Line
from windlass.jobs.complete import complete_and_pull
from windlass.jobs.launch import queries
from windlass.jobs.model import Completion, Status
from windlass.jobs.pull import NO_OUTCOMES, Claim, pull
from windlass.worker.source import SESSION

WAITING = 20_000
PUSH = """
WITH made AS (
    INSERT INTO job (id, workspace_id, kind, language, raw_code, tag, priority, created_by, permissioned_as,
                     permissioned_as_email)
    SELECT gen_random_uuid(), 'main', 'preview', 'bash', '1', $2, number % 2, 'admin', 'u/admin', 'a@example.com'
    FROM generate_series(1, $1) number RETURNING id, tag, priority
)
INSERT INTO job_queue (id, workspace_id, tag, priority, scheduled_for)
SELECT id, 'main', tag, priority, now() + make_interval(secs => $3) FROM made
"""
OF_THE_QUEUE = {"job_queue", "job", "job_completed", "job_log"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def crowded(database):
    """A queue where many wait, of the asked tag, of another one, and for later; its statistics are of an empty one."""
    await make_world(database)
    async with database.system() as tx:
        await tx.connection.execute("ANALYZE job, job_queue, job_completed")
        for tag, later in (("a", 0), ("other", 0), ("later", 3600)):
            await tx.connection.execute(PUSH, WAITING, tag, later)
    return database


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def line(crowded):
    """A worker's own connection to the queue."""
    line = Line(crowded, timeout=60, session=SESSION)
    yield line
    line.close()


def nodes(plan):
    """The node and all below it."""
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


NOWHERE = {"since": None, "since_id": None, "known_tags": [], "known_priorities": []}
FRONT = {
    "since": datetime.now(UTC) - timedelta(days=1),
    "since_id": uuid4(),
    "known_tags": ["a"],
    "known_priorities": [0],
}


async def explained(line, *, tags, ended=(), hint=NOWHERE):
    """The nodes of the plan of the worker's statement as it ran, in a transaction that is rolled back."""
    sql = queries.settle_and_pull.sql
    names = [name for name in signature(queries.settle_and_pull).parameters if name != "self"]
    order = {"tags": tags, "slots": 4, "worker": "w", "is_wide": False} | hint
    order |= {"sandbox_rank": 0, "sandbox_tier": "B", "sandbox_policy": "p"}
    columns = NO_OUTCOMES | {"ids": [item[0] for item in ended], "epochs": [item[1] for item in ended]}
    columns |= {name: ["success" if name == "statuses" else "1"] * len(ended) for name in ("statuses", "results")}
    columns |= {name: [None] * len(ended) for name in list(NO_OUTCOMES)[4:]}
    async with line.statement() as tx:
        transaction = tx.connection.transaction()
        await transaction.start()
        try:
            values = [(columns | order)[name] for name in names]
            answer = await tx.connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", *values)
        finally:
            await transaction.rollback()
    return list(nodes(json.loads(answer)[0]["Plan"]))


async def test_the_plan_of_a_claim_has_no_scan_and_no_sort_of_what_waits(line):
    for tags, hint in ((["a"], NOWHERE), (["a", "other", "later", "nothing"], NOWHERE), (["a"], FRONT)):
        plan = await explained(line, tags=tags, hint=hint)
        scanned = [node for node in plan if node.get("Relation Name") in OF_THE_QUEUE]
        assert scanned and {node["Node Type"] for node in scanned} <= {"Index Scan", "Index Only Scan", "ModifyTable"}
        assert max(node["Actual Rows"] for node in plan) < 100
        assert sum(node.get("Rows Removed by Filter", 0) for node in plan) < 100


async def test_the_plan_of_an_end_has_no_scan(crowded, line):
    async with line.statement() as tx:
        held = [(job.id, job.epoch) for job in await pull(tx, Claim(worker="w", tags=["a"], slots=4))]
    plan = await explained(line, tags=["a"], ended=held)
    scanned = [node for node in plan if node.get("Relation Name") in OF_THE_QUEUE]
    assert {node["Node Type"] for node in scanned} <= {"Index Scan", "Index Only Scan", "ModifyTable"}
    assert max(node["Actual Rows"] for node in plan) < 100


async def test_a_claim_reads_a_few_pages_whatever_waits(crowded, line):
    """Pages, because time depends on the machine."""
    async with line.statement() as tx:
        await complete_and_pull(tx, [], Claim(worker="w", tags=["a"], slots=1))
        before = await _pages(tx)
        claimed = []
        for _ in range(50):
            outcomes = [
                Completion(job_id=job.id, epoch=job.epoch, status=Status.SUCCESS, result=b"1") for job in claimed
            ]
            claimed = (await complete_and_pull(tx, outcomes, Claim(worker="w", tags=["a"], slots=1))).claimed
            assert len(claimed) == 1
        assert (await _pages(tx) - before) / 50 < 150


async def _pages(tx):
    await tx.connection.execute("SELECT pg_stat_force_next_flush()")
    return await tx.connection.fetchval(
        "SELECT sum(heap_blks_hit + heap_blks_read + idx_blks_hit + idx_blks_read) FROM pg_statio_user_tables"
        " WHERE relname = ANY ($1)", list(OF_THE_QUEUE)
    )  # fmt: skip
