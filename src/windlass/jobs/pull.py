"""Claiming and keeping jobs: what a worker asks of the queue. Called by `worker/source.py` and `worker/heart.py`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from windlass import tiers
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


@dataclass(frozen=True, kw_only=True)
class Front:
    """Where a claim found what is due: the tags and priorities, and the earliest of all. Good for a moment only."""

    tags: Sequence[str]
    priorities: Sequence[int]
    since: datetime
    since_id: UUID


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What a worker asks for: up to `slots` jobs of these tags. `is_wide`: also those behind the best ones, because
    others held these a moment ago. `front`: look only where the last claim found more than it took. Jobs are stamped
    with the worker's `sandbox_tier` and the rules of that."""

    worker: str
    tags: Sequence[str]
    slots: int
    is_wide: bool = False
    front: Front | None = None
    sandbox_tier: str = tiers.NONE
    sandbox_policy: str | None = None


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """What became of ended attempts, and what was claimed with them. `is_contended`: more was due than was claimed,
    because others hold it at this moment; ask again, widely."""

    accepted: frozenset[UUID]
    claimed: list[ClaimedJob]
    is_contended: bool
    front: Front | None


NO_OUTCOMES: Mapping[str, Sequence[Any]] = dict.fromkeys(
    (
        "ids",
        "epochs",
        "statuses",
        "results",
        "mems",
        "cancelers",
        "reasons",
        "labels",
        "log_starts",
        "log_ends",
        "logs",
    ),
    (),
)


@dataclass(frozen=True, kw_only=True)
class Lease:
    """What a heartbeat learns of an attempt. Not renewed: its row was locked by somebody else at that moment."""

    is_renewed: bool
    cancel: CancelRequest | None


async def pull(tx: Transaction[None], claim: Claim) -> list[ClaimedJob]:
    """Claim due jobs, best priority first, oldest first. Atomic with the attempt's count."""
    return (await exchange(tx, NO_OUTCOMES, claim)).claimed


async def exchange(tx: Transaction[None], outcomes: Mapping[str, Sequence[Any]], claim: Claim) -> Exchange:
    """Claim, and settle by the way: `outcomes` are columns of completions, made by `jobs/complete.py`."""
    front = claim.front
    found = queries.settle_and_pull(
        tx.connection, **outcomes, worker=claim.worker, tags=claim.tags, slots=claim.slots, is_wide=claim.is_wide,
        since=front and front.since, since_id=front and front.since_id, known_tags=front.tags if front else (),
        known_priorities=front.priorities if front else (), sandbox_rank=tiers.rank(claim.sandbox_tier),
        sandbox_tier=claim.sandbox_tier, sandbox_policy=claim.sandbox_policy,
    )  # fmt: skip
    rows = [row async for row in found]
    head, claimed = rows[0], [_claimed(row) for row in rows if row["id"] is not None]
    return Exchange(
        accepted=frozenset(head["accepted"]), claimed=claimed,
        is_contended=len(claimed) < min(claim.slots, head["due"]), front=_front(head),
    )  # fmt: skip


def _front(head: Any) -> Front | None:
    if head["since"] is None:
        return None
    return Front(tags=head["tags"], priorities=head["priorities"], since=head["since"], since_id=head["since_id"])


async def beat(tx: Transaction[None], held: Sequence[Held]) -> dict[tuple[UUID, int], Lease]:
    """Renew the leases of these attempts, by id and epoch. One that is missing from the answer is no longer the
    worker's: stop it."""
    rows = queries.beat(
        tx.connection, ids=[item.job_id for item in held], epochs=[item.epoch for item in held],
        mems=[item.mem_peak for item in held],
    )  # fmt: skip
    return {(row["id"], row["epoch"]): _lease(row) async for row in rows}


async def release(tx: Transaction[None], held: Held) -> None:
    """Give an attempt back, to be claimed again at once (a worker that stops); the attempt stays counted."""
    await queries.release_job(tx.connection, id=held.job_id, epoch=held.epoch)
    await queries.notify_queued(tx.connection)


async def release_unknown(tx: Transaction[None], *, worker: str, held: Sequence[Held]) -> None:
    """Give back what this worker has claimed without knowing it; only the one who pulls may ask, between two pulls."""
    await queries.release_unknown(
        tx.connection, worker=worker, ids=[item.job_id for item in held], epochs=[item.epoch for item in held]
    )


def _lease(row: Any) -> Lease:
    by, reason = row["canceled_by"], row["canceled_reason"]
    return Lease(is_renewed=row["is_renewed"], cancel=CancelRequest(by=by, reason=reason) if by else None)


def _names(environment: str | None) -> tuple[str, ...]:
    return tuple(json.loads(environment)) if environment else ()


def _claimed(row: Any) -> ClaimedJob:
    return ClaimedJob(
        id=row["id"], epoch=row["epoch"], workspace_id=row["workspace_id"], kind=JobKind(row["kind"]),
        path=row["runnable_path"], hash=row["runnable_hash"], language=row["language"], code=row["code"] or "",
        lock=row["lock"], schema=row["schema"], entrypoint=row["entrypoint"], args=row["args"].encode(),
        timeout=row["timeout"], tag=row["tag"], environment=_names(row["environment"]),
        created_by=row["created_by"], permissioned_as=row["permissioned_as"], email=row["permissioned_as_email"],
        parent_job=row["parent_job"], root_job=row["root_job"], trigger_path=row["trigger_path"],
        trigger_kind=row["trigger_kind"], scheduled_for=row["scheduled_for"],
    )  # fmt: skip
