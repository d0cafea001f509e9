"""Groups of members. Called by `api/routes/groups.py`. The group `all` is everybody, always."""

import json
from typing import Any

import asyncpg

from windlass import paths
from windlass.audit import log as audit
from windlass.auth.permissions import Principal
from windlass.db.pool import Transaction
from windlass.errors import BadRequest, Conflict, NotFound
from windlass.workspaces import service
from windlass.workspaces.model import Group

queries = service.queries


async def list_groups(tx: Transaction[Principal]) -> list[Group]:
    """Every group with its members."""
    rows = queries.list_groups(tx.connection, workspace=tx.actor.workspace, name=None)
    return [_group(row) async for row in rows]


async def list_names(tx: Transaction[Principal], *, only_mine: bool) -> list[str]:
    """The names of every group, or of the caller's own."""
    username = tx.actor.username if only_mine else None
    rows = queries.list_group_names(tx.connection, workspace=tx.actor.workspace, username=username)
    return [row["name"] async for row in rows]


async def get(tx: Transaction[Principal], name: str) -> Group:
    """One group, or NotFound."""
    rows = queries.list_groups(tx.connection, workspace=tx.actor.workspace, name=name)
    found = [_group(row) async for row in rows]
    if not found:
        raise NotFound(f"no group {name}")
    return found[0]


async def create(tx: Transaction[Principal], *, name: str, summary: str) -> None:
    """A new, empty group; Conflict when the name is taken."""
    paths.check_name(name, "group")
    try:
        await queries.insert_group(tx.connection, workspace=tx.actor.workspace, name=name, summary=summary)
    except asyncpg.UniqueViolationError as error:
        raise Conflict(f"group {name} exists already") from error
    await audit.record(tx, "group.create", "Created", name)


async def update(tx: Transaction[Principal], name: str, summary: str) -> None:
    """Another summary."""
    workspace = tx.actor.workspace
    if not await queries.update_group(tx.connection, workspace=workspace, name=name, summary=summary):
        raise NotFound(f"no group {name}")
    await audit.record(tx, "group.edit", "Updated", name)


async def delete(tx: Transaction[Principal], name: str) -> None:
    """Remove a group; rights that were given to it come to nothing."""
    _refuse_everybody(name)
    if not await queries.delete_group(tx.connection, workspace=tx.actor.workspace, name=name):
        raise NotFound(f"no group {name}")
    await audit.record(tx, "group.delete", "Delete", name)


async def add_user(tx: Transaction[Principal], name: str, username: str) -> None:
    """Put a member in a group; adding twice is harmless, an unknown group or user is NotFound."""
    _refuse_everybody(name)
    try:
        await queries.insert_group_member(tx.connection, workspace=tx.actor.workspace, name=name, username=username)
    except asyncpg.ForeignKeyViolationError as error:
        raise NotFound(f"no group {name} or no user {username}") from error
    await audit.record(tx, "group.adduser", "Updated", name, user=username)


async def remove_user(tx: Transaction[Principal], name: str, username: str) -> None:
    """Take a member out of a group; NotFound when they are not in it."""
    _refuse_everybody(name)
    if not await queries.delete_group_member(tx.connection, workspace=tx.actor.workspace, name=name, username=username):
        raise NotFound(f"{username} is not in group {name}")
    await audit.record(tx, "group.removeuser", "Updated", name, user=username)


def _group(row: Any) -> Group:
    return Group(**(dict(row) | {"extra_perms": json.loads(row["extra_perms"])}))


def _refuse_everybody(name: str) -> None:
    if name == service.EVERYBODY:
        raise BadRequest("everybody is in the group all; it cannot be changed")
