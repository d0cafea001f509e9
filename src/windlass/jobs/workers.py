"""Workers as the queue knows them: who was heard of lately, and who is about to stop."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from windlass import __version__
from windlass.db.pool import Transaction
from windlass.jobs.launch import queries


@dataclass(frozen=True, kw_only=True)
class WorkerInfo:
    """What a worker tells about itself."""

    name: str
    instance: str
    group: str
    tags: tuple[str, ...]
    slots: int
    tier: str
    policy: str


async def ping(tx: Transaction[None], info: WorkerInfo, *, draining: bool, jobs_executed: int) -> None:
    """Note that a worker lives."""
    await queries.ping_worker(
        tx.connection, worker=info.name, instance=info.instance, worker_group=info.group, tags=list(info.tags),
        version=__version__, tier=info.tier, slots=info.slots, draining=draining, jobs_executed=jobs_executed,
    )  # fmt: skip


async def goodbye(tx: Transaction[None], name: str) -> None:
    """Take a worker off the list, and those not heard of for a day."""
    await queries.remove_worker(tx.connection, worker=name)


async def list_heard_of(tx: Transaction[None], *, seconds: int) -> list[dict[str, Any]]:
    """The workers of the last seconds, in the protocol's shape."""
    return [_shape(row) async for row in queries.list_workers(tx.connection, silence=seconds)]


async def is_draining(tx: Transaction[None], job_id: UUID) -> bool:
    """Whether the worker of a running job is about to stop."""
    return await queries.worker_is_draining(tx.connection, id=job_id)


def _shape(row: Any) -> dict[str, Any]:
    return {
        "worker": row["worker"], "worker_instance": row["worker_instance"], "last_ping": row["last_ping"],
        "started_at": row["started_at"], "ip": "", "jobs_executed": row["jobs_executed"],
        "custom_tags": row["tags"], "worker_group": row["worker_group"], "wm_version": row["version"],
        "job_isolation": row["tier"], "draining": row["draining"],
    }  # fmt: skip
