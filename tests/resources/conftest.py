"""Transactions of a member, as a worker or a route opens them."""

from contextlib import asynccontextmanager

import pytest_asyncio

from support.api import make_member
from windlass.auth.identity import Keys, identify


@asynccontextmanager
async def transaction_of(client):
    async with client.database.system() as tx:
        keys = Keys(job_key=b"k" * 32, superadmin_secret=None)
        principal = await identify(tx, keys, client.token, client.workspace)
    async with client.database.transaction(principal) as tx:
        yield tx


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def alice(api):
    """A developer."""
    return await make_member(api, "alice")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def bob(api):
    """Another developer."""
    return await make_member(api, "bob")


@pytest_asyncio.fixture
async def tx(alice):
    """A transaction of alice's; what it writes stays."""
    async with transaction_of(alice) as tx:
        yield tx


@pytest_asyncio.fixture
async def bobs_tx(bob):
    """A transaction of bob's."""
    async with transaction_of(bob) as tx:
        yield tx
