"""Drafts: what a person typed and has not deployed, one per person and path. Deploying forgets it."""

from typing import Any, Literal

import orjson

from windlass import paths
from windlass.auth.permissions import Principal
from windlass.db.pool import Transaction
from windlass.errors import NotFound
from windlass.resources.values import encode
from windlass.scripts import service
from windlass.scripts.service import queries

Kind = Literal["script", "flow", "app"]


async def put(tx: Transaction[Principal], *, kind: Kind, path: str, value: dict[str, Any]) -> None:
    """Keep the caller's draft, replacing an older one."""
    await queries.put_draft(
        tx.connection, workspace=tx.actor.workspace, path=paths.check(path), kind=kind, username=tx.actor.username,
        value=encode(value).decode(),
    )  # fmt: skip


async def delete(tx: Transaction[Principal], *, kind: str, path: str) -> None:
    """Forget the caller's draft."""
    if not await queries.delete_draft(tx.connection, workspace=tx.actor.workspace, kind=kind, path=path):
        raise NotFound(f"no draft of {path}")


async def script_with_draft(tx: Transaction[Principal], path: str) -> dict[str, Any]:
    """The deployed script with the caller's `draft`, or the draft alone (`draft_only`) when nothing is deployed."""
    row = await queries.get_draft(tx.connection, workspace=tx.actor.workspace, kind="script", path=path)
    draft = {"draft": orjson.Fragment(row["value"])} if row else {}
    try:
        return await service.get(tx, path=path) | draft
    except NotFound:
        if row is None:
            raise
        return orjson.loads(row["value"]) | {"path": path, "draft_only": True, "hash": ""} | draft


async def list_own(tx: Transaction[Principal]) -> list[dict[str, Any]]:
    """The caller's drafts, newest first."""
    rows = queries.list_drafts(tx.connection, workspace=tx.actor.workspace)
    return [
        {
            "path": row["path"],
            "kind": row["kind"],
            "created_at": row["created_at"],
            "value": orjson.Fragment(row["value"]),
        }
        async for row in rows
    ]
