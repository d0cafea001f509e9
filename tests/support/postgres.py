"""A real PostgreSQL for the whole test run, and a fresh migrated database for whoever asks."""

import itertools
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from windlass.db import embedded
from windlass.db.migrate import migrate

TEMPLATE = "windlass_template"
_numbers = itertools.count(1)


@dataclass(frozen=True, kw_only=True)
class Urls:
    """The three logins of one database."""

    owner: str
    api: str
    system: str

    def of(self, database: str) -> "Urls":
        """The same logins for another database of the cluster."""
        return Urls(**{name: with_database(url, database) for name, url in vars(self).items()})


def with_database(url: str, database: str) -> str:
    """The URL with another database name."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


@asynccontextmanager
async def running_postgres() -> AsyncIterator[Urls]:
    """An embedded server below a temporary home that every account may enter, with a migrated template."""
    home = Path(tempfile.mkdtemp(prefix="windlass-test-"))
    home.chmod(0o711)
    server = await embedded.start(home)
    try:
        urls = Urls(owner=server.owner_url, api=server.api_url, system=server.system_url)
        await _execute(urls.owner, f"CREATE DATABASE {TEMPLATE}")
        await migrate(with_database(urls.owner, TEMPLATE))
        yield urls
    finally:
        await server.stop()
        shutil.rmtree(home, ignore_errors=True)


@asynccontextmanager
async def fresh_database(urls: Urls) -> AsyncIterator[Urls]:
    """A copy of the template, dropped at the end."""
    name = f"test_{next(_numbers)}"
    await _execute(urls.owner, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    try:
        yield urls.of(name)
    finally:
        await _execute(urls.owner, f"DROP DATABASE {name} WITH (FORCE)")


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
