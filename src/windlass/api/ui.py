"""Serves the built web UI: hashed assets for ever, everything else the one page. Unknown paths below /api stay 404."""

from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.staticfiles import StaticFiles

FOLDER = Path(__file__).parent / "static"
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
MISSING = """<!doctype html><html lang="en"><title>Windlass</title><body style="font-family:sans-serif;margin:4rem">
<h1>The web UI is not built</h1><p>The API is up. Build the pages with <code>make build</code> and
reload.</p></body></html>"""


class Assets(StaticFiles):
    """Files whose names carry a hash of their content."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        response = super().file_response(*args, **kwargs)  # pyright: ignore[reportArgumentType]
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def mount(app: FastAPI) -> None:
    """Add the pages behind every other route."""
    if (FOLDER / "assets").is_dir():
        app.mount("/assets", Assets(directory=FOLDER / "assets"))
    app.router.routes.append(Route("/api/{path:path}", _no_endpoint, methods=METHODS, include_in_schema=False))
    app.router.routes.append(Route("/{path:path}", _page, methods=["GET"], include_in_schema=False))


async def _no_endpoint(request: Request) -> Response:
    return PlainTextResponse(f"no such endpoint: {request.method} {request.url.path}", 404)


async def _page(request: Request) -> Response:
    path = request.path_params["path"]
    file = FOLDER / path
    if "/" not in path and path and file.is_file():
        return FileResponse(file, headers={"Cache-Control": "no-cache"})
    page = FOLDER / "index.html"
    if not page.is_file():
        return HTMLResponse(MISSING, 503)
    return FileResponse(page, headers={"Cache-Control": "no-cache"})
