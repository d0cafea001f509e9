"""The database as the settings name it, and its first preparation. Shared by the commands."""

import sys

from windlass.auth.accounts import FIRST_EMAIL
from windlass.db import failpoints
from windlass.db.migrate import migrate
from windlass.db.pool import Database
from windlass.errors import Misconfigured
from windlass.settings import Settings
from windlass.telemetry import get_logger
from windlass.workspaces import first_start

log = get_logger("windlass")
SERVER_POOL, WORKER_POOL = 20, 4


def make_database(settings: Settings, default_size: int) -> Database:
    """The pools of one process, not open yet. Raises Misconfigured without DATABASE_URL."""
    owner = owner_url(settings)
    failpoints.arm(settings.fail)
    return Database(api_url=settings.database_url_api or owner, system_url=settings.database_url_system or owner,
                    size=settings.database_connections or default_size)  # fmt: skip


def owner_url(settings: Settings) -> str:
    """The login that owns the tables. Raises Misconfigured without one."""
    if settings.database_url is None:
        raise Misconfigured("set DATABASE_URL, or run `windlass standalone`, which brings its own PostgreSQL")
    return settings.database_url


async def prepare(settings: Settings) -> None:
    """Migrate the database and make the first account and workspaces; tells the first login once."""
    applied = await migrate(owner_url(settings))
    if applied:
        log.info("migrated the database", applied=len(applied))
    database = make_database(settings, SERVER_POOL)
    await database.open()
    try:
        login = await first_start.prepare(database, settings)
    finally:
        await database.close()
    if login is not None:
        print(f"First login: {FIRST_EMAIL} / {login}   (you will be asked to change it)", file=sys.stderr, flush=True)
