"""Cancelling: a waiting job ends at once, a running one is asked to, a forced one ends whatever its worker does."""

from uuid import UUID

from windlass.auth.permissions import Principal
from windlass.db.pool import Transaction
from windlass.flows.settle import settle
from windlass.jobs import failures
from windlass.jobs.launch import queries
from windlass.jobs.model import Completion, Status


async def cancel(tx: Transaction[Principal], job_id: UUID, *, reason: str | None, force: bool = False) -> bool:
    """Cancel a job that the caller may see; False when it is not in the queue (any more).

    With `force` the job ends now; its worker is fenced and stops the process at its next heartbeat.
    """
    by = tx.actor.username
    asked = await queries.ask_to_cancel(
        tx.connection, id=job_id, workspace=tx.actor.workspace, canceled_by=by, canceled_reason=reason
    )
    if asked is None:
        return False
    if force or not asked["running"]:
        await settle(tx, Completion(
            job_id=job_id, epoch=asked["epoch"], status=Status.CANCELED, result=failures.canceled(by, reason),
            canceled_by=by, canceled_reason=reason,
        ))  # fmt: skip
    return True
