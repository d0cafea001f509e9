"""Wiping what a completed job carried; its row stays for the counts."""

from uuid import UUID

from windlass.auth.permissions import Principal
from windlass.db.pool import Transaction
from windlass.errors import NotFound
from windlass.jobs.launch import queries


async def erase(tx: Transaction[Principal], job_id: UUID) -> None:
    """Wipe a result for good; NotFound when the job has not completed or may not be seen."""
    if await queries.erase_completed(tx.connection, id=job_id, workspace=tx.actor.workspace) is None:
        raise NotFound(f"job {job_id} has not completed, or does not exist")
