"""What a worker reports about a version's lock. Runs with the platform's rights, for the job that was launched for
it."""

from windlass.db.pool import Transaction
from windlass.scripts.service import queries


async def record_lock(
    tx: Transaction[None], *, workspace: str, number: int, lock: str | None, error: str | None
) -> None:
    """Write the lock, or the reason why there is none. A version that has its lock keeps it."""
    await queries.record_lock(tx.connection, workspace=workspace, hash=number, lock=lock, error=error)
