"""The first start: which password works from where, and that it happens once."""

import asyncio

import pytest

from support.api import open_database, settings_for
from support.postgres import fresh_database
from windlass.auth import accounts
from windlass.workspaces import first_start, service


@pytest.fixture
async def empty(postgres):
    """Pools on an empty migrated database, and its logins."""
    async with fresh_database(postgres) as urls:
        database = open_database(urls)
        await database.open()
        yield database, urls
        await database.close()


async def first_account(database):
    async with database.system() as tx:
        return await accounts.get(tx, accounts.FIRST_EMAIL)


async def test_on_loopback_the_known_password_asks_to_be_changed_and_works_from_here_only(empty):
    database, urls = empty
    assert await first_start.prepare(database, settings_for(urls)) == "changeme"
    account = await first_account(database)
    assert account["super_admin"] and account["loopback_only"] and account["must_change_password"]


async def test_on_any_other_address_a_password_is_made_up_and_told(empty):
    database, urls = empty
    password = await first_start.prepare(database, settings_for(urls, host="0.0.0.0"))
    assert password is not None and len(password) >= 16
    account = await first_account(database)
    assert account["must_change_password"] and not account["loopback_only"]


async def test_a_chosen_password_is_taken_and_not_repeated(empty):
    database, urls = empty
    chosen = settings_for(urls, superadmin_initial_password="chosen by a person")
    assert await first_start.prepare(database, chosen) is None
    account = await first_account(database)
    assert not account["must_change_password"] and not account["loopback_only"]


async def test_two_processes_at_once_make_one_account_and_two_workspaces(empty):
    database, urls = empty
    settings = settings_for(urls, host="0.0.0.0")
    told = await asyncio.gather(*(first_start.prepare(database, settings) for _ in range(4)))
    assert sum(password is not None for password in told) == 1
    async with database.system() as tx:
        assert [found.id for found in await service.list_for(tx, accounts.FIRST_EMAIL)] == ["main", "admins"]


async def test_a_workspace_that_was_removed_does_not_come_back(empty):
    database, urls = empty
    await first_start.prepare(database, settings_for(urls))
    async with database.system() as tx:
        await tx.connection.execute("DELETE FROM workspace WHERE id = 'main'")
    assert await first_start.prepare(database, settings_for(urls)) is None
    async with database.system() as tx:
        assert not await service.exists(tx, "main")
