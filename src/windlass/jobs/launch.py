"""The only way a job is born: resolve what is asked for, check the right to it, push it. Scripts, webhooks, previews,
deployments and (later) flows, schedules and triggers all come through here; `submit` is the same for many requests.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from windlass.auth.permissions import Capability, Principal, require
from windlass.db.pool import Transaction
from windlass.errors import BadRequest, Conflict, NotFound
from windlass.jobs import arguments
from windlass.jobs.model import DEPENDENCY_TAG, JobKind, RunRequest, Version
from windlass.jobs.push import Birth, Terms, new_id, write
from windlass.jobs.runnables import name, resolve, unknown
from windlass.jobs.runnables import queries as queries
from windlass.languages import registry as languages
from windlass.resources.interpolate import has_references

OPERATIONS = {
    JobKind.SCRIPT: "jobs.run.script",
    JobKind.PREVIEW: "jobs.run.preview",
    JobKind.DEPENDENCIES: "jobs.run.dependencies",
}


async def launch(tx: Transaction[Principal], request: RunRequest) -> UUID:
    """Put a job into the queue and return its id; it is durable when the transaction commits.

    Raises what `prepare` raises, and Conflict when the chosen id is taken.
    """
    version = await resolve(tx, tx.actor.workspace, request) if is_deployed(request) else None
    birth = prepare(tx.actor, request, version)
    if not await write(tx, [birth]):
        raise Conflict(f"a job {birth.id} exists already" if request.job_id else f"{name(request)} has just changed")
    return birth.id


def is_deployed(request: RunRequest) -> bool:
    """Whether the request is for something deployed, so that there is a version to find."""
    return request.code is None and request.kind is not JobKind.DEPENDENCIES


def prepare(
    actor: Principal, request: RunRequest, version: Version | None, *, key: str | None = None,
    each: Sequence[dict[str, Any]] | None = None,
) -> Birth:  # fmt: skip
    """The job that the request asks for, after every check: nothing but the database's own rules may stop it now.

    `version` is None for code that the request brings; `each` are the arguments of a batch, parsed.
    Raises NotFound for what the caller may not know of, Forbidden without the right to it, InvalidArguments.
    """
    if version is not None and not actor.may_read(version.path, version.readers):
        raise unknown(request)
    if version is not None and version.error is not None:
        raise NotFound(f"{name(request)} is not deployed, its dependencies could not be resolved: {version.error}")
    terms = _given(actor, request) if version is None else _deployed(actor, request, version)
    _permit(actor, request, terms.path)
    if version is not None and version.schema is not None:
        arguments.check(version.schema, [arguments.parse(request.args)] if each is None else each)
    return Birth(id=request.job_id or new_id(), args=request.args.decode() or "{}", terms=terms, key=key)


def _given(actor: Principal, request: RunRequest) -> Terms:
    if request.language is None:
        raise BadRequest("language: is missing")
    if request.language not in languages.names():
        raise BadRequest(f"language: {request.language!r} is not one of {', '.join(languages.names())}")
    default = DEPENDENCY_TAG if request.kind is JobKind.DEPENDENCIES else request.language
    return _terms(
        actor, request, path=request.path, hash=request.hash, language=request.language, tag=request.tag or default,
        timeout=request.timeout, priority=request.priority or 0,
    )  # fmt: skip


def _deployed(actor: Principal, request: RunRequest, version: Version) -> Terms:
    return _terms(
        actor, request, path=version.path, hash=version.hash, language=version.language,
        tag=request.tag or version.tag or version.language, timeout=_shorter(request.timeout, version.timeout),
        priority=version.priority or 0,
        guard_path=request.path if request.hash is None else None, guard_hash=version.hash, guard_stamp=version.stamp,
    )  # fmt: skip


def _terms(actor: Principal, request: RunRequest, **resolved: Any) -> Terms:
    return Terms(
        workspace=actor.workspace, kind=request.kind, code=request.code, lock=request.lock,
        entrypoint=request.entrypoint, parent_job=request.parent_job, root_job=request.root_job,
        created_by=actor.username, email=actor.email, trigger_kind=request.trigger_kind,
        visible_to_owner=request.visible_to_owner, retry_on_crash=request.retry_on_crash,
        scheduled_for=request.scheduled_for,
        scheduled_in_secs=request.scheduled_in_secs, operation=OPERATIONS[request.kind], **resolved,
    )  # fmt: skip


def _shorter(asked: int | None, configured: int | None) -> int | None:
    known = [value for value in (asked, configured) if value is not None]
    return min(known) if known else None


def _permit(actor: Principal, request: RunRequest, path: str | None) -> None:
    match request.kind:
        case JobKind.SCRIPT:
            require(actor, Capability.JOBS_RUN, kind="scripts", path=path)
        case JobKind.PREVIEW:
            require(actor, Capability.JOBS_PREVIEW)
        case JobKind.DEPENDENCIES:
            require(actor, Capability.SCRIPTS_WRITE, path=path)
    # The job reads `$var:` and `$res:` with its user's rights, so a narrowed token must itself be good for them.
    if actor.scopes is not None and has_references(request.args):
        require(actor, Capability.VARIABLES_READ)
        require(actor, Capability.RESOURCES_READ)
