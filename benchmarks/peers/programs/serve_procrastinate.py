"""Procrastinate behind Starlette: jobs in PostgreSQL, a worker of concurrency ten in the same process, no results."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from procrastinate import App, PsycopgConnector
from serving import Seconds, application, timed
from starlette.applications import Starlette

CONCURRENCY = 10

jobs = App(connector=PsycopgConnector(conninfo=os.environ["DATABASE_URL"]))
waiting: dict[int, asyncio.Future[int]] = {}


@jobs.task(name="increment")
async def increment(n: int) -> None:
    if n in waiting:
        waiting.pop(n).set_result(n + 1)


async def run(n: int) -> int:
    waiting[n] = future = asyncio.get_running_loop().create_future()
    await increment.defer_async(n=n)
    return await future


async def drain(count: int) -> Seconds:
    return await timed(lambda: increment.batch_defer_async(*({"n": -1} for _ in range(count))), _is_empty)


async def _is_empty() -> bool:
    query = "select exists (select from procrastinate_jobs where status in ('todo', 'doing')) as busy"
    return not (await jobs.connector.execute_query_one_async(query))["busy"]


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    async with jobs.open_async():
        await jobs.schema_manager.apply_schema_async()
        worker = asyncio.create_task(jobs.run_worker_async(concurrency=CONCURRENCY, install_signal_handlers=False))
        yield
        worker.cancel()
        with suppress(asyncio.CancelledError):
            await worker


app = application(run=run, drain=drain, lifespan=lifespan)
