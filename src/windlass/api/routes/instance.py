"""What the server says of itself, to anybody: version, health, readiness."""

from fastapi import Request, Response

from windlass import __version__
from windlass.api.access import Routes
from windlass.api.responses import json, text
from windlass.api.state import App
from windlass.errors import DatabaseUnavailable
from windlass.workspaces import service as workspaces

routes = Routes("instance")

PROTOCOL_VERSION = "CE v1.850.0"


@routes.get("/version", None, anonymous=True)
async def version() -> Response:
    """The version of the protocol that is spoken here.

    Clients parse what stands after the `v` to choose their dialect, so our own version goes in the header
    `X-Windlass-Version`.
    """
    response = text(PROTOCOL_VERSION)
    response.headers["X-Windlass-Version"] = __version__
    return response


@routes.get("/health/status", None, anonymous=True)
async def health(request: Request) -> Response:
    """Whether the server and its database work: always an answer, 503 when the database does not."""
    is_healthy = await _database_answers(request.app.state.windlass)
    word = "healthy" if is_healthy else "unhealthy"
    return json({"status": word, "database_healthy": is_healthy}, 200 if is_healthy else 503)


@routes.get("/ready", None, anonymous=True)
async def ready(request: Request) -> Response:
    """Whether requests can be sent here; 503 while the database is away."""
    is_ready = await _database_answers(request.app.state.windlass)
    return text("ready" if is_ready else "the database does not answer", 200 if is_ready else 503)


async def _database_answers(app: App) -> bool:
    try:
        async with app.database.system_statement() as tx:
            await workspaces.exists(tx, workspaces.ADMINS)
    except DatabaseUnavailable:
        return False
    return True
