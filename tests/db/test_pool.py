"""The pools while the server ends their connections."""

import asyncio
from collections import Counter

import asyncpg
import pytest

from support.api import open_database
from support.postgres import fresh_database
from windlass.errors import DatabaseUnavailable

END_ALL_OTHERS = """
    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@pytest.fixture
async def own(postgres):
    async with fresh_database(postgres) as urls:
        yield urls


async def test_a_connection_that_ends_at_any_moment_is_the_database_being_away(own):
    database, outcomes = open_database(own), Counter()
    await database.open()
    admin = await asyncpg.connect(own.owner)
    for _ in range(200):
        ending = asyncio.create_task(admin.execute(END_ALL_OTHERS))
        while not ending.done():
            try:
                async with database.system() as tx:
                    outcomes[await tx.connection.fetchval("SELECT 'answered'")] += 1
            except DatabaseUnavailable:
                outcomes["away"] += 1
            await asyncio.sleep(0)
    await admin.close()
    async with database.system() as tx:
        assert await tx.connection.fetchval("SELECT 1") == 1
    await database.close()
    assert outcomes["answered"] > 0
    assert outcomes["away"] > 0
