"""Scripts: deploy, read, list, history, archive, delete; drafts; what a signature says."""

import asyncio
from typing import Any

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field

from windlass.api import shapes
from windlass.api.access import Actor, Routes
from windlass.api.paging import Page, PerPage, csv
from windlass.api.responses import json, text
from windlass.auth.permissions import Capability
from windlass.hashes import hex_of, number_of
from windlass.languages import registry as languages
from windlass.scripts import drafts, service
from windlass.scripts.model import OPTIONS, NewScript

routes = Routes("scripts")
READ, WRITE = Capability.SCRIPTS_READ, Capability.SCRIPTS_WRITE


class NewScriptBody(BaseModel):
    """The protocol's NewScript."""

    model_config = ConfigDict(extra="ignore")

    path: str
    content: str = Field(max_length=5_000_000)
    language: str
    summary: str = ""
    description: str | None = ""
    schema_: dict[str, Any] | None = Field(None, alias="schema")
    kind: str | None = "script"
    parent_hash: str | None = None
    auto_parent: bool | None = False
    lock: str | list[str] | None = None
    tag: str | None = None
    timeout: int | None = Field(None, ge=1, le=2**31 - 1)
    priority: int | None = Field(None, ge=0, le=100)
    deployment_message: str | None = None
    skip_draft_deletion: bool | None = False
    envs: list[str] | None = None
    concurrent_limit: int | None = None
    concurrency_time_window_s: int | None = None
    concurrency_key: str | None = None
    debounce_key: str | None = None
    debounce_delay_s: int | None = None
    debounce_args_to_accumulate: list[str] | None = None
    max_total_debouncing_time: int | None = None
    max_total_debounces_amount: int | None = None
    cache_ttl: int | None = None
    cache_ignore_s3_path: bool | None = None
    dedicated_worker: bool | None = None
    ws_error_handler_muted: bool | None = None
    restart_unless_cancelled: bool | None = None
    delete_after_secs: int | None = None
    visible_to_runner_only: bool | None = None
    auto_kind: str | None = None
    codebase: str | None = None
    has_preprocessor: bool | None = None
    on_behalf_of_email: str | None = None
    on_behalf_of: str | None = None
    is_template: bool | None = None
    modules: dict[str, Any] | None = None
    labels: list[str] | None = None
    assets: list[dict[str, Any]] | None = None

    def to_model(self, *, skip_if_noop: bool) -> NewScript:
        """What the room takes."""
        given = {name: getattr(self, name) for name in OPTIONS if getattr(self, name) is not None}
        lock = "\n".join(self.lock) if isinstance(self.lock, list) else self.lock
        return NewScript(
            path=self.path, content=self.content, language=self.language, summary=self.summary,
            description=self.description or "", schema=self.schema_ or None, kind=self.kind or "script", tag=self.tag,
            timeout=self.timeout, priority=self.priority, lock=lock or None,
            parent_hash=number_of(self.parent_hash) if self.parent_hash else None,
            auto_parent=bool(self.auto_parent), deployment_message=self.deployment_message,
            skip_draft_deletion=bool(self.skip_draft_deletion), skip_if_noop=skip_if_noop, options=given,
        )  # fmt: skip


class DraftBody(BaseModel):
    """A draft to keep."""

    path: str
    typ: drafts.Kind
    value: dict[str, Any]


class SignatureBody(BaseModel):
    """Code to look at, while it is typed."""

    language: str
    content: str = Field(max_length=1_000_000)


class HistoryBody(BaseModel):
    """A new deployment message."""

    deployment_msg: str | None = None


@routes.post("/w/{workspace}/scripts/create", WRITE, defers_path=True, status_code=201)
async def create(actor: Actor, body: NewScriptBody, skip_if_noop: bool = False) -> Response:
    """Deploy a version; the answer is its hash."""
    async with actor.transaction() as tx:
        return text(await service.create(tx, body.to_model(skip_if_noop=skip_if_noop)), 201)


@routes.get("/w/{workspace}/scripts/list", READ, response_model=list[shapes.ListedScript])
async def list_scripts(
    actor: Actor, page: Page = 1, per_page: PerPage = 100, path_start: str | None = None, path_exact: str | None = None,
    created_by: str | None = None, show_archived: bool = False, kinds: str | None = None, languages: str | None = None,
    search: str | None = None, order_desc: bool = True,
) -> Response:  # fmt: skip
    """Scripts without their code, newest first."""
    async with actor.transaction() as tx:
        return json(await service.list_scripts(
            tx, page=page, per_page=per_page, path_start=path_start, path_exact=path_exact, created_by=created_by,
            archived=show_archived, kinds=csv(kinds), languages=csv(languages), search=search or None,
            ascending=not order_desc,
        ))  # fmt: skip


@routes.get("/w/{workspace}/scripts/list_search", READ)
async def list_search(actor: Actor) -> Response:
    """Path and code of every script."""
    async with actor.transaction() as tx:
        return json(await service.list_code(tx))


@routes.get("/w/{workspace}/scripts/list_paths", READ, response_model=list[str])
async def list_paths(actor: Actor) -> Response:
    """Paths of every script."""
    async with actor.transaction() as tx:
        return json(await service.list_paths(tx))


@routes.get("/w/{workspace}/scripts/get/p/{path:path}", READ, response_model=shapes.Script)
async def get_by_path(actor: Actor, path: str) -> Response:
    """The live version."""
    async with actor.transaction() as tx:
        return json(await service.get(tx, path=path))


@routes.get("/w/{workspace}/scripts/get/h/{hash}", READ, response_model=shapes.Script)
async def get_by_hash(actor: Actor, hash: str) -> Response:
    """One version."""
    async with actor.transaction() as tx:
        return json(await service.get(tx, number=number_of(hash)))


@routes.get("/w/{workspace}/scripts/get/draft/{path:path}", READ, response_model=shapes.ScriptWithDraft)
async def get_with_draft(actor: Actor, path: str) -> Response:
    """The live version with one's own draft."""
    async with actor.transaction() as tx:
        return json(await drafts.script_with_draft(tx, path))


@routes.get("/w/{workspace}/scripts/raw/p/{path:path}", READ)
async def raw_by_path(actor: Actor, path: str) -> Response:
    """The code alone; a suffix such as .py is ignored."""
    async with actor.transaction() as tx:
        return text((await service.get(tx, path=path.rsplit(".", 1)[0]))["content"])


@routes.get("/w/{workspace}/scripts/raw/h/{hash}", READ)
async def raw_by_hash(actor: Actor, hash: str) -> Response:
    """The code of a version; a suffix such as .py is ignored."""
    async with actor.transaction() as tx:
        return text((await service.get(tx, number=number_of(hash.split(".")[0])))["content"])


@routes.get("/w/{workspace}/scripts/exists/p/{path:path}", READ, response_model=bool)
async def exists(actor: Actor, path: str) -> Response:
    """Whether a live script has this path."""
    async with actor.transaction() as tx:
        return json(await service.exists(tx, path))


@routes.get("/w/{workspace}/scripts/history/p/{path:path}", READ, response_model=list[shapes.ScriptVersion])
async def history(actor: Actor, path: str) -> Response:
    """The versions, newest first."""
    async with actor.transaction() as tx:
        return json(await service.history(tx, path))


@routes.get("/w/{workspace}/scripts/get_latest_version/{path:path}", READ)
async def latest_version(actor: Actor, path: str) -> Response:
    """The newest version, or null."""
    async with actor.transaction() as tx:
        versions = await service.history(tx, path)
        return json(versions[0] if versions else None)


@routes.post("/w/{workspace}/scripts/history_update/h/{hash}/p/{path:path}", WRITE)
async def update_history(actor: Actor, hash: str, path: str, body: HistoryBody) -> Response:
    """Change a deployment message."""
    async with actor.transaction() as tx:
        await service.set_message(tx, path=path, number=number_of(hash), message=body.deployment_msg)
        return text(f"updated the message of {hash}")


@routes.get("/w/{workspace}/scripts/deployment_status/h/{hash}", READ, response_model=shapes.DeploymentStatus)
async def deployment_status(actor: Actor, hash: str) -> Response:
    """Whether the lock is there, and if not, why. Both keys are always present."""
    async with actor.transaction() as tx:
        return json(await service.deployment_status(tx, number_of(hash)))


@routes.post("/w/{workspace}/scripts/archive/p/{path:path}", WRITE)
async def archive_by_path(actor: Actor, path: str) -> Response:
    """Take a script out of service; its versions stay readable."""
    async with actor.transaction() as tx:
        return text(await service.archive(tx, path=path))


@routes.post("/w/{workspace}/scripts/archive/h/{hash}", WRITE)
async def archive_by_hash(actor: Actor, hash: str) -> Response:
    """Take one version out of service."""
    async with actor.transaction() as tx:
        return text(await service.archive(tx, number=number_of(hash)))


@routes.post("/w/{workspace}/scripts/delete/p/{path:path}", WRITE)
async def delete_by_path(actor: Actor, path: str) -> Response:
    """Delete a script with every version."""
    async with actor.transaction() as tx:
        return text(await service.delete(tx, path=path))


@routes.post("/w/{workspace}/scripts/delete/h/{hash}", WRITE)
async def delete_by_hash(actor: Actor, hash: str) -> Response:
    """Delete one version."""
    async with actor.transaction() as tx:
        await service.delete(tx, number=number_of(hash))
        return text(hex_of(number_of(hash)))


@routes.post("/w/{workspace}/drafts/create", WRITE, defers_path=True, status_code=201)
async def put_draft(actor: Actor, body: DraftBody) -> Response:
    """Keep one's draft."""
    async with actor.transaction() as tx:
        await drafts.put(tx, kind=body.typ, path=body.path, value=body.value)
        return text(f"draft {body.path} saved", 201)


@routes.get("/w/{workspace}/drafts/list", READ, response_model=list[shapes.Draft])
async def list_drafts(actor: Actor) -> Response:
    """One's own drafts."""
    async with actor.transaction() as tx:
        return json(await drafts.list_own(tx))


@routes.delete("/w/{workspace}/drafts/delete/{kind}/{path:path}", WRITE)
async def delete_draft(actor: Actor, kind: str, path: str) -> Response:
    """Forget one's draft."""
    async with actor.transaction() as tx:
        await drafts.delete(tx, kind=kind, path=path)
        return text(f"draft {path} deleted")


@routes.post("/w/{workspace}/scripts/signature", READ, response_model=shapes.Signature)
async def signature(actor: Actor, body: SignatureBody) -> Response:
    """The schema of the code's main function, or where it does not parse; the code is never run."""
    found = await asyncio.to_thread(service.signature, body.language, body.content)
    return json({"schema": found.schema, "error": found.error and vars(found.error),
                 "has_preprocessor": found.has_preprocessor, "has_main": found.has_main})  # fmt: skip


@routes.get("/languages", Capability.ACCOUNT, response_model=list[shapes.Language])
async def list_languages(actor: Actor) -> Response:
    """The languages that this server knows."""
    fields = ("name", "editor_mode", "extension", "template", "comment", "tag")
    return json([{field: getattr(languages.get(name), field) for field in fields} for name in languages.names()])
