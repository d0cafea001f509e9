"""Deploy, read, archive and delete scripts. Called by the API and by whoever applies a workspace's files."""

import hashlib
import time
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from windlass import paths
from windlass.audit.log import record
from windlass.auth.permissions import Capability, Principal, require, require_write
from windlass.db.pool import Transaction
from windlass.db.queries import load
from windlass.errors import BadRequest, Conflict, Forbidden, NotFound
from windlass.hashes import hex_of, number_of
from windlass.jobs import arguments
from windlass.jobs.launch import launch
from windlass.jobs.model import JobKind, RunRequest
from windlass.languages import registry as languages
from windlass.languages.base import Language, Signature
from windlass.resources.values import encode
from windlass.scripts.model import NewScript

queries = load(__file__)

KINDS = {"script", "failure", "trigger", "command", "approval", "preprocessor"}


async def create(tx: Transaction[Principal], new: NewScript) -> str:
    """Deploy a new version and return its hash. Its lock follows by a dependency job, unless it came along.

    Code that does not parse is deployed with the error as its lock error, so that nothing that was typed is lost.
    """
    _check(tx.actor, new)
    current = await queries.find_current(tx.connection, workspace=tx.actor.workspace, path=new.path)
    signature = languages.get(new.language).signature(new.content)
    if current and new.skip_if_noop and _is_same(current, new, signature):
        return hex_of(current["hash"])
    parent = await _parent(tx, new, current)
    number = await _insert(tx, new, parent, signature)
    if not new.skip_draft_deletion:
        await queries.delete_draft(tx.connection, workspace=tx.actor.workspace, kind="script", path=new.path)
    await record(tx, "scripts.update" if parent else "scripts.create", "Updated" if parent else "Created", new.path,
                 hash=hex_of(number))  # fmt: skip
    return hex_of(number)


def signature(language: str, content: str) -> Signature:
    """What can be told about code without running it; BadRequest for an unknown language."""
    return _language(language).signature(content)


def _language(name: str) -> Language:
    try:
        return languages.get(name)
    except NotFound as error:
        raise BadRequest(f"language: {error}") from error


def _check(principal: Principal, new: NewScript) -> None:
    require(principal, Capability.SCRIPTS_WRITE, path=paths.check(new.path))
    require_write(principal, new.path)
    _language(new.language)
    if new.kind not in KINDS:
        raise BadRequest(f"kind: {new.kind!r} is not one of {', '.join(sorted(KINDS))}")
    if "\x00" in new.content:
        raise BadRequest("content: code cannot contain the NUL character")
    arguments.check_schema(new.schema)


def _is_same(current: Any, new: NewScript, found: Signature) -> bool:
    plain = ("content", "summary", "description", "language", "kind", "priority")
    return (
        all(current[name] == getattr(new, name) for name in plain)
        and current["tag"] == (new.tag or None)
        and current["timeout"] == _timeout(new, found)
        and _without_defaults(orjson.loads(current["options"])) == _without_defaults(_options(new, found))
        and (new.schema is None or orjson.loads(current["schema"] or "null") == new.schema)
        and (new.lock is None or new.lock == current["lock"])
    )  # fmt: skip


async def _parent(tx: Transaction[Principal], new: NewScript, current: Any) -> Any:
    """The version that the new one follows; it goes out of service in the same transaction."""
    if new.parent_hash is None or (current and new.auto_parent):
        if current and not new.auto_parent:
            hint = f"pass its hash {hex_of(current['hash'])} as parent_hash"
            raise Conflict(f"a script {new.path} exists already; {hint}")
        parent = current
    else:
        parent = await queries.get_by_hash(tx.connection, workspace=tx.actor.workspace, hash=new.parent_hash)
        if parent is None:
            raise BadRequest(f"parent_hash: no version {hex_of(new.parent_hash)}")
        _check_lineage(tx.actor, new, parent, current)
    if parent is not None:
        await queries.archive_version(tx.connection, workspace=tx.actor.workspace, hash=parent["hash"])
    return parent


def _check_lineage(principal: Principal, new: NewScript, parent: Any, current: Any) -> None:
    if parent["path"] != new.path:
        require_write(principal, parent["path"])
        if current:
            raise Conflict(f"a script {new.path} exists already")
    elif current and current["hash"] != parent["hash"]:
        raise Conflict(f"{new.path} was deployed by {current['created_by']} in between; its version is now "
                       f"{hex_of(current['hash'])}")  # fmt: skip


async def _insert(tx: Transaction[Principal], new: NewScript, parent: Any, found: Signature) -> int:
    number = _hash(tx.actor.workspace, new)
    has_lock = _language(new.language).has_lock
    error = _parse_error(found)
    lock = new.lock if new.lock is not None else (None if has_lock else "")
    job_id = None
    try:
        await queries.insert_script(
            tx.connection, workspace=tx.actor.workspace, hash=number, path=new.path,
            parent_hashes=[parent["hash"], *parent["parent_hashes"]] if parent else [], summary=new.summary,
            description=new.description, content=new.content, language=new.language, kind=new.kind,
            schema=_schema(new, parent, found), lock=None if error else lock, lock_error_logs=error, tag=new.tag or
            None, timeout=_timeout(new, found), priority=new.priority,
            options=encode(_options(new, found)).decode(),
            deployment_message=new.deployment_message, created_by=tx.actor.username,
            extra_perms=parent["extra_perms"] if parent else None,
        )  # fmt: skip
    except asyncpg.UniqueViolationError as clash:
        raise Conflict(f"{new.path} was deployed by somebody else at the same moment; try again") from clash
    except asyncpg.InsufficientPrivilegeError as refused:
        raise Forbidden(f"{tx.actor.username} may not write to {new.path}") from refused
    if lock is None and error is None:
        job_id = await _resolve_lock(tx, new, number)
        await queries.set_lock_job(tx.connection, workspace=tx.actor.workspace, hash=number, job_id=job_id)
    return number


async def _resolve_lock(tx: Transaction[Principal], new: NewScript, number: int) -> UUID:
    return await launch(tx, RunRequest(
        kind=JobKind.DEPENDENCIES, path=new.path, hash=number, language=new.language,
    ))  # fmt: skip


def _without_defaults(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not False}


def _timeout(new: NewScript, found: Signature) -> int | None:
    return new.timeout or found.timeout


def _options(new: NewScript, found: Signature) -> dict[str, Any]:
    return new.options | {"has_preprocessor": found.has_preprocessor}


def _hash(workspace: str | None, new: NewScript) -> int:
    text = f"{workspace}\0{new.path}\0{new.parent_hash}\0{time.time_ns()}\0{new.content}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], signed=True)


def _schema(new: NewScript, parent: Any, found: Signature) -> str | None:
    schema = new.schema if new.schema is not None else found.schema
    if schema is None:
        return parent["schema"] if parent else None
    return encode(schema).decode()


def _parse_error(found: Signature) -> str | None:
    if found.error is None:
        return None
    where = f"line {found.error.line}, column {found.error.column}: " if found.error.line else ""
    return f"{where}{found.error.message}"


async def get(tx: Transaction[Principal], *, path: str | None = None, number: int | None = None) -> dict[str, Any]:
    """A script by path (its live version) or by hash, in the protocol's shape."""
    if path is not None:
        row = await queries.get_by_path(tx.connection, workspace=tx.actor.workspace, path=path)
    else:
        row = await queries.get_by_hash(tx.connection, workspace=tx.actor.workspace, hash=number)
    if row is None:
        raise NotFound(f"script {path or hex_of(number or 0)} not found")
    return _shape(row) | {
        "content": row["content"],
        "schema": None if row["schema"] is None else orjson.Fragment(row["schema"]),
        "lock": row["lock"],
        "lock_error_logs": row["lock_error_logs"],
    }


def _shape(row: Any) -> dict[str, Any]:
    options = {name: value for name, value in orjson.loads(row["options"]).items() if value is not None}
    parents = [hex_of(parent) for parent in row["parent_hashes"]]
    return {
        "ws_error_handler_muted": False, "is_template": False, "has_preprocessor": False, "starred": False,
        **options,
        "workspace_id": row["workspace_id"], "hash": hex_of(row["hash"]), "path": row["path"],
        "parent_hashes": parents or None, "summary": row["summary"], "description": row["description"],
        "language": row["language"], "kind": row["kind"], "created_by": row["created_by"],
        "created_at": row["created_at"], "archived": row["archived"], "deleted": row["deleted"],
        "extra_perms": orjson.Fragment(row["extra_perms"]),
        **{name: row[name] for name in ("tag", "timeout", "priority") if row[name] is not None},
    }  # fmt: skip


async def list_scripts(tx: Transaction[Principal], *, page: int, per_page: int, **where: Any) -> list[dict[str, Any]]:
    """One page of scripts, the newest first; pages 0 and 1 are both the first."""
    rows = queries.list_scripts(
        tx.connection, workspace=tx.actor.workspace, per_page=per_page, skip=max(page - 1, 0) * per_page, **where
    )
    return [_shape(row) | {"has_draft": row["has_draft"], "has_deploy_errors": row["lock_error_logs"] is not None}
            async for row in rows]  # fmt: skip


async def archive(tx: Transaction[Principal], *, path: str | None = None, number: int | None = None) -> str:
    """Take the live version at a path, or one version, out of service; returns its hash."""
    script = await get(tx, path=path, number=number)
    require_write(tx.actor, script["path"])
    stored = number_of(script["hash"])
    if not await queries.archive_version(tx.connection, workspace=tx.actor.workspace, hash=stored):
        raise NotFound(f"{script['path']} has no live version")
    await record(tx, "scripts.archive", "Delete", script["path"], hash=script["hash"])
    return script["hash"]


async def delete(tx: Transaction[Principal], *, path: str | None = None, number: int | None = None) -> str:
    """Delete a path with all versions, or one version: gone from sight, code wiped, hashes never used again."""
    script = await get(tx, path=path, number=number)
    require_write(tx.actor, script["path"])
    if path is not None:
        gone = [
            row["hash"] async for row in queries.delete_path(tx.connection, workspace=tx.actor.workspace, path=path)
        ]
    else:
        stored = number_of(script["hash"])
        gone = [await queries.delete_version(tx.connection, workspace=tx.actor.workspace, hash=stored)]
    if not any(gone):
        raise Forbidden(f"{tx.actor.username} may not delete {script['path']}")
    await record(tx, "scripts.delete", "Delete", script["path"])
    return script["path"]


async def history(tx: Transaction[Principal], path: str) -> list[dict[str, Any]]:
    """The versions of a path, newest first."""
    rows = queries.history(tx.connection, workspace=tx.actor.workspace, path=path)
    return [
        {"script_hash": hex_of(row["hash"]), "deployment_msg": row["deployment_message"], "created_at":
        row["created_at"], "created_by": row["created_by"]}
        async for row in rows
    ]  # fmt: skip


async def list_code(tx: Transaction[Principal]) -> list[dict[str, str]]:
    """Path and code of every live script, for a search in the browser."""
    return [dict(row) async for row in queries.list_search(tx.connection, workspace=tx.actor.workspace)]


async def list_paths(tx: Transaction[Principal]) -> list[str]:
    """The paths of every live script."""
    return [row["path"] async for row in queries.list_paths(tx.connection, workspace=tx.actor.workspace)]


async def exists(tx: Transaction[Principal], path: str) -> bool:
    """Whether a live script has this path."""
    return await queries.exists(tx.connection, workspace=tx.actor.workspace, path=path)


async def set_message(tx: Transaction[Principal], *, path: str, number: int, message: str | None) -> None:
    """Change the deployment message of a version."""
    workspace = tx.actor.workspace
    if not await queries.set_message(tx.connection, workspace=workspace, hash=number, path=path, message=message):
        raise NotFound(f"no version {hex_of(number)} of {path}")


async def deployment_status(tx: Transaction[Principal], number: int) -> dict[str, Any]:
    """Where the deployment of a version stands; both lock keys are always there."""
    row = await queries.deployment_status(tx.connection, workspace=tx.actor.workspace, hash=number)
    if row is None:
        raise NotFound(f"no version {hex_of(number)}")
    return {"lock": row["lock"], "lock_error_logs": row["lock_error_logs"], "job_id": row["lock_job"]}
