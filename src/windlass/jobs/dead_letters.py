"""Jobs that took their workers with them until their starts were used up: what they were asked to do, so that they can
be run again. Called by the route for that; they are listed with all other jobs."""

from uuid import UUID

from windlass.auth.permissions import Principal
from windlass.db.pool import Transaction
from windlass.errors import NotFound
from windlass.jobs.launch import queries
from windlass.jobs.model import JobKind, RunRequest


async def request_of(tx: Transaction[Principal], job_id: UUID) -> RunRequest:
    """The request that a dead letter came from, for whoever asks now. Raises NotFound for every other job."""
    row = await queries.find_dead_letter(tx.connection, id=job_id, workspace=tx.actor.workspace)
    if row is None:
        raise NotFound(f"dead letter {job_id} not found")
    fields = dict(row)
    return RunRequest(**fields | {"kind": JobKind(fields["kind"]), "args": fields["args"].encode()})
