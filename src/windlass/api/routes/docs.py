"""The documentation of this very version, as Markdown; the web UI shows it under /docs."""

from functools import cache
from pathlib import Path

from fastapi import Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel

from windlass.api.access import Routes
from windlass.api.responses import json
from windlass.errors import NotFound

routes = Routes("docs")
PACKAGE = Path(__file__).parents[2]
SECTIONS = ("start", "guides", "concepts", "operations", "reference", "internals")


class DocsPage(BaseModel):
    """A page: its name without the suffix, such as `guides/tokens`, and its title."""

    name: str
    title: str


@routes.get("/docs/list", None, anonymous=True, response_model=list[DocsPage])
async def list_pages() -> Response:
    """Every page, in reading order."""
    return json([{"name": name, "title": _title(text)} for name, text in _pages().items()])


@routes.get("/docs/page/{name:path}", None, anonymous=True)
async def get_page(name: str) -> Response:
    """One page as Markdown."""
    text = _pages().get(name.removesuffix(".md"))
    if text is None:
        raise NotFound(f"no page {name[:80]}")
    return PlainTextResponse(text, media_type="text/markdown")


def _title(text: str) -> str:
    return text.splitlines()[0].lstrip("# ").replace("`", "")


@cache
def _pages() -> dict[str, str]:
    """Read once: a name from a request chooses among these and never becomes a path."""
    installed = PACKAGE / "_docs"
    folder = installed if installed.is_dir() else PACKAGE.parents[1] / "docs"
    files = [file for section in SECTIONS for file in sorted((folder / section).glob("*.md"))]
    return {str(file.relative_to(folder).with_suffix("")): file.read_text() for file in files}
