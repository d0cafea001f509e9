"""Who may run what is decided in Python, since pushes run on the platform's own login; the policies must agree."""

import itertools
import json

import pytest
import pytest_asyncio

from windlass.auth.permissions import Principal

SHARES = ({}, {"u/ann": False}, {"g/ops": True}, {"u/bob": True}, {"g/all": False})
OWNERS = ("u/ann", "u/bob", "f/read", "f/write", "f/closed", "g/ops", "g/others")
PEOPLE = [
    Principal(email="ann@example.com", username="ann", role=role, workspace=workspace, groups=groups,
              folders_read=("read", "write"), folders_write=("write",))
    for role, workspace, groups in itertools.product(
        ("developer", "operator", "admin"), ("main", "elsewhere"), (("all",), ("all", "ops"))
    )
]  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scripts(api, database):
    """A script for each owner and each way to share it, by path their sharing."""
    made = {f"{owner}/s{number}": share for owner in OWNERS for number, share in enumerate(SHARES)}
    async with database.system() as tx:
        for number, (path, share) in enumerate(made.items()):
            await tx.connection.execute(
                "INSERT INTO script (workspace_id, hash, path, content, language, created_by, extra_perms)"
                " VALUES ('main', $1, $2, '', 'bash', 'x', $3::text::jsonb)", number, path, json.dumps(share),
            )  # fmt: skip
    return made


@pytest.mark.parametrize("person", PEOPLE, ids=lambda it: f"{it.role} of {it.workspace} in {'+'.join(it.groups)}")
async def test_a_principal_may_read_what_row_level_security_shows_and_nothing_else(database, scripts, person):
    async with database.transaction(person) as tx:
        shown = {row["path"] for row in await tx.connection.fetch("SELECT path FROM script")}
    readable = {path for path, share in scripts.items() if person.may_read(path, share)}
    assert shown == (readable if person.workspace == "main" else set())
