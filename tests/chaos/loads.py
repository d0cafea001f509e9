"""Too much of everything: R13, R26."""

import asyncio
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import asyncpg

from chaos.figures import Figure, judged, quantile, scaled, scenario
from chaos.world import LEASE_S, World
from windlass import tiers
from windlass.db.pool import Database
from windlass.jobs.pull import Held
from windlass.jobs.workers import WorkerInfo
from windlass.worker.source import SqlSource

CLAIM_P99_MS = 20.0
CHUNK = 10_000
FLOOD = """
WITH born AS (
    INSERT INTO job (id, workspace_id, kind, language, raw_code, tag, created_by, permissioned_as,
                     permissioned_as_email)
    SELECT gen_random_uuid(), 'main', 'preview', 'bash', 'true', 'r13', 'admin', 'u/admin', 'admin@windmill.dev'
    FROM generate_series(1, $1) RETURNING id
)
INSERT INTO job_queue (id, workspace_id, tag) SELECT id, 'main', 'r13' FROM born
"""
SCANS = "SELECT sum(seq_scan)::integer FROM pg_stat_user_tables WHERE relname IN ('job', 'job_queue')"
DRAIN = "DELETE FROM job_queue WHERE id IN (SELECT id FROM job_queue LIMIT 10000)"


@scenario("R13", "the queue is flooded", alone=True)
def queue_is_flooded(world: World, _chance: random.Random, scale: float) -> Sequence[Figure]:
    """Claims while a million jobs come in, and when they are there; the table after they are gone and came again."""
    count = scaled(1_000_000, scale, 20_000)
    world.fetch("ALTER TABLE job_queue DISABLE TRIGGER chaos_queue")
    during, seconds = world.run(_flood_and_claim(world, count))
    scans = _settled_scans(world)
    full = world.run(_claims(world.database, 300))
    scans = _settled_scans(world) - scans
    size = _size(world)
    while world.left("r13"):
        world.fetch(DRAIN)
    world.fetch("VACUUM job_queue")
    world.run(_flood_and_claim(world, count))
    return [
        Figure(name="jobs", value=count),
        Figure(name="inserted", value=count / seconds, unit="/s"),
        Figure(name="claim p99 while flooded", value=quantile(during, 0.99), unit="ms"),
        Figure(name="claim p99 when full", value=quantile(full, 0.99), unit="ms", most=CLAIM_P99_MS),
        Figure(name="claim p50 when full", value=quantile(full, 0.5), unit="ms"),
        Figure(name="sequential scans", value=scans, most=0),
        Figure(name="size after drain and flood", value=_size(world) / size, unit="times", most=2),
    ]


def _size(world: World) -> int:
    return world.fetch("SELECT pg_total_relation_size('job_queue')")[0][0]


def _settled_scans(world: World) -> int:
    """Sequential scans so far; the statistics of idle sessions arrive within a second or two."""
    world.run(world.database.close())
    world.run(world.database.open())
    time.sleep(1.5)
    return world.fetch(SCANS)[0][0]


async def _flood_and_claim(world: World, count: int) -> tuple[list[float], float]:
    """Milliseconds of claims while the jobs come in, and the seconds that took."""
    began = time.monotonic()
    flooding = asyncio.create_task(_flood(world.urls.owner, count))
    times: list[float] = []
    while not flooding.done():
        times += await _claims(world.database, 5)
        await asyncio.sleep(0.05)
    await flooding
    seconds = time.monotonic() - began
    connection = await asyncpg.connect(world.urls.owner)
    await connection.execute("ANALYZE job; ANALYZE job_queue")
    await connection.close()
    return times, seconds


async def _flood(url: str, count: int) -> None:
    connection = await asyncpg.connect(url)
    for _ in range(0, count, CHUNK):
        await connection.execute(FLOOD, CHUNK)
    await connection.close()


async def _claims(database: Database, count: int) -> list[float]:
    """Milliseconds of each of so many claims, as a worker asks for them; what was claimed is given back."""
    info = WorkerInfo(name="w", instance="w", group="w", tags=("r13", "elsewhere"), slots=1, tier=tiers.NONE, policy="")
    source, times = SqlSource(database, info, max_attempts=10**6), []
    await source.exchange([], 0)  # connects
    for _ in range(count):
        began = time.perf_counter()
        answer = await source.exchange([], 1)
        times.append((time.perf_counter() - began) * 1000)
        for job in answer.claimed:
            await source.release(Held(job_id=job.id, epoch=job.epoch))
    await source.goodbye()
    return times


@scenario("R26", "no processor is left for the workers")
def starvation(world: World, chance: random.Random, scale: float) -> Sequence[Figure]:
    """Four times as many busy processes as processors, and at the end a worker whose event loop is held for longer than
    a lease: slow, but nothing is taken from a worker that lives.
    """
    seconds = scaled(300, scale, 8)
    workers = [world.start_worker("r26") for _ in range(2)]
    accepted: list[str] = []
    with _stress(4 * (os.cpu_count() or 1)):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            accepted += world.enqueue("r26", 4, each=[{"seconds": chance.uniform(0.5, 2 * LEASE_S)} for _ in range(4)])
            time.sleep(1)
        accepted += world.enqueue("r26", each=[{"hold": 1.5 * LEASE_S}])
        world.rest("r26")
    world.fleet.stop(*workers)
    again = {event.job for event in world.events("r26") if event.epoch > 1}
    return [
        *judged(world.judge("r26", accepted=accepted), world.replay_completions("r26")),
        Figure(name="stress", value=seconds, unit="s"),
        Figure(name="taken from a living worker", value=len(again), most=0),
    ]


@contextmanager
def _stress(count: int) -> Iterator[None]:
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()
