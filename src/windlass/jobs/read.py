"""Reading jobs, for whoever may see them: row level security on `job` decides. The shapes are the protocol's."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from windlass.auth.permissions import Principal
from windlass.db.pool import Transaction
from windlass.errors import NotFound
from windlass.hashes import hex_of
from windlass.jobs import logs
from windlass.jobs.launch import queries
from windlass.jobs.model import Outcome, Status


@dataclass(frozen=True, kw_only=True)
class JobFilter:
    """What a list of jobs is narrowed by; None means any. `place` is `queue` or `completed`."""

    place: str | None = None
    success: bool | None = None
    running: bool | None = None
    canceled: bool | None = None
    dead_letter: bool | None = None
    path_exact: str | None = None
    path_start: str | None = None
    hash: int | None = None
    created_by: str | None = None
    created_before: datetime | None = None
    created_after: datetime | None = None
    started_before: datetime | None = None
    started_after: datetime | None = None
    kinds: list[str] | None = None
    parent_job: UUID | None = None
    has_null_parent: bool | None = None
    tag: str | None = None
    worker: str | None = None
    label: str | None = None
    trigger_kind: str | None = None
    args: str | None = None
    result: str | None = None
    due: bool | None = None
    ascending: bool = False


@dataclass(frozen=True, kw_only=True)
class Update:
    """News of a job since offsets that the watcher knows."""

    running: bool
    completed: bool
    new_logs: str
    log_offset: int
    new_stream: str
    stream_offset: int
    progress: int | None
    mem_peak: int | None


async def get(
    tx: Transaction[Principal], job_id: UUID, *, with_logs: bool = True, with_code: bool = True
) -> dict[str, Any]:
    """One job as the protocol shows it, `type` telling whether it is queued or completed; NotFound when not visible."""
    row = await queries.find_job(tx.connection, id=job_id, workspace=tx.actor.workspace)
    if row is None:
        raise NotFound(f"job {job_id} not found")
    shape = _shape(row) | {"args": orjson.Fragment(row["args"])}
    if row["status"] is not None:
        shape["result"] = orjson.Fragment(row["result"] or "null")
    if with_code:
        shape["raw_code"] = row["raw_code"] if row["raw_code"] is not None else row["content"]
        shape["raw_lock"] = row["raw_lock"]
    if with_logs:
        shape["logs"] = await logs.read(tx, job_id)
    return shape


async def list_jobs(tx: Transaction[Principal], where: JobFilter, *, page: int, per_page: int) -> list[dict[str, Any]]:
    """One page of visible jobs without arguments, results and logs; pages 0 and 1 are both the first."""
    rows = queries.list_jobs(
        tx.connection, workspace=tx.actor.workspace, per_page=per_page, skip=max(page - 1, 0) * per_page, **vars(where)
    )
    return [_shape(row) async for row in rows]


async def outcome(tx: Transaction[Principal], job_id: UUID) -> tuple[Outcome | None, bool]:
    """The outcome of a job, if it has ended and may be seen, and whether it has started."""
    row = await queries.find_visible_outcome(tx.connection, id=job_id, workspace=tx.actor.workspace)
    if row is None or row["status"] is None:
        return None, bool(row and row["running"])
    return Outcome(status=Status(row["status"]), result=row["result"]), True


async def update(
    tx: Transaction[Principal], job_id: UUID, *, log_offset: int, stream_offset: int, with_logs: bool = True
) -> Update:
    """What is new since the offsets; NotFound when the job may not be seen."""
    row = await queries.find_state(tx.connection, id=job_id, workspace=tx.actor.workspace)
    if row is None:
        raise NotFound(f"job {job_id} not found")
    new_logs = await logs.read(tx, job_id, offset=log_offset) if with_logs and row["log_offset"] > log_offset else ""
    new_stream = await logs.read_stream(tx, job_id, offset=stream_offset)
    return Update(
        running=bool(row["running"]), completed=row["status"] is not None, new_logs=new_logs,
        log_offset=log_offset + logs.length(new_logs), new_stream=new_stream,
        stream_offset=stream_offset + logs.length(new_stream), progress=row["progress"], mem_peak=row["mem_peak"],
    )  # fmt: skip


async def check_visible(tx: Transaction[Principal], job_id: UUID) -> None:
    """Raise NotFound when the job may not be seen."""
    await args(tx, job_id)


async def args(tx: Transaction[Principal], job_id: UUID) -> str:
    """The raw JSON arguments of a job."""
    value = await queries.find_args(tx.connection, id=job_id, workspace=tx.actor.workspace)
    if value is None:
        raise NotFound(f"job {job_id} not found")
    return value


async def root(tx: Transaction[Principal], job_id: UUID) -> UUID:
    """The root of the tree that a job belongs to."""
    value = await queries.find_root(tx.connection, id=job_id, workspace=tx.actor.workspace)
    if value is None:
        raise NotFound(f"job {job_id} not found")
    return value


def _shape(row: Any) -> dict[str, Any]:
    shape = _common(row) | (_queued(row) if row["status"] is None else _completed(row))
    return {name: value for name, value in shape.items() if value is not None}


def _common(row: Any) -> dict[str, Any]:
    return {
        "id": row["id"], "workspace_id": row["workspace_id"], "parent_job": row["parent_job"],
        "root_job": row["root_job"], "created_by": row["created_by"], "created_at": row["created_at"],
        "started_at": row["started_at"], "script_path": row["runnable_path"],
        "script_hash": None if row["runnable_hash"] is None else hex_of(row["runnable_hash"]),
        "canceled": row["status"] == Status.CANCELED or row["canceled_by"] is not None,
        "canceled_by": row["canceled_by"], "canceled_reason": row["canceled_reason"], "job_kind": row["kind"],
        "permissioned_as": row["permissioned_as"], "email": row["permissioned_as_email"], "language": row["language"],
        "is_flow_step": False, "visible_to_owner": row["visible_to_owner"], "tag": row["tag"],
        "priority": row["priority"] or None, "mem_peak": row["mem_peak"], "worker": row["worker"],
        "sandbox_tier": row["sandbox_tier"], "sandbox_policy": row["sandbox_policy"],
        "trigger_kind": row["trigger_kind"], "schedule_path": row["trigger_path"], "labels": row["labels"],
    }  # fmt: skip


def _queued(row: Any) -> dict[str, Any]:
    waiting_since = max(row["created_at"], row["scheduled_for"])
    until = row["started_at"] or datetime.now(UTC)
    return {
        "type": "QueuedJob", "running": row["running"], "scheduled_for": row["scheduled_for"],
        "last_ping": row["last_ping"], "self_wait_time_ms": max(0, int((until - waiting_since).total_seconds() * 1000)),
    }  # fmt: skip


def _completed(row: Any) -> dict[str, Any]:
    return {
        "type": "CompletedJob", "success": Status(row["status"]).is_success,
        "is_skipped": row["status"] == Status.SKIPPED, "duration_ms": row["duration_ms"],
        "completed_at": row["completed_at"], "deleted": row["deleted"],
    }  # fmt: skip
