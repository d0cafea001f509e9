"""The end of a job, in one guarded statement. Called by `flows.settle` only, so that no parent flow is forgotten."""

from windlass.db.pool import Transaction
from windlass.jobs.launch import queries
from windlass.jobs.model import Completion


async def complete(tx: Transaction, completion: Completion) -> bool:
    """Move a job from the queue to the completed; False when this attempt no longer holds it, and nothing changed."""
    moved = await queries.complete_job(
        tx.connection, id=completion.job_id, epoch=completion.epoch, status=completion.status,
        result=completion.result.decode(), canceled_by=completion.canceled_by,
        canceled_reason=completion.canceled_reason, mem_peak=completion.mem_peak, labels=list(completion.labels),
    )  # fmt: skip
    return moved == 1
