"""Forward migrations: numbered `.sql` files, each applied once, in order, in its own transaction, with its
checksum kept.

A released file is never edited: a changed checksum stops the start. Files are additive first; what old workers still
read is removed a release later.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from windlass.db.pool import GONE, connect
from windlass.errors import DatabaseUnavailable, Misconfigured

FOLDER = Path(__file__).parent / "migrations"
LOCK_KEY = 7_463_110_202
MINIMUM_VERSION = 140_000
HISTORY = """
    CREATE TABLE IF NOT EXISTS windlass_migration (
        name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now()
    )
"""


@dataclass(frozen=True, kw_only=True)
class Migration:
    """One file."""

    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations() -> list[Migration]:
    """Every migration, oldest first."""
    return [Migration(name=path.name, sql=path.read_text()) for path in sorted(FOLDER.glob("*.sql"))]


async def migrate(owner_url: str) -> list[str]:
    """Bring the database up to date and return the names of what was applied. Safe to run from many processes."""
    try:
        connection = await connect(owner_url, role=None, command_timeout=None)
    except GONE as error:
        raise DatabaseUnavailable(f"cannot reach PostgreSQL: {error}") from error
    try:
        await _check_version(connection)
        await connection.execute("SELECT pg_advisory_lock($1)", LOCK_KEY)
        await connection.execute(HISTORY)
        return [item.name for item in migrations() if await _apply(connection, item)]
    except asyncpg.InsufficientPrivilegeError as error:
        raise Misconfigured(
            f"the login of DATABASE_URL may not do what a migration needs: {error}; it must own the database and be"
            " able to create roles, or be a member of windlass_user and windlass_service with ADMIN OPTION"
        ) from error
    finally:
        await connection.close()


async def _check_version(connection: asyncpg.Connection) -> None:
    version = connection.get_server_version().major * 10_000
    if version < MINIMUM_VERSION:
        raise Misconfigured(f"PostgreSQL 14 or newer is needed, this is {version // 10_000}")


async def _apply(connection: asyncpg.Connection, item: Migration) -> bool:
    known = await connection.fetchval("SELECT checksum FROM windlass_migration WHERE name = $1", item.name)
    if known == item.checksum:
        return False
    if known is not None:
        raise Misconfigured(f"migration {item.name} was applied with another text; restore the released file")
    async with connection.transaction():
        await connection.execute(item.sql)
        await connection.execute(
            "INSERT INTO windlass_migration (name, checksum) VALUES ($1, $2)", item.name, item.checksum
        )
    return True
