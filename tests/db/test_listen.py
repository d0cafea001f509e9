"""The listener outlives whatever the database answers it."""

import asyncio

import asyncpg
import pytest

from windlass.db import listen
from windlass.db.listen import Listener
from windlass.errors import DatabaseUnavailable
from windlass.maintenance import runner


class Refusing:
    """A database that refuses the first connection and tells of the second."""

    def __init__(self, refusal):
        self.refusal = refusal
        self.asked_again = asyncio.Event()

    async def dedicated(self):
        refusal, self.refusal = self.refusal, None
        if refusal is not None:
            raise refusal
        self.asked_again.set()
        await asyncio.Event().wait()


REFUSALS = [DatabaseUnavailable("away"), asyncpg.InvalidPasswordError("changed"), asyncpg.DiskFullError("full")]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda error: type(error).__name__)
async def test_a_listener_asks_again_whatever_the_database_says(refusal, monkeypatch):
    monkeypatch.setattr(listen, "RECONNECT_S", 0)
    database = Refusing(refusal)
    listening = asyncio.create_task(Listener(database, ("news",)).run())
    async with asyncio.timeout(5):
        await database.asked_again.wait()
    listening.cancel()


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda error: type(error).__name__)
async def test_maintenance_asks_again_whatever_the_database_says(refusal, monkeypatch):
    monkeypatch.setattr(runner, "ELECTION_S", 0)
    database = Refusing(refusal)
    leading = asyncio.create_task(runner.run(database, []))
    async with asyncio.timeout(5):
        await database.asked_again.wait()
    leading.cancel()
