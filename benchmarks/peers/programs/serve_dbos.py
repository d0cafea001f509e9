"""DBOS behind Starlette: durable workflows in PostgreSQL, called directly for one, by a queue for many."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
from dbos import DBOS
from serving import Seconds, application, timed
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool

DATABASE = os.environ["DATABASE_URL"]
DBOS(config={"name": "bench", "system_database_url": DATABASE, "run_admin_server": False})


@DBOS.workflow()
def increment(n: int) -> int:
    return n + 1


async def run(n: int) -> int:
    return await run_in_threadpool(increment, n)


async def drain(count: int) -> Seconds:
    connection = await psycopg.AsyncConnection.connect(DATABASE, autocommit=True)
    before = await _succeeded(connection)

    def enqueue() -> None:
        queue = DBOS.retrieve_queue("bench")
        for n in range(count):
            queue.enqueue(increment, n)

    async def is_done() -> bool:
        return await _succeeded(connection) - before == count

    async with connection:
        return await timed(lambda: asyncio.to_thread(enqueue), is_done)


async def _succeeded(connection: psycopg.AsyncConnection) -> int:
    query = "select count(*) from dbos.workflow_status where status = 'SUCCESS'"
    row = await (await connection.execute(query)).fetchone()
    assert row is not None
    return row[0]


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    DBOS.launch()
    await DBOS.register_queue_async("bench")
    yield
    DBOS.destroy()


app = application(run=run, drain=drain, lifespan=lifespan)
