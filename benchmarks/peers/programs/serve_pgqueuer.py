"""PGQueuer behind Starlette: jobs in PostgreSQL, taken ten at a time in the same process, no results."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver
from pgqueuer.models import Job
from pgqueuer.queries import Queries
from serving import Seconds, application, timed
from starlette.applications import Starlette

BATCH = 10

waiting: dict[int, asyncio.Future[int]] = {}
queries: Queries


async def increment(job: Job) -> None:
    n = int(job.payload or b"")
    if n in waiting:
        waiting.pop(n).set_result(n + 1)


async def run(n: int) -> int:
    waiting[n] = future = asyncio.get_running_loop().create_future()
    await queries.enqueue("increment", b"%d" % n)
    return await future


async def drain(count: int) -> Seconds:
    async def enqueue() -> None:
        await queries.enqueue(["increment"] * count, [b"-1"] * count, [0] * count)

    async def is_done() -> bool:
        return await queries.driver.fetch("select 1 from pgqueuer limit 1") == []

    return await timed(enqueue, is_done)


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    global queries
    server = await asyncpg.connect(os.environ["DATABASE_URL"])
    queries = Queries(AsyncpgDriver(server))
    await queries.install()
    queuer = PgQueuer(AsyncpgDriver(await asyncpg.connect(os.environ["DATABASE_URL"])))
    queuer.entrypoint("increment")(increment)
    worker = asyncio.create_task(queuer.run(batch_size=BATCH))
    yield
    queuer.shutdown.set()
    await worker
    await server.close()


app = application(run=run, drain=drain, lifespan=lifespan)
