"""Folders: who owns `f/<name>/…`, who reads and writes there. Called by `api/routes/folders.py`.

A folder changes by its owners and by admins; somebody who may not read it learns only that the name is taken.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import asyncpg

from windlass import paths
from windlass.audit import log as audit
from windlass.auth.permissions import Principal
from windlass.db.pool import Transaction
from windlass.errors import BadRequest, Conflict, Forbidden, NotFound
from windlass.workspaces import service
from windlass.workspaces.model import Folder, FolderUsage

queries = service.queries
WHO = re.compile(r"[ug]/[\w-]{1,50}")


@dataclass(frozen=True, kw_only=True)
class FolderChange:
    """What to change of a folder; None leaves it."""

    summary: str | None = None
    owners: list[str] | None = None
    extra_perms: dict[str, bool] | None = None


async def list_folders(tx: Transaction[Principal]) -> list[Folder]:
    """The folders that the caller may read."""
    names = None if tx.actor.is_admin else list(tx.actor.folders_read)
    rows = queries.list_folders(tx.connection, workspace=tx.actor.workspace, names=names)
    return [_folder(row) async for row in rows]


async def get(tx: Transaction[Principal], name: str) -> Folder:
    """One folder; NotFound when there is none that the caller may read."""
    found = [folder for folder in await list_folders(tx) if folder.name == name]
    if not found:
        raise NotFound(f"no folder {name}")
    return found[0]


async def exists(tx: Transaction[Principal], name: str) -> bool:
    """Whether the name is taken."""
    return await queries.folder_exists(tx.connection, workspace=tx.actor.workspace, name=name)


async def check_vacant(tx: Transaction[None], workspace: str, name: str, maker: str) -> None:
    """Raise Conflict when something of others lies where a folder is to be made: its maker would come to own it."""
    if await queries.folder_has_past(tx.connection, workspace=workspace, start=f"f/{name}/", maker=maker):
        raise Conflict(f"items or runs of an earlier folder {name} are still there; an admin can make it again")


async def create(tx: Transaction[Principal], name: str, change: FolderChange) -> None:
    """A new folder. Who makes it is always among its owners, so that it cannot be lost to its maker."""
    paths.check_name(name, "folder")
    maker = f"u/{tx.actor.username}"
    owners = [*(owner for owner in change.owners or [] if owner != maker), maker]
    try:
        await queries.insert_folder(
            tx.connection, workspace=tx.actor.workspace, name=name, summary=change.summary,
            owners=_checked(owners), extra_perms=_grants(change.extra_perms or {}),
            created_by=tx.actor.username,
        )  # fmt: skip
    except asyncpg.UniqueViolationError as error:
        raise Conflict(f"folder {name} exists already") from error
    await audit.record(tx, "folder.create", "Created", name)


async def update(tx: Transaction[Principal], name: str, change: FolderChange) -> None:
    """Replace what the change names."""
    folder = await _owned(tx, name)
    given = {key: value for key, value in vars(change).items() if value is not None}
    await _save(tx, replace(folder, **given))
    await audit.record(tx, "folder.update", "Updated", name)


async def delete(tx: Transaction[Principal], name: str) -> None:
    """Remove a folder. Items below it stay; only admins, their sharers and their jobs reach them then."""
    await _owned(tx, name)
    await queries.delete_folder(tx.connection, workspace=tx.actor.workspace, name=name)
    await audit.record(tx, "folder.delete", "Delete", name)


async def add_owner(tx: Transaction[Principal], name: str, owner: str) -> None:
    """Make a user or group an owner, with write access."""
    folder = await _owned(tx, name)
    owners = list(dict.fromkeys([*folder.owners, owner]))
    await _save(tx, replace(folder, owners=owners, extra_perms=folder.extra_perms | {owner: True}))
    await audit.record(tx, "folder.add_owner", "Updated", name, owner=owner)


async def remove_owner(tx: Transaction[Principal], name: str, owner: str, *, write: bool | None) -> None:
    """Take the ownership away, leaving write access (True), read access (False) or none (None)."""
    folder = await _owned(tx, name)
    kept = {who: can_write for who, can_write in folder.extra_perms.items() if who != owner}
    left = kept if write is None else kept | {owner: write}
    await _save(tx, replace(folder, owners=[who for who in folder.owners if who != owner], extra_perms=left))
    await audit.record(tx, "folder.remove_owner", "Updated", name, owner=owner)


async def count_usage(tx: Transaction[Principal], name: str) -> FolderUsage:
    """How much of what the caller may see lies in a folder."""
    counts = await queries.count_usage(tx.connection, workspace=tx.actor.workspace, owner=f"f/{name}")
    return FolderUsage(**counts)


async def _owned(tx: Transaction[Principal], name: str) -> Folder:
    """The folder, locked, when the caller may change it by its owners of this moment."""
    await get(tx, name)
    row = await queries.lock_folder(tx.connection, workspace=tx.actor.workspace, name=name)
    if row is None or not (tx.actor.is_admin or set(row["owners"]).intersection(tx.actor.principals)):
        raise Forbidden(f"{tx.actor.username} is no owner of folder {name}")
    return _folder(row)


async def _save(tx: Transaction[Principal], folder: Folder) -> None:
    await queries.update_folder(
        tx.connection, workspace=tx.actor.workspace, name=folder.name, summary=folder.summary,
        owners=_checked(folder.owners), extra_perms=_grants(folder.extra_perms),
    )  # fmt: skip


def _folder(row: Any) -> Folder:
    return Folder(**(dict(row) | {"extra_perms": json.loads(row["extra_perms"])}))


def _checked(owners: list[str]) -> list[str]:
    for owner in owners:
        if not WHO.fullmatch(owner):
            raise BadRequest(f"owner {owner[:60]!r} is not valid: write u/<user> or g/<group>")
    return owners


def _grants(extra_perms: Mapping[str, bool]) -> str:
    _checked(list(extra_perms))
    return json.dumps(extra_perms)
