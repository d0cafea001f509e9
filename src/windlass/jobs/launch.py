"""The only way a job is born: resolve what is asked for, check the right to it, push it. Scripts, webhooks, previews,
deployments and (later) flows, schedules and triggers all come through here.
"""

from uuid import UUID, uuid4

import asyncpg

from windlass.auth.permissions import Capability, Principal, require
from windlass.db.pool import Transaction
from windlass.db.queries import load
from windlass.errors import BadRequest, Conflict, NotFound, QueueFull
from windlass.hashes import hex_of
from windlass.jobs import arguments
from windlass.jobs.model import DEPENDENCY_TAG, JobKind, Runnable, RunRequest
from windlass.languages import registry as languages
from windlass.resources.interpolate import has_references

queries = load(__file__)

OPERATIONS = {
    JobKind.SCRIPT: "jobs.run.script",
    JobKind.PREVIEW: "jobs.run.preview",
    JobKind.DEPENDENCIES: "jobs.run.dependencies",
}


async def launch(tx: Transaction[Principal], request: RunRequest, *, queue_limit: int | None = None) -> UUID:
    """Put a job into the queue and return its id; it is durable when the transaction commits.

    Raises NotFound for an unknown runnable, Forbidden without the right to it, InvalidArguments, Conflict when the
    chosen id is taken, and QueueFull when more than `queue_limit` jobs of its tag wait already.
    """
    runnable = await _resolve(tx, request)
    _permit(tx.actor, request, runnable)
    _permit_references(tx.actor, request)
    arguments.check(runnable.schema, request.args)
    if queue_limit is not None:
        await _check_queue(tx, runnable.tag, queue_limit)
    return await _push(tx, request, runnable)


async def _check_queue(tx: Transaction[Principal], tag: str, limit: int) -> None:
    waiting = await queries.count_waiting(tx.connection, workspace=tx.actor.workspace, tag=tag)
    if waiting > limit:
        raise QueueFull(f"{waiting} jobs wait for tag {tag}, more than the limit of {limit}")


async def _resolve(tx: Transaction[Principal], request: RunRequest) -> Runnable:
    if request.code is not None or request.kind is JobKind.DEPENDENCIES:
        return _given(request)
    if request.hash is not None:
        row = await queries.resolve_script_by_hash(tx.connection, workspace=tx.actor.workspace, hash=request.hash)
        what = f"script version {hex_of(request.hash)}"
    else:
        row = await queries.resolve_script_by_path(tx.connection, workspace=tx.actor.workspace, path=request.path)
        what = f"script {request.path}"
    if row is None:
        raise NotFound(f"{what} not found")
    if not row["is_locked"] and row["lock_error_logs"] is not None:
        raise NotFound(f"{what} is not deployed, its dependencies could not be resolved: {row['lock_error_logs']}")
    return Runnable(
        path=row["path"], hash=row["hash"], language=row["language"], tag=request.tag or row["tag"] or row["language"],
        timeout=_shorter(request.timeout, row["timeout"]), priority=row["priority"] or 0, schema=row["schema"],
    )  # fmt: skip


def _given(request: RunRequest) -> Runnable:
    if request.language is None:
        raise BadRequest("language: is missing")
    if request.language not in languages.names():
        raise BadRequest(f"language: {request.language!r} is not one of {', '.join(languages.names())}")
    default = DEPENDENCY_TAG if request.kind is JobKind.DEPENDENCIES else request.language
    return Runnable(path=request.path, hash=request.hash, language=request.language, tag=request.tag or default,
                    timeout=request.timeout, priority=request.priority or 0, schema=None)  # fmt: skip


def _shorter(asked: int | None, configured: int | None) -> int | None:
    known = [value for value in (asked, configured) if value is not None]
    return min(known) if known else None


def _permit(principal: Principal, request: RunRequest, runnable: Runnable) -> None:
    match request.kind:
        case JobKind.SCRIPT:
            require(principal, Capability.JOBS_RUN, kind="scripts", path=runnable.path)
        case JobKind.PREVIEW:
            require(principal, Capability.JOBS_PREVIEW)
        case JobKind.DEPENDENCIES:
            require(principal, Capability.SCRIPTS_WRITE, path=runnable.path)


def _permit_references(principal: Principal, request: RunRequest) -> None:
    """The job reads `$var:` and `$res:` with its user's rights, so a narrowed token must itself be good for them."""
    if principal.scopes is not None and has_references(request.args):
        require(principal, Capability.VARIABLES_READ)
        require(principal, Capability.RESOURCES_READ)


async def _push(tx: Transaction[Principal], request: RunRequest, runnable: Runnable) -> UUID:
    actor, job_id = tx.actor, request.job_id or uuid4()
    root_job = request.root_job
    if request.parent_job is not None and root_job is None:
        root_job = await queries.find_root(tx.connection, id=request.parent_job, workspace=actor.workspace)
    try:
        await queries.push_job(
            tx.connection, id=job_id, workspace=actor.workspace, kind=request.kind, path=runnable.path,
            hash=runnable.hash, language=runnable.language, code=request.code, lock=request.lock,
            entrypoint=request.entrypoint, args=request.args.decode() or "{}", tag=runnable.tag,
            timeout=runnable.timeout, priority=runnable.priority, parent_job=request.parent_job, root_job=root_job,
            created_by=actor.username, permissioned_as=f"u/{actor.username}", email=actor.email,
            trigger_kind=request.trigger_kind, visible_to_owner=request.visible_to_owner,
            scheduled_for=request.scheduled_for, scheduled_in_secs=request.scheduled_in_secs,
            operation=OPERATIONS[request.kind],
        )  # fmt: skip
    except asyncpg.UniqueViolationError as error:
        raise Conflict(f"a job {job_id} exists already") from error
    return job_id
