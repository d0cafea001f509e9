"""People of a module's workspace, as clients, beside the superadmin `api`."""

import pytest_asyncio

from support.api import make_member


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def dev(api):
    """A developer."""
    return await make_member(api, "dev")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def other(api):
    """Another developer."""
    return await make_member(api, "other")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def operator(api):
    """An operator."""
    return await make_member(api, "operator", operator=True)
