"""Builds the server application: state, middleware, routes, the web UI."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from windlass import __version__
from windlass.api import access, errors, lean, ui
from windlass.api.limits import BodyLimit, SecurityHeaders
from windlass.api.routes import ALL
from windlass.api.state import App
from windlass.auth import identity, tokens
from windlass.auth.identity import Identities, Keys
from windlass.db.listen import Listener
from windlass.db.pool import Database
from windlass.jobs.submit import Submissions
from windlass.jobs.wait import CHANNELS, Outcomes
from windlass.settings import Settings


def create_app(settings: Settings, database: Database) -> FastAPI:
    """The application of one server process; Misconfigured when a route is undeclared."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await database.open()
        async with database.system() as tx:
            keys = Keys(job_key=await tokens.job_key(tx), superadmin_secret=settings.superadmin_secret)
        listener = Listener(database, (*CHANNELS, identity.CHANNEL))
        app.state.windlass = state = App(
            settings=settings, database=database, listener=listener, identities=Identities(database, keys),
            submissions=Submissions(database), outcomes=Outcomes(database, listener),
        )  # fmt: skip
        listener.on(identity.CHANNEL, lambda _: state.identities.forget())
        tasks = [asyncio.create_task(listener.run()), asyncio.create_task(state.outcomes.run())]
        yield
        for task in tasks:
            task.cancel()
        state.submissions.close()
        await database.close()

    app = FastAPI(
        title="Windlass", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None,
        openapi_url="/api/openapi.json", telemetry={"tracing": False, "metrics": False, "logs": False},
    )  # fmt: skip
    app.add_middleware(BodyLimit, max_bytes=settings.request_size_limit_mb * 1024 * 1024)
    app.add_middleware(SecurityHeaders)
    errors.install(app)
    access.mount(app, ALL, "/api")
    access.check_declared(app)
    lean.install(app)
    ui.mount(app)
    return app
