"""What must not grow: the wait of a job that only a notification can announce, and the cost of a job after a million.

The net below the notifications is set to a minute here, so that one that is lost shows as a gap of a minute.
"""

import asyncio
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import asyncpg

from benchmarks.figures import Figure, Samples, Single, percentile
from benchmarks.instance import Instance, free_port, started
from windlass.db.embedded import DATABASE, OWNER, Cluster

PATH = "u/admin/endurance"
CODE = "def main(n: int):\n    return n + 1\n"
WARM_UP, RUNS, CHAINED, COMPLETED = 50, 500, 10_000, 1_000_000
MINUTE_MS = "60000"
GAPS = """
SELECT extract(epoch FROM done.started_at - job.created_at)::float8 * 1000
FROM job_completed AS done JOIN job USING (id) WHERE job.runnable_path = $1 ORDER BY job.created_at
"""
FILL = """
WITH one AS (SELECT job.* FROM job WHERE runnable_path = $1 LIMIT 1), made AS (
    INSERT INTO job (id, workspace_id, kind, runnable_path, runnable_hash, language, raw_code, tag, args, created_by,
        permissioned_as, permissioned_as_email, created_at)
    SELECT gen_random_uuid(), workspace_id, kind, runnable_path, runnable_hash, language, raw_code, tag, args,
        created_by, permissioned_as, permissioned_as_email, now() - interval '1 day'
    FROM one, generate_series(1, $2::integer) RETURNING id, workspace_id
)
INSERT INTO job_completed (id, workspace_id, status, result, duration_ms, epoch, started_at, completed_at)
SELECT id, workspace_id, 'success', '1', 1, 1, now() - interval '1 day', now() - interval '1 day' FROM made
"""


def figures(_instance: Instance) -> Iterator[Figure]:
    """On an instance of its own: runs, then a long chain of them, then runs again with a million completed."""
    with tempfile.TemporaryDirectory(prefix="windlass-bench-endurance-") as folder:
        home = Path(folder)
        home.chmod(0o711)
        with started(home, free_port(), SLEEP_QUEUE=MINUTE_MS) as instance:
            instance.deploy(PATH, "python3", CODE)
            _run(instance, WARM_UP)
            few = _run(instance, RUNS)
            _run(instance, CHAINED)
            yield _gaps(asyncio.run(_waits(home))[-CHAINED:])
            asyncio.run(_fill(home))
            _run(instance, WARM_UP)
            many = _run(instance, RUNS)
            yield from _growth(few, many)


def _run(instance: Instance, count: int) -> list[float]:
    """Milliseconds of runs, each submitted when the one before has ended."""
    samples = []
    for n in range(count):
        begun = time.perf_counter()
        instance.call("POST", f"jobs/run_wait_result/p/{PATH}", {"n": n})
        samples.append((time.perf_counter() - begun) * 1000)
    return samples


def _gaps(waits: Sequence[float]) -> Samples:
    name = f"job from stored to started, chain of {len(waits):,}, polls a minute apart, longest {max(waits):.0f} ms"
    return Samples(name=name, milliseconds=waits, target="longest ≤ 100 ms")


def _growth(few: Sequence[float], many: Sequence[float]) -> Iterator[Figure]:
    yield Samples(name="run_wait_result, few jobs completed", milliseconds=few)
    yield Samples(name=f"run_wait_result, {COMPLETED:,} jobs completed", milliseconds=many)
    ratio = percentile(many, 50) / percentile(few, 50)
    yield Single(name="p50 of the second by the first", value=ratio, unit="×", target="≤ 1.2 ×")


async def _waits(home: Path) -> list[float]:
    connection = await _connect(home)
    try:
        return [row[0] for row in await connection.fetch(GAPS, PATH)]
    finally:
        await connection.close()


async def _fill(home: Path) -> None:
    """Store what a million jobs leave behind, and let PostgreSQL settle as it would have meanwhile."""
    connection = await _connect(home)
    try:
        await connection.execute(FILL, PATH, COMPLETED)
        await connection.execute("VACUUM ANALYZE")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


async def _connect(home: Path) -> asyncpg.Connection:
    cluster = Cluster(home=home)
    password = json.loads(cluster.credentials.read_text())[OWNER]
    return await asyncpg.connect(host=str(cluster.sockets), user=OWNER, password=password, database=DATABASE)
