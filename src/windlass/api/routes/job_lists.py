"""Lists and counts of jobs, the queue, the workers."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Query, Response
from pydantic import BaseModel, ConfigDict, Json

from windlass.api import shapes
from windlass.api.access import Actor, Caller, Routes
from windlass.api.paging import Page, PerPage, csv
from windlass.api.responses import json
from windlass.auth.permissions import Capability
from windlass.errors import BadRequest
from windlass.hashes import number_of
from windlass.jobs import counts, read, workers
from windlass.jobs.read import JobFilter

routes = Routes("job_lists")
READ = Capability.JOBS_READ


class JobListQuery(BaseModel):
    """The filters of a list of jobs."""

    model_config = ConfigDict(extra="ignore")

    page: Page = 1
    per_page: PerPage = 30
    order_desc: bool = True
    success: bool | None = None
    running: bool | None = None
    canceled: bool | None = None
    dead_letter: bool | None = None
    script_path_exact: str | None = None
    script_path_start: str | None = None
    script_hash: str | None = None
    created_by: str | None = None
    created_before: datetime | None = None
    created_after: datetime | None = None
    started_before: datetime | None = None
    started_after: datetime | None = None
    job_kinds: str | None = None
    parent_job: UUID | None = None
    has_null_parent: bool | None = None
    is_flow_step: bool | None = None
    tag: str | None = None
    worker: str | None = None
    label: str | None = None
    trigger_kind: str | None = None
    args: Json[Any] | None = None
    result: Json[Any] | None = None
    scheduled_for_before_now: bool | None = None

    def to_filter(self, place: str | None) -> JobFilter:
        """What the room takes."""
        has_null_parent = self.has_null_parent if self.is_flow_step is None else not self.is_flow_step
        return JobFilter(
            place=place, success=self.success, running=self.running, canceled=self.canceled,
            dead_letter=self.dead_letter, path_exact=self.script_path_exact, path_start=self.script_path_start,
            hash=number_of(self.script_hash) if self.script_hash else None, created_by=self.created_by,
            created_before=_aware(self.created_before), created_after=_aware(self.created_after),
            started_before=_aware(self.started_before), started_after=_aware(self.started_after),
            kinds=csv(self.job_kinds), parent_job=self.parent_job, has_null_parent=has_null_parent, tag=self.tag,
            worker=self.worker, label=self.label, trigger_kind=self.trigger_kind, args=_jsonb(self.args),
            result=_jsonb(self.result), due=self.scheduled_for_before_now, ascending=not self.order_desc,
        )  # fmt: skip


def _aware(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def _jsonb(value: Any) -> str | None:
    if value is None:
        return None
    try:
        encoded = orjson.dumps(value).decode()
    except orjson.JSONEncodeError as error:
        raise BadRequest(f"filters: {error}") from error
    if "\\u0000" in encoded:
        raise BadRequest("filters cannot contain the NUL character")
    return encoded


async def _list(caller: Caller, query: JobListQuery, place: str | None) -> Response:
    async with caller.transaction() as tx:
        return json(await read.list_jobs(tx, query.to_filter(place), page=query.page, per_page=query.per_page))


@routes.get("/w/{workspace}/jobs/list", READ, response_model=list[shapes.ListedJob])
async def list_jobs(actor: Actor, query: Annotated[JobListQuery, Query()]) -> Response:
    """Jobs, queued and completed, newest first."""
    return await _list(actor, query, None)


@routes.get("/w/{workspace}/jobs/queue/list", READ, response_model=list[shapes.ListedJob])
async def list_queue(actor: Actor, query: Annotated[JobListQuery, Query()]) -> Response:
    """Jobs that wait or run."""
    return await _list(actor, query, "queue")


@routes.get("/w/{workspace}/jobs/completed/list", READ, response_model=list[shapes.ListedJob])
async def list_completed(actor: Actor, query: Annotated[JobListQuery, Query()]) -> Response:
    """Jobs that have ended."""
    return await _list(actor, query, "completed")


@routes.get("/w/{workspace}/jobs/queue/count", READ, response_model=shapes.Count)
async def count_queue(actor: Actor) -> Response:
    """How many jobs wait."""
    async with actor.transaction() as tx:
        return json(await counts.waiting(tx))


@routes.get("/w/{workspace}/jobs/completed/count", READ, response_model=shapes.Count)
async def count_completed(actor: Actor) -> Response:
    """How many jobs have ended."""
    async with actor.transaction() as tx:
        return json({"database_length": await counts.completed(tx)})


@routes.get("/w/{workspace}/jobs/completed/count_jobs", READ)
async def count_completed_by(
    actor: Actor, completed_after_s_ago: Annotated[int | None, Query(ge=0, le=10**9)] = None,
    success: bool | None = None, tags: str | None = None,
) -> Response:  # fmt: skip
    """How many jobs have ended, by filters."""
    async with actor.transaction() as tx:
        return json(await counts.completed_by(tx, success=success, seconds=completed_after_s_ago, tags=csv(tags)))


@routes.get("/w/{workspace}/jobs/queue/position/{scheduled_for}", READ)
async def queue_position(actor: Actor, scheduled_for: int) -> Response:
    """How many waiting jobs come before a moment (milliseconds since 1970)."""
    async with actor.transaction() as tx:
        return json({"position": await counts.position(tx, milliseconds=scheduled_for)})


@routes.get("/jobs/db_clock", Capability.ACCOUNT)
async def database_clock(actor: Actor) -> Response:
    """The database's clock in milliseconds."""
    async with actor.app.database.system() as tx:
        return json(await counts.clock(tx))


@routes.get("/jobs/completed/count_by_tag", Capability.INSTANCE)
async def count_by_tag(
    actor: Actor, horizon_secs: Annotated[int, Query(ge=0, le=10**9)] = 3600, workspace_id: str | None = None
) -> Response:
    """Completed jobs of the instance by tag."""
    async with actor.app.database.system() as tx:
        return json(await counts.by_tag(tx, horizon=horizon_secs, workspace=workspace_id))


@routes.get("/workers/list", Capability.ACCOUNT, response_model=list[shapes.Worker])
async def list_workers(actor: Actor, ping_since: Annotated[int, Query(ge=0, le=10**9)] = 60) -> Response:
    """Workers that were heard of lately."""
    async with actor.app.database.system() as tx:
        return json(await workers.list_heard_of(tx, seconds=ping_since))
