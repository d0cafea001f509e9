"""What becomes of an attempt that its worker cannot finish: it fell silent, or it stops. A pure decision;
`flows/rescue.py` acts on it.

Every redelivery counts, so a job that kills its workers is given up after `max_attempts` starts: a dead letter.
"""

from dataclasses import dataclass
from typing import Any

from windlass.db.pool import Transaction
from windlass.jobs import failures
from windlass.jobs.launch import queries
from windlass.jobs.model import Completion, Status
from windlass.jobs.pull import Held
from windlass.languages.shared.header import allows_retry_on_crash


@dataclass(frozen=True, kw_only=True)
class RescuePolicy:
    """Settings of the rescue: restart at all, and how many starts one job gets."""

    restart: bool
    max_attempts: int


async def zombies(tx: Transaction[None], *, silence: float) -> list[Any]:
    """Running jobs without a heartbeat for `silence` seconds of the database's clock, locked for this transaction."""
    return [row async for row in queries.list_zombies(tx.connection, silence=silence)]


async def find_running(tx: Transaction[None], held: Held) -> Any | None:
    """The attempt as `zombies` would tell of it, locked for this transaction; None when it is held no longer."""
    return await queries.find_running(tx.connection, id=held.job_id, epoch=held.epoch)


def decide(attempt: Any, policy: RescuePolicy) -> Completion | Held:
    """Either the end of the job, or the attempt to give back to the queue."""
    job_id, epoch, worker = attempt["id"], attempt["epoch"], attempt["worker"]
    if attempt["canceled_by"]:
        result = failures.canceled(attempt["canceled_by"], attempt["canceled_reason"])
        return Completion(job_id=job_id, epoch=epoch, status=Status.CANCELED, result=result)
    may_run_twice = attempt["retry_on_crash"] and allows_retry_on_crash(attempt["code"] or "")
    is_poison = may_run_twice and epoch >= policy.max_attempts
    if is_poison:
        result = failures.failure("PoisonJob", f"the job was started {epoch} times and each time its worker was lost")
    elif not policy.restart or not may_run_twice:
        result = failures.failure("WorkerLost", f"worker {worker} was lost while it ran this job")
    else:
        return Held(job_id=job_id, epoch=epoch)
    return Completion(job_id=job_id, epoch=epoch, status=Status.FAILURE, result=result, is_dead_letter=is_poison)
