"""Claiming and keeping jobs: what a worker asks of the queue. Called by `worker/source.py` only."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from windlass.db.pool import Transaction
from windlass.jobs.launch import queries
from windlass.jobs.model import ClaimedJob, JobKind


@dataclass(frozen=True, kw_only=True)
class Held:
    """An attempt that a worker is busy with. `mem_peak` in KiB."""

    job_id: UUID
    epoch: int
    mem_peak: int | None = None


@dataclass(frozen=True, kw_only=True)
class CancelRequest:
    """Somebody wants a running job to end."""

    by: str
    reason: str | None


async def pull(tx: Transaction[None], *, worker: str, tags: Sequence[str], slots: int) -> list[ClaimedJob]:
    """Claim up to `slots` due jobs of these tags, best priority first, oldest first. Atomic with the attempt's
    count."""
    rows = queries.pull_jobs(tx.connection, worker=worker, tags=list(tags), slots=slots)
    return [_claimed(row) async for row in rows]


async def beat(tx: Transaction[None], held: Sequence[Held]) -> dict[UUID, CancelRequest | None]:
    """Renew the leases of these attempts. A job missing from the answer is no longer the worker's: stop it."""
    rows = queries.beat(
        tx.connection, ids=[item.job_id for item in held], epochs=[item.epoch for item in held],
        mems=[item.mem_peak for item in held],
    )  # fmt: skip
    return {row["id"]: _cancel_request(row) async for row in rows}


async def release(tx: Transaction[None], held: Held) -> None:
    """Give an attempt back, to be claimed again at once (a worker that stops); the attempt stays counted."""
    await queries.release_job(tx.connection, id=held.job_id, epoch=held.epoch)
    await queries.notify_queued(tx.connection)


async def release_unknown(tx: Transaction[None], *, worker: str, held: Sequence[UUID]) -> None:
    """Give back what this worker has claimed without knowing it; only the one who pulls may ask, between two pulls."""
    await queries.release_unknown(tx.connection, worker=worker, held=list(held))


def _cancel_request(row: Any) -> CancelRequest | None:
    return CancelRequest(by=row["canceled_by"], reason=row["canceled_reason"]) if row["canceled_by"] else None


def _claimed(row: Any) -> ClaimedJob:
    return ClaimedJob(
        id=row["id"], epoch=row["epoch"], workspace_id=row["workspace_id"], kind=JobKind(row["kind"]),
        path=row["runnable_path"], hash=row["runnable_hash"], language=row["language"], code=row["code"] or "",
        lock=row["lock"], schema=row["schema"], entrypoint=row["entrypoint"], args=row["args"].encode(),
        timeout=row["timeout"], tag=row["tag"], environment=tuple(json.loads(row["environment"] or "[]")),
        created_by=row["created_by"], permissioned_as=row["permissioned_as"], email=row["permissioned_as_email"],
        parent_job=row["parent_job"], root_job=row["root_job"], trigger_path=row["trigger_path"],
        trigger_kind=row["trigger_kind"], scheduled_for=row["scheduled_for"],
    )  # fmt: skip
