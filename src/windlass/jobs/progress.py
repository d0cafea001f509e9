"""How far a job is, as the job itself tells."""

from uuid import UUID

from windlass.auth.permissions import Principal
from windlass.db.pool import Transaction
from windlass.errors import Forbidden
from windlass.jobs import read
from windlass.jobs.launch import queries


async def set_percent(tx: Transaction[Principal], job_id: UUID, percent: int) -> None:
    """Note the progress of a running job; a job may speak for itself only."""
    if tx.actor.job_id not in (None, str(job_id)):
        raise Forbidden("a job may only set its own progress")
    await read.check_visible(tx, job_id)
    await queries.set_progress(tx.connection, id=job_id, workspace=tx.actor.workspace, percent=percent)


async def get_percent(tx: Transaction[Principal], job_id: UUID) -> int | None:
    """The progress of a job; None when it never told, or may not be seen."""
    return await queries.get_progress(tx.connection, id=job_id, workspace=tx.actor.workspace)
