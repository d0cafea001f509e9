"""`windlass server`: the API, the web UI and, on the leader, maintenance."""

import asyncio
import gc
import sys

import uvicorn

from windlass.api.app import create_app
from windlass.commands import databases
from windlass.maintenance import expirer, reaper, runner
from windlass.settings import Settings

KEEP_ALIVE_S = 65  # longer than the 60 s of common proxies, so that they close first


async def run(settings: Settings) -> int:
    """The API server with the web UI, and maintenance when it leads."""
    if not settings.is_supervised:
        await databases.prepare(settings)
    database = databases.make_database(settings, databases.SERVER_POOL)
    app = create_app(settings, database)
    gc.freeze()  # what is here now stays: looking for garbage in it again and again is a tenth of a busy server's time
    server = uvicorn.Server(uvicorn.Config(
        app, host=settings.host, port=settings.port, log_level="warning", access_log=False,
        loop="none", http="httptools", ws="none", timeout_graceful_shutdown=5, timeout_keep_alive=KEEP_ALIVE_S,
        server_header=False, backlog=2048,
    ))  # fmt: skip
    duties = asyncio.create_task(runner.run(database, [reaper.duty(settings), expirer.duty()]))
    announcing = asyncio.create_task(_announce(server, settings))
    try:
        await server.serve()
    finally:
        for task in (duties, announcing):
            task.cancel()
        await asyncio.gather(duties, announcing, return_exceptions=True)
    return 0 if server.started else 1


async def _announce(server: uvicorn.Server, settings: Settings) -> None:
    while not server.started:
        await asyncio.sleep(0.01)
    print(f"Windlass is ready: http://{settings.host}:{settings.port}", file=sys.stderr, flush=True)
