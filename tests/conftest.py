"""Fixtures: one PostgreSQL a run, one database and one application a test module."""

import pytest
import pytest_asyncio

from support.api import open_database, running_api
from support.platform import running_platform
from support.postgres import fresh_database, running_postgres


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def postgres():
    """The server's three logins (on its default database)."""
    async with running_postgres() as urls:
        yield urls


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def urls(postgres):
    """The logins of a migrated database of this test module."""
    async with fresh_database(postgres) as urls:
        yield urls


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def database(urls):
    """Open pools on this module's database."""
    database = open_database(urls)
    await database.open()
    yield database
    await database.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def api(urls):
    """The application on this module's database, as its superadmin."""
    async with running_api(urls) as api:
        yield api


@pytest.fixture
def anonymous(api):
    """The same application, nobody logged in."""
    return api.as_token(None)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def platform(urls):
    """Server and one worker on this module's database."""
    async with running_platform(urls) as platform:
        yield platform
