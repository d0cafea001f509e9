"""What a worker reports about a version's lock. Runs with the platform's rights, for the job that was launched for
it."""

from dataclasses import dataclass

from windlass.db.pool import Transaction
from windlass.scripts.service import queries


@dataclass(frozen=True, kw_only=True)
class Lock:
    """The outcome of the dependency job of the version `number`: its lock, or the error why there is none."""

    workspace: str
    number: int
    lock: str | None
    error: str | None


async def record_lock(tx: Transaction[None], found: Lock) -> None:
    """Write the lock, or the reason why there is none. A version that has its lock keeps it."""
    await queries.record_lock(
        tx.connection, workspace=found.workspace, hash=found.number, lock=found.lock, error=found.error
    )
