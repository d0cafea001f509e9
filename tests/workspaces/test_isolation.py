"""Row level security: what a request's own SQL sees and changes, whatever the rooms above it check."""

import uuid

import asyncpg
import pytest
import pytest_asyncio

from support.api import PASSWORD
from windlass.auth import accounts
from windlass.auth.permissions import Principal
from windlass.workspaces import service

JOB = uuid.UUID(int=1)

TABLES_WITH_WORKSPACE = """
    SELECT table_name, column_name FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name <> 'token'
      AND (column_name = 'workspace_id' OR (table_name, column_name) = ('workspace', 'id'))
"""
MADE_WITH_THE_WORKSPACE = {"workspace", "workspace_key", "member", "user_group", "resource_type"}
ROWS = {
    "group_member": "INSERT INTO group_member VALUES ('bobs', 'all', 'bob')",
    "folder": "INSERT INTO folder (workspace_id, name, owners, created_by) VALUES ('bobs', 'team', '{u/bob}', 'bob')",
    "script": "INSERT INTO script (workspace_id, hash, path, content, language, created_by)"
    " VALUES ('bobs', 1, 'f/team/x', '', 'bash', 'bob')",
    "draft": "INSERT INTO draft VALUES ('bobs', 'u/bob/x', 'script', 'bob', '{}')",
    "variable": "INSERT INTO variable (workspace_id, path, value, edited_by) VALUES ('bobs', 'f/team/v', 's', 'bob')",
    "resource": "INSERT INTO resource (workspace_id, path, resource_type, created_by)"
    " VALUES ('bobs', 'f/team/r', 'http', 'bob')",
    "job": "INSERT INTO job (id, workspace_id, kind, tag, created_by, permissioned_as, permissioned_as_email)"
    f" VALUES ('{JOB}', 'bobs', 'script', 'bash', 'bob', 'u/bob', 'bob@example.com')",
    "job_queue": f"INSERT INTO job_queue (id, workspace_id, tag) VALUES ('{JOB}', 'bobs', 'bash')",
    "job_completed": "INSERT INTO job_completed (id, workspace_id, status, duration_ms, epoch)"
    f" VALUES ('{JOB}', 'bobs', 'success', 1, 1)",
    "job_log": f"INSERT INTO job_log VALUES ('{JOB}', 'bobs', 0, 1, 'x')",
    "job_stream": f"INSERT INTO job_stream VALUES ('{JOB}', 'bobs', 0, 'x')",
    "job_idempotency": f"INSERT INTO job_idempotency VALUES ('bobs', 'k', '{JOB}', '')",
    "audit_log": "INSERT INTO audit_log (workspace_id, username, operation, action_kind)"
    " VALUES ('bobs', 'bob', 'jobs.run', 'Execute')",
}


def person(name: str, workspace: str, role: str = "admin") -> Principal:
    return Principal(email=f"{name}@example.com", username=name, role=role, workspace=workspace, groups=("all",))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def tables(database):
    """Alice's and Bob's workspaces, a row of Bob's in each table; the tables with their workspace column."""
    async with database.system() as tx:
        for name, workspace in (("alice", "alices"), ("bob", "bobs")):
            email = f"{name}@example.com"
            await accounts.create(tx, email=email, password=PASSWORD)
            await service.create(tx, workspace=workspace, name=name, owner_email=email, username=name)
        for statement in ROWS.values():
            await tx.connection.execute(statement)
        found = await tx.connection.fetch(TABLES_WITH_WORKSPACE)
    return {row["table_name"]: row["column_name"] for row in found}


async def count(tx, table: str, column: str) -> int:
    return await tx.connection.fetchval(f"SELECT count(*) FROM {table} WHERE {column} = 'bobs'")


async def test_every_table_with_a_workspace_has_a_row_in_this_test(tables):
    assert set(tables) == set(ROWS) | MADE_WITH_THE_WORKSPACE


async def test_an_admin_sees_their_own_workspace_in_every_table(database, tables):
    async with database.transaction(person("bob", "bobs")) as tx:
        assert [table for table, column in tables.items() if not await count(tx, table, column)] == []


async def test_nothing_of_another_workspace_is_visible_in_any_table(database, tables):
    async with database.transaction(person("alice", "alices")) as tx:
        assert [table for table, column in tables.items() if await count(tx, table, column)] == []


async def test_nothing_is_visible_without_a_workspace(database, tables):
    async with database.transaction(person("alice", None, "superadmin")) as tx:
        assert [table for table, column in tables.items() if await count(tx, table, column)] == []


async def test_nothing_of_another_workspace_can_be_changed_or_removed(database, tables):
    for table, column in tables.items():
        for statement in (f"DELETE FROM {table} WHERE {column} = 'bobs'",
                          f"UPDATE {table} SET {column} = 'alices' WHERE {column} = 'bobs'"):  # fmt: skip
            try:
                async with database.transaction(person("alice", "alices")) as tx:
                    assert (await tx.connection.execute(statement)).endswith(" 0"), statement
            except asyncpg.InsufficientPrivilegeError:
                continue  # no grant at all is refusal enough
    async with database.transaction(person("bob", "bobs")) as tx:
        assert [table for table, column in tables.items() if not await count(tx, table, column)] == []


async def test_nothing_can_be_put_into_another_workspace(database, tables):
    for statement in ROWS.values():
        with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.UniqueViolationError)) as caught:
            async with database.transaction(person("alice", "alices")) as tx:
                await tx.connection.execute(statement)
        assert isinstance(caught.value, asyncpg.InsufficientPrivilegeError), statement


@pytest.mark.parametrize("table", ["account", "token", "login_attempt", "instance_setting", "windlass_migration"])
async def test_the_instance_is_out_of_reach_of_a_request(database, tables, table):
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.transaction(person("bob", "bobs")) as tx:
            await tx.connection.execute(f"SELECT * FROM {table}")


async def test_an_operator_changes_nobody_even_with_sql_of_their_own(database, tables):
    async with database.transaction(person("bob", "bobs", "operator")) as tx:
        assert await tx.connection.execute("UPDATE member SET is_admin = true, operator = false") == "UPDATE 0"
        assert await tx.connection.execute("UPDATE folder SET owners = '{u/eve}'") == "UPDATE 1"
