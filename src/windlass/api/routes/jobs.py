"""Jobs: run what is deployed, run code that comes along, wait, watch, cancel."""

from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Header, Query, Request, Response
from pydantic import BaseModel, Field

from windlass.api import shapes, updates
from windlass.api.access import Actor, Caller, Routes
from windlass.api.responses import json, raw_json, text
from windlass.api.runs import RunQuery, batch_request, run_and_wait, run_request
from windlass.auth.permissions import Capability
from windlass.errors import NotFound
from windlass.flows.cancel import cancel
from windlass.hashes import find_number
from windlass.jobs import arguments, dead_letters, logs, progress, read, workers
from windlass.jobs.erase import erase as erase_job
from windlass.jobs.model import JobKind, RunRequest
from windlass.jobs.submit import MAX_KEY

routes = Routes("jobs")
READ, RUN, PREVIEW = Capability.JOBS_READ, Capability.JOBS_RUN, Capability.JOBS_PREVIEW
RunParameters = Annotated[RunQuery, Query()]
IdempotencyKey = Annotated[str | None, Header(alias="Idempotency-Key", max_length=MAX_KEY)]


class PreviewBody(BaseModel):
    """The protocol's Preview: code to run once."""

    content: str = Field(max_length=5_000_000)
    language: str
    args: dict[str, Any] | None = None
    path: str | None = None
    tag: str | None = None
    lock: str | None = None

    def to_request(self, query: RunQuery) -> RunRequest:
        """What the queue takes."""
        return RunRequest(
            kind=JobKind.PREVIEW, code=self.content, language=self.language, path=self.path, lock=self.lock,
            args=arguments.encode(self.args or {}), tag=self.tag or query.tag, timeout=query.timeout,
            job_id=query.job_id, parent_job=query.parent_job, root_job=query.root_job,
            visible_to_owner=not query.invisible_to_owner, retry_on_crash=query.retry_on_crash,
        )  # fmt: skip


class RawScript(BaseModel):
    """Code whose lock is wanted."""

    raw_code: str = Field(max_length=5_000_000)
    language: str
    script_path: str | None = None


class DependenciesBody(BaseModel):
    """The protocol's request for a lock."""

    raw_scripts: list[RawScript] = Field(min_length=1, max_length=1)

    def to_request(self) -> RunRequest:
        """What the queue takes."""
        script = self.raw_scripts[0]
        return RunRequest(
            kind=JobKind.DEPENDENCIES, code=script.raw_code, language=script.language, path=script.script_path
        )


class CancelBody(BaseModel):
    """Why a job is canceled."""

    reason: str | None = Field(None, max_length=1000)


class ProgressBody(BaseModel):
    """How far a job is."""

    percent: int = Field(ge=0, le=100)
    flow_job_id: UUID | None = None


def _hash(value: str) -> int:
    number = find_number(value)
    if number is None:
        raise NotFound(f"script version {value[:40]} not found")
    return number


async def _run(caller: Caller, request: RunRequest, key: str | None) -> Response:
    return text(str(await caller.app.submissions.submit(caller.principal, request, key=key)), 201)


async def _run_and_wait(caller: Caller, request: RunRequest, query: RunQuery, key: str | None) -> Response:
    configured = caller.app.settings.queue_limit_wait_result
    limit = query.queue_limit if configured is None else configured
    return await run_and_wait(caller, request, key=key, queue_limit=limit)


async def _run_batch(caller: Caller, request: RunRequest, key: str | None) -> Response:
    ids = await caller.app.submissions.submit_batch(caller.principal, request, key=key)
    return json([str(id) for id in ids], 201)


@routes.post("/w/{workspace}/jobs/run/p/{path:path}", RUN, kind="scripts", lean=True)
async def run_by_path(
    actor: Actor, request: Request, path: str, query: RunParameters, key: IdempotencyKey = None
) -> Response:
    """Run the deployed version of a script; the answer is the job's id."""
    return await _run(actor, await run_request(request, query, path=path), key)


@routes.post("/w/{workspace}/jobs/run/h/{hash}", RUN, kind="scripts", defers_path=True, lean=True)
async def run_by_hash(
    actor: Actor, request: Request, hash: str, query: RunParameters, key: IdempotencyKey = None
) -> Response:
    """Run one version of a script."""
    return await _run(actor, await run_request(request, query, hash=_hash(hash)), key)


@routes.post("/w/{workspace}/jobs/run/dead_letter/{id}", RUN, kind="scripts", defers_path=True)
async def run_dead_letter(actor: Actor, id: UUID, key: IdempotencyKey = None) -> Response:
    """Run a job once more that was given up because it lost its workers; the answer is the new job's id."""
    async with actor.transaction() as tx:
        request = await dead_letters.request_of(tx, id)
    return await _run(actor, request, key)


@routes.post("/w/{workspace}/jobs/run_wait_result/p/{path:path}", RUN, kind="scripts", lean=True)
async def run_wait_by_path(
    actor: Actor, request: Request, path: str, query: RunParameters, key: IdempotencyKey = None
) -> Response:
    """Run a script and answer its result."""
    return await _run_and_wait(actor, await run_request(request, query, path=path), query, key)


@routes.get("/w/{workspace}/jobs/run_wait_result/p/{path:path}", RUN, kind="scripts", acts=True, lean=True)
async def run_wait_by_path_get(
    actor: Actor, request: Request, path: str, query: RunParameters, key: IdempotencyKey = None
) -> Response:
    """The same by GET, arguments in `payload` (base64 of JSON)."""
    return await _run_and_wait(actor, await run_request(request, query, path=path), query, key)


@routes.post("/w/{workspace}/jobs/run_wait_result/h/{hash}", RUN, kind="scripts", defers_path=True, lean=True)
async def run_wait_by_hash(
    actor: Actor, request: Request, hash: str, query: RunParameters, key: IdempotencyKey = None
) -> Response:
    """Run one version and answer its result."""
    return await _run_and_wait(actor, await run_request(request, query, hash=_hash(hash)), query, key)


@routes.get("/w/{workspace}/jobs/run_wait_result/h/{hash}", RUN, kind="scripts", defers_path=True, acts=True, lean=True)
async def run_wait_by_hash_get(
    actor: Actor, request: Request, hash: str, query: RunParameters, key: IdempotencyKey = None
) -> Response:
    """The same by GET, arguments in `payload` (base64 of JSON)."""
    return await _run_and_wait(actor, await run_request(request, query, hash=_hash(hash)), query, key)


@routes.post("/w/{workspace}/jobs/run_batch/p/{path:path}", RUN, kind="scripts", lean=True, response_model=list[UUID])
async def run_batch_by_path(
    actor: Actor, request: Request, path: str, query: RunParameters, key: IdempotencyKey = None
) -> Response:
    """Run a script once for each of up to 10,000 arguments, all or none: the body is a JSON array of argument objects,
    the answer the ids in the same order. This and the next are our own, not the protocol's."""
    return await _run_batch(actor, await batch_request(request, query, path=path), key)


@routes.post(
    "/w/{workspace}/jobs/run_batch/h/{hash}",
    RUN,
    kind="scripts",
    defers_path=True,
    lean=True,
    response_model=list[UUID],
)
async def run_batch_by_hash(
    actor: Actor, request: Request, hash: str, query: RunParameters, key: IdempotencyKey = None
) -> Response:
    """The same with one version of a script."""
    return await _run_batch(actor, await batch_request(request, query, hash=_hash(hash)), key)


@routes.post("/w/{workspace}/jobs/run/preview", PREVIEW, lean=True)
async def run_preview(actor: Actor, body: PreviewBody, query: RunParameters, key: IdempotencyKey = None) -> Response:
    """Run code that comes with the request."""
    return await _run(actor, body.to_request(query), key)


@routes.post("/w/{workspace}/jobs/run_wait_result/preview", PREVIEW, lean=True)
async def run_wait_preview(
    actor: Actor, body: PreviewBody, query: RunParameters, key: IdempotencyKey = None
) -> Response:
    """Run code that comes with the request and answer its result."""
    return await _run_and_wait(actor, body.to_request(query), query, key)


@routes.post("/w/{workspace}/jobs/run_inline/preview", PREVIEW, lean=True)
async def run_inline_preview(
    actor: Actor, body: PreviewBody, query: RunParameters, key: IdempotencyKey = None
) -> Response:
    """The same as run_wait_result/preview; the protocol's clients ask here when the server is on their machine."""
    return await _run_and_wait(actor, body.to_request(query), query, key)


@routes.post("/w/{workspace}/jobs/run/dependencies_async", Capability.SCRIPTS_WRITE)
async def run_dependencies_async(actor: Actor, body: DependenciesBody, key: IdempotencyKey = None) -> Response:
    """Resolve the lock of code in a job; its result is `{lock}`."""
    return await _run(actor, body.to_request(), key)


@routes.post("/w/{workspace}/jobs/run/dependencies", Capability.SCRIPTS_WRITE)
async def run_dependencies(
    actor: Actor, body: DependenciesBody, query: RunParameters, key: IdempotencyKey = None
) -> Response:
    """Resolve the lock of code and answer `{lock}`."""
    return await _run_and_wait(actor, body.to_request(), query, key)


@routes.get("/w/{workspace}/jobs_u/get/{id}", READ, response_model=shapes.Job)
async def get_job(actor: Actor, id: UUID, no_logs: bool = False, no_code: bool = False) -> Response:
    """One job with everything."""
    async with actor.transaction() as tx:
        return json(await read.get(tx, id, with_logs=not no_logs, with_code=not no_code))


@routes.get("/w/{workspace}/jobs_u/completed/get/{id}", READ, response_model=shapes.Job)
async def get_completed(actor: Actor, id: UUID) -> Response:
    """One job that has ended; 404 before that."""
    async with actor.transaction() as tx:
        job = await read.get(tx, id)
        if job["type"] != "CompletedJob":
            raise NotFound(f"job {id} has not completed")
        return json(job)


@routes.get("/w/{workspace}/jobs_u/completed/get_result/{id}", READ)
async def get_result(actor: Actor, id: UUID) -> Response:
    """The raw result of a job that has ended."""
    async with actor.transaction() as tx:
        outcome, _ = await read.outcome(tx, id)
        if outcome is None:
            raise NotFound(f"job {id} has not completed, or does not exist")
        return raw_json(outcome.result)


@routes.get("/w/{workspace}/jobs_u/completed/get_result_maybe/{id}", READ, response_model=shapes.ResultMaybe)
async def get_result_maybe(actor: Actor, id: UUID) -> Response:
    """The result if there is one; always the same four keys."""
    async with actor.transaction() as tx:
        outcome, has_started = await read.outcome(tx, id)
    return json({
        "completed": outcome is not None, "started": has_started, "success": outcome.success if outcome else None,
        "result": orjson.Fragment(outcome.result) if outcome else None,
    })  # fmt: skip


@routes.get("/w/{workspace}/jobs_u/get_root_job_id/{id}", READ)
async def get_root_job_id(actor: Actor, id: UUID) -> Response:
    """The root of a job's tree, as a JSON string."""
    async with actor.transaction() as tx:
        return json(str(await read.root(tx, id)))


@routes.get("/w/{workspace}/jobs_u/get_args/{id}", READ)
async def get_args(actor: Actor, id: UUID) -> Response:
    """The arguments of a job."""
    async with actor.transaction() as tx:
        return raw_json(await read.args(tx, id))


@routes.get("/w/{workspace}/jobs_u/get_logs/{id}", READ)
async def get_logs(actor: Actor, id: UUID) -> Response:
    """The log of a job as text."""
    async with actor.transaction() as tx:
        await read.check_visible(tx, id)
        return text(await logs.read(tx, id))


@routes.get("/w/{workspace}/jobs_u/getupdate/{id}", READ, response_model=shapes.JobUpdate)
async def get_update(actor: Actor, id: UUID, query: Annotated[updates.UpdateQuery, Query()]) -> Response:
    """What is new since the offsets; waits a moment when nothing is, because clients ask again at once."""
    return json(await updates.next_update(actor, id, query))


@routes.get("/w/{workspace}/jobs_u/getupdate_sse/{id}", READ)
async def get_update_sse(actor: Actor, id: UUID, query: Annotated[updates.UpdateQuery, Query()]) -> Response:
    """The same as a stream of events until the job has ended."""
    return updates.event_stream(actor, id, query)


@routes.post("/w/{workspace}/jobs_u/queue/cancel/{id}", RUN)
async def cancel_job(actor: Actor, id: UUID, body: CancelBody | None = None) -> Response:
    """Cancel a job that waits or runs."""
    return await _cancel(actor, id, body, force=False)


@routes.post("/w/{workspace}/jobs_u/queue/force_cancel/{id}", RUN)
async def force_cancel_job(actor: Actor, id: UUID, body: CancelBody | None = None) -> Response:
    """End a job now, whatever its worker does."""
    return await _cancel(actor, id, body, force=True)


async def _cancel(caller: Caller, job_id: UUID, body: CancelBody | None, *, force: bool) -> Response:
    async with caller.transaction() as tx:
        await read.check_visible(tx, job_id)
        is_canceled = await cancel(tx, job_id, reason=body.reason if body else None, force=force)
    return text(str(job_id) if is_canceled else f"job {job_id} has already completed")


@routes.post("/w/{workspace}/jobs/queue/cancel_selection", RUN)
async def cancel_selection(actor: Actor, ids: list[UUID]) -> Response:
    """Cancel several jobs; the answer lists those that were still in the queue."""
    async with actor.transaction() as tx:
        for job_id in ids:
            await read.check_visible(tx, job_id)
        return json([job_id for job_id in ids if await cancel(tx, job_id, reason=None)])


@routes.post("/w/{workspace}/jobs/completed/delete/{id}", Capability.WORKSPACES_WRITE)
async def erase(actor: Actor, id: UUID) -> Response:
    """Wipe the result of a completed job."""
    async with actor.transaction() as tx:
        await erase_job(tx, id)
        return json(await read.get(tx, id))


@routes.post("/w/{workspace}/job_metrics/set_progress/{id}", RUN)
async def set_progress(actor: Actor, id: UUID, body: ProgressBody) -> Response:
    """Note how far a running job is; a job may speak for itself only."""
    async with actor.transaction() as tx:
        await progress.set_percent(tx, id, body.percent)
        return text(str(body.percent))


@routes.get("/w/{workspace}/job_metrics/get_progress/{id}", READ)
async def get_progress(actor: Actor, id: UUID) -> Response:
    """How far a job is, or null."""
    async with actor.transaction() as tx:
        return json(await progress.get_percent(tx, id))


@routes.get("/w/{workspace}/jobs/worker_is_draining/{id}", READ)
async def worker_is_draining(actor: Actor, id: UUID) -> Response:
    """Whether the worker of a running job is about to stop."""
    async with actor.transaction() as tx:
        await read.check_visible(tx, id)
    async with actor.app.database.system() as tx:
        return json(await workers.is_draining(tx, id))
