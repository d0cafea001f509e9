"""What becomes of an attempt whose worker fell silent. Pure decision; `maintenance/reaper.py` acts on it.

Every redelivery counts, so a job that kills its workers is given up after `max_attempts` starts.
"""

from dataclasses import dataclass
from typing import Any

from windlass.db.pool import Transaction
from windlass.jobs import failures
from windlass.jobs.launch import queries
from windlass.jobs.model import Completion, Status
from windlass.jobs.pull import Held


@dataclass(frozen=True, kw_only=True)
class RescuePolicy:
    """Settings of the rescue: restart at all, and how many starts one job gets."""

    restart: bool
    max_attempts: int


async def zombies(tx: Transaction[None], *, silence: float) -> list[Any]:
    """Running jobs without a heartbeat for `silence` seconds of the database's clock, locked for this transaction."""
    return [row async for row in queries.list_zombies(tx.connection, silence=silence)]


def decide(zombie: Any, policy: RescuePolicy) -> Completion | Held:
    """Either the end of the job, or the attempt to give back to the queue."""
    job_id, epoch, worker = zombie["id"], zombie["epoch"], zombie["worker"]
    if zombie["canceled_by"]:
        result = failures.canceled(zombie["canceled_by"], zombie["canceled_reason"])
        return Completion(job_id=job_id, epoch=epoch, status=Status.CANCELED, result=result)
    if epoch >= policy.max_attempts:
        result = failures.failure("PoisonJob", f"the job was started {epoch} times and each time its worker was lost")
    elif not policy.restart or not zombie["retry_on_crash"]:
        result = failures.failure("WorkerLost", f"worker {worker} was lost while it ran this job")
    else:
        return Held(job_id=job_id, epoch=epoch)
    return Completion(job_id=job_id, epoch=epoch, status=Status.FAILURE, result=result)
