"""`windlass migrate`: the database up to date, without starting anything else."""

from windlass.commands import databases
from windlass.db import embedded
from windlass.db.migrate import migrate
from windlass.settings import Settings


async def run(settings: Settings) -> int:
    """Bring the database up to date and say what was done."""
    server = None if settings.database_url else await embedded.start(settings.home)
    try:
        applied = await migrate(server.owner_url if server else databases.owner_url(settings))
    finally:
        if server is not None:
            await server.stop()
    print("\n".join(f"applied {name}" for name in applied) or "the database is up to date")
    return 0
