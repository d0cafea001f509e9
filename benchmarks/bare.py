"""What a submission is measured against: a bare Starlette route that does one INSERT a request and nothing else.

Started by `benchmarks/submit.py` as a process of its own; the database's URL comes by the environment (BARE_URL).
"""

import os
import sys
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg
import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

TABLE = (
    "CREATE TABLE IF NOT EXISTS bare (id uuid PRIMARY KEY, args json NOT NULL, created_at timestamptz DEFAULT now())"
)
CONNECTIONS = 20


@asynccontextmanager
async def lifespan(app: Starlette):
    """The pool of the process."""
    async with asyncpg.create_pool(os.environ["BARE_URL"], min_size=1, max_size=CONNECTIONS) as pool:
        await pool.execute(TABLE)
        app.state.pool = pool
        yield


async def insert(request: Request) -> PlainTextResponse:
    """Store the body under a new id."""
    number = uuid4()
    body = (await request.body()).decode()
    await request.app.state.pool.execute("INSERT INTO bare (id, args) VALUES ($1, $2::json)", number, body)
    return PlainTextResponse(str(number), 201)


async def main(port: int) -> None:
    """Serve until stopped."""
    app = Starlette(routes=[Route("/insert", insert, methods=["POST"])], lifespan=lifespan)
    await uvicorn.Server(uvicorn.Config(
        app, host="127.0.0.1", port=port, log_level="warning", access_log=False, loop="none", http="httptools",
    )).serve()  # fmt: skip


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
