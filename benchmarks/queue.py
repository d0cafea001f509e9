"""The queue alone: a worker's loop on PostgreSQL with jobs that do nothing, and what a claim costs when many wait."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import uvloop

from benchmarks.figures import Figure, Samples, Single
from benchmarks.instance import Instance
from windlass.auth import accounts
from windlass.commands.worker import make_heart
from windlass.db import embedded
from windlass.db.listen import Listener
from windlass.db.migrate import migrate
from windlass.db.pool import Database, Line
from windlass.flows.settle import settle_and_pull
from windlass.jobs.model import ClaimedJob, Completion, Status
from windlass.jobs.pull import Claim
from windlass.jobs.workers import WorkerInfo
from windlass.settings import load
from windlass.worker.execute import Control, Verdict
from windlass.worker.loop import CHANNELS, Worker
from windlass.worker.source import SESSION, SqlSource
from windlass.workspaces import service as workspaces

TAGS = ("python3", "bash", "dependency")
SLOTS, NO_OPS, ROUNDS, CLAIMS = 4, 2000, 5, 500
MILLION = 1_000_000
PUSH = """
WITH made AS (
    INSERT INTO job (id, workspace_id, kind, language, raw_code, tag, created_by, permissioned_as,
                     permissioned_as_email)
    SELECT gen_random_uuid(), 'main', 'preview', 'bash', '1', 'bash', 'admin', 'u/admin', 'admin@windmill.dev'
    FROM generate_series(1, $1::integer) RETURNING id, tag
)
INSERT INTO job_queue (id, workspace_id, tag) SELECT id, 'main', tag FROM made
"""
COMPLETE = """
WITH gone AS (DELETE FROM job_queue RETURNING id)
INSERT INTO job_completed (id, workspace_id, status, result, duration_ms, epoch)
SELECT id, 'main', 'success', '1', 1, 1 FROM gone
"""


def figures(_instance: Instance) -> Iterator[Figure]:
    """On a PostgreSQL of its own, so that a million jobs are in nobody's way."""
    with tempfile.TemporaryDirectory(prefix="windlass-bench-queue-") as folder:
        home = Path(folder)
        home.chmod(0o711)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            yield from runner.run(_measure(home))


async def _measure(home: Path) -> list[Figure]:
    async with _database(home) as (database, owner):
        return [
            *await _together_and_one_by_one(database, owner),
            *[await _claims(database, owner, waiting) for waiting in (1000, 100_000, MILLION)],
            await _after_a_million(database, owner),
        ]


@asynccontextmanager
async def _database(home: Path) -> AsyncIterator[tuple[Database, asyncpg.Connection]]:
    server = await embedded.start(home)
    database = Database(api_url=None, system_url=server.system_url, size=8)
    try:
        await migrate(server.owner_url)
        await database.open()
        async with database.system() as tx:
            await accounts.create(tx, email=accounts.FIRST_EMAIL, password="benchmark", super_admin=True)
            await workspaces.create(
                tx, workspace="main", name="Main", owner_email=accounts.FIRST_EMAIL, username="admin"
            )
        owner = await asyncpg.connect(server.owner_url)
        try:
            yield database, owner
        finally:
            await owner.close()
    finally:
        await database.close()
        await server.stop()


async def _together_and_one_by_one(database: Database, owner: asyncpg.Connection) -> list[Figure]:
    """Both ways in turn, so that the machine's mood meets both."""
    rates: dict[bool, list[float]] = {True: [], False: []}
    await _drained(database, owner, is_batching=True)
    for _ in range(ROUNDS):
        for is_batching, measured in rates.items():
            measured.append(await _drained(database, owner, is_batching=is_batching))
    together, alone = statistics.median(rates[True]), statistics.median(rates[False])
    what = f"durable no-ops through loop and database, {SLOTS} slots"
    return [
        Single(name=f"{what}, settled together", value=together, unit="/s", n=NO_OPS * ROUNDS, target="≥ 3000 /s"),
        Single(name=f"{what}, SETTLE_BATCH=false", value=alone, unit="/s", n=NO_OPS * ROUNDS),
        Single(name="the first by the second", value=together / alone, unit="×", n=ROUNDS, target="≥ 2 ×"),
    ]


async def _drained(database: Database, owner: asyncpg.Connection, *, is_batching: bool) -> float:
    """Jobs a second, from the first start to the last outcome."""
    await owner.execute(PUSH, NO_OPS)
    info = WorkerInfo(name="bench", instance="bench", group="bench", tags=TAGS, slots=SLOTS, tier="0",
                      policy="bench")  # fmt: skip
    executor = NoOps()
    settings = load(worker_slots=SLOTS)
    worker = Worker(
        settings=settings, source=SqlSource(database, info, max_attempts=3, is_batching=is_batching), executor=executor,
        listener=Listener(database, CHANNELS), heart=make_heart(settings, database, lambda: None),
    )  # fmt: skip
    running = asyncio.create_task(worker.run())
    await executor.all_home.wait()
    worker.stop()
    await running
    return (NO_OPS - 1) / (executor.ended_at - executor.begun_at)


class NoOps:
    """Stands where the executor is: every job succeeds at once."""

    def __init__(self) -> None:
        self.all_home = asyncio.Event()
        self.begun_at = self.ended_at = 0.0
        self._home = 0

    async def execute(self, job: ClaimedJob, _slot: int, _control: Control) -> Verdict:
        """The outcome of a job that does nothing."""
        self.begun_at = self.begun_at or time.perf_counter()
        return Verdict(completion=_success(job))

    async def clean_up(self, _job: ClaimedJob) -> None:
        """Count what came home."""
        self._home += 1
        if self._home == NO_OPS:
            self.ended_at = time.perf_counter()
            self.all_home.set()

    async def close(self) -> None:
        """Nothing was kept ready."""


async def _claims(database: Database, owner: asyncpg.Connection, waiting: int) -> Samples:
    await owner.execute(PUSH, waiting + CLAIMS - await owner.fetchval("SELECT count(*) FROM job_queue"))
    milliseconds = await _cycles(database)
    return Samples(name=f"settle one and claim the next, {waiting:,} waiting", milliseconds=milliseconds,
                   target="p99 < 20 ms, p50 ≤ 1.5 × that at 1,000" if waiting == MILLION else "")  # fmt: skip


async def _after_a_million(database: Database, owner: asyncpg.Connection) -> Samples:
    await owner.execute(COMPLETE)
    await owner.execute(PUSH, CLAIMS)
    return Samples(name="settle one and claim the next, 1,000,000 completed", milliseconds=await _cycles(database),
                   target="p50 ≤ 1.2 × that at 1,000 waiting")  # fmt: skip


async def _cycles(database: Database) -> list[float]:
    line = Line(database, timeout=60, session=SESSION)
    claimed: list[ClaimedJob] = []
    milliseconds = []
    for _ in range(CLAIMS):
        begun = time.perf_counter()
        async with line.statement() as tx:
            outcomes = [_success(job) for job in claimed]
            claimed = (await settle_and_pull(tx, outcomes, Claim(worker="bench", tags=TAGS, slots=1))).claimed
        milliseconds.append((time.perf_counter() - begun) * 1000)
    line.close()
    return milliseconds


def _success(job: ClaimedJob) -> Completion:
    return Completion(job_id=job.id, epoch=job.epoch, status=Status.SUCCESS, result=b"1")
