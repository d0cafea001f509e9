"""What every program of a peer serves: `POST /run` and `POST /drain`. Each program runs in its peer's environment.

`sides` starts a program as `uvicorn <program>:app`, with what it may use in its environment: PORT and CHILD_PORT to
listen on, FOLDER to write to, and DATABASE_URL of an empty database.
"""

import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

POLL_S = 0.01

Seconds = dict[str, float]
"""`enqueue_s` until everything was enqueued, `total_s` until all of it was done, both from the start."""


def application(
    *,
    run: Callable[[int], Awaitable[int]],
    drain: Callable[[int], Awaitable[Seconds]] | None = None,
    lifespan: Callable[[Starlette], AbstractAsyncContextManager[None]],
) -> Starlette:
    """Serve one task from submission to result, and a batch of no-ops from the first submission to the last end."""

    async def one(request: Request) -> Response:
        return JSONResponse(await run((await request.json())["n"]))

    routes = [Route("/run", one, methods=["POST"]), Route("/ready", _ready)]
    if drain is not None:
        routes.append(Route("/drain", _many(drain), methods=["POST"]))
    return Starlette(routes=routes, lifespan=lifespan)


async def timed(enqueue: Callable[[], Awaitable[object]], is_done: Callable[[], Awaitable[bool]]) -> Seconds:
    """Enqueue, then ask every ten milliseconds whether all is done."""
    begun = time.perf_counter()
    await enqueue()
    enqueued = time.perf_counter() - begun
    while not await is_done():
        await anyio.sleep(POLL_S)
    return {"enqueue_s": enqueued, "total_s": time.perf_counter() - begun}


def _many(drain: Callable[[int], Awaitable[Seconds]]) -> Callable[[Request], Awaitable[Response]]:
    async def many(request: Request) -> Response:
        return JSONResponse(await drain((await request.json())["count"]))

    return many


async def _ready(_: Request) -> Response:
    return JSONResponse(True)
