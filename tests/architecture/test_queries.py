"""Every named query of every room is accepted by PostgreSQL on a migrated database."""

from pathlib import Path

import aiosql
import asyncpg
import pytest

import windlass

ROOT = Path(windlass.__file__).parent
FILES = sorted(ROOT.rglob("queries.sql"))


def statements(file: Path) -> dict[str, str]:
    """The SQL of a file by query name, with the driver's own placeholders."""
    queries = aiosql.from_path(file, "asyncpg", mandatory_parameters=False)
    found = {name: getattr(queries, name) for name in queries.available_queries}
    return {name: query.sql for name, query in found.items() if not name.endswith("_cursor")}


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.parent.relative_to(ROOT)))
async def test_every_query_of_the_room_can_be_prepared(urls, file):
    queries = statements(file)
    assert queries
    connection = await asyncpg.connect(urls.owner)
    try:
        for name, sql in queries.items():
            try:
                await connection.prepare(sql)
            except asyncpg.PostgresError as error:
                pytest.fail(f"{file.parent.name}.{name}: {error}")
    finally:
        await connection.close()


async def test_a_misspelt_column_is_found(urls):
    connection = await asyncpg.connect(urls.owner)
    try:
        with pytest.raises(asyncpg.UndefinedColumnError):
            await connection.prepare("SELECT nmae FROM workspace")
    finally:
        await connection.close()
