"""Workspaces: create, list, rename, archive, delete; and their members' entry. Called by
`api/routes/workspaces.py` and first start.

Functions that take `Transaction[None]` act on the instance and trust their caller to have checked the right;
those that take a principal's transaction act inside its workspace, under row level security.
"""

import re
import secrets
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg

from windlass import paths, tiers
from windlass.audit import log as audit
from windlass.auth.permissions import Principal
from windlass.db.pool import Transaction
from windlass.db.queries import load
from windlass.errors import BadRequest, Conflict, NotFound
from windlass.workspaces.model import Membership, Workspace

queries = load(__file__)

RESOURCE_TYPES = Path(__file__).with_name("resource_types.json")
KEY_BYTES = 32
EVERYBODY = "all"
ADMINS = "admins"
INSTANCE = "global"
COLOR = re.compile(r"#[0-9a-fA-F]{3,8}")


def acting(tx: Transaction[None], principal: Principal, workspace: str = INSTANCE) -> Transaction[Principal]:
    """A platform transaction with the name of who asked, for the audit log."""
    return Transaction(connection=tx.connection, actor=replace(principal, workspace=workspace))


def username_for(email: str) -> str:
    """The name a person gets in a workspace when nobody chose one: what stands before the @."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", email.split("@")[0])[:50]


async def create(
    tx: Transaction[None],
    *,
    workspace: str,
    name: str,
    owner_email: str,
    username: str,
    color: str | None = None,
) -> None:
    """A new workspace with its key, the group `all`, the basic resource types, and its owner as admin.

    An owner without an account (the virtual superadmin) is no member. Raises BadRequest for a malformed id or
    name, Conflict when the id is taken, also by an archived workspace.
    """
    paths.check_workspace(workspace)
    paths.check_name(username, "user")
    try:
        await queries.insert_workspace(
            tx.connection,
            workspace=workspace,
            name=_named(name),
            owner=owner_email,
            color=_checked_color(color),
        )
    except asyncpg.UniqueViolationError as error:
        raise Conflict(f"workspace {workspace} exists already") from error
    await queries.insert_key(tx.connection, workspace=workspace, key=secrets.token_hex(KEY_BYTES))
    await queries.insert_group(tx.connection, workspace=workspace, name=EVERYBODY, summary="Everybody in the workspace")
    await queries.insert_resource_types(
        tx.connection, workspace=workspace, types=RESOURCE_TYPES.read_text(), created_by=username
    )
    await queries.insert_owner(tx.connection, workspace=workspace, username=username, email=owner_email)


async def add_member(
    tx: Transaction[Any],
    *,
    workspace: str,
    email: str,
    username: str,
    is_admin: bool = False,
    operator: bool = False,
) -> None:
    """A new member; Conflict when the name or the e-mail is taken there, BadRequest without an account."""
    paths.check_name(username, "user")
    if is_admin and operator:
        raise BadRequest("a member is an admin or an operator, not both")
    try:
        await queries.insert_member(
            tx.connection, workspace=workspace, email=email.strip().lower(), username=username,
            is_admin=is_admin, operator=operator,
        )  # fmt: skip
    except asyncpg.UniqueViolationError as error:
        raise Conflict(f"{email} or the name {username} is in workspace {workspace} already") from error
    except asyncpg.ForeignKeyViolationError as error:
        raise BadRequest(f"there is no account {email}; create it first") from error


async def exists(tx: Transaction[None], workspace: str) -> bool:
    """Whether the id is taken, also by an archived workspace."""
    return await queries.workspace_exists(tx.connection, workspace=workspace)


async def username_exists(tx: Transaction[None], workspace: str, username: str) -> bool:
    """Whether a workspace has a member of this name."""
    return await queries.username_exists(tx.connection, workspace=workspace, username=username)


async def list_for(tx: Transaction[None], email: str, *, only: str | None = None) -> list[Workspace]:
    """The live workspaces of an account; `only` limits them to one, as a token bound to it does."""
    return [Workspace(**row) async for row in queries.list_of_member(tx.connection, email=email, only=only)]


async def list_memberships(tx: Transaction[None], email: str, *, only: str | None = None) -> list[Membership]:
    """The live workspaces of an account with its name in each."""
    return [Membership(**row) async for row in queries.list_memberships(tx.connection, email=email, only=only)]


async def list_all(tx: Transaction[None]) -> list[Workspace]:
    """Every workspace of the instance, archived ones too."""
    return [Workspace(**row) async for row in queries.list_all(tx.connection)]


async def get(tx: Transaction[Principal]) -> Workspace:
    """The workspace of the transaction's principal."""
    row = await queries.get_workspace(tx.connection, workspace=tx.actor.workspace)
    return Workspace(**row)


async def min_sandbox_tier(tx: Transaction[Principal]) -> str:
    """The least sandbox that jobs of the workspace may run in."""
    return tiers.weakest_of(await queries.find_min_sandbox_rank(tx.connection, workspace=tx.actor.workspace))


async def guard(tx: Transaction[Principal], tier: str) -> None:
    """Have jobs claimed only by workers with a sandbox as good as `tier`. Raises BadRequest for what is no tier."""
    try:
        rank = tiers.rank(tier)
    except KeyError as error:
        raise BadRequest(f"{tier!r} is no sandbox tier") from error
    await queries.guard_workspace(tx.connection, workspace=tx.actor.workspace, min_rank=rank)
    await audit.record(tx, "workspaces.update", "Updated", tx.actor.workspace, min_sandbox_tier=tier)


async def rename(tx: Transaction[Principal], name: str) -> None:
    """Another display name."""
    await queries.rename_workspace(tx.connection, workspace=tx.actor.workspace, name=_named(name))
    await audit.record(tx, "workspaces.update", "Updated", tx.actor.workspace, name=name)


async def change_color(tx: Transaction[Principal], color: str | None) -> None:
    """Another color (#rgb or #rrggbb), or none."""
    await queries.color_workspace(tx.connection, workspace=tx.actor.workspace, color=_checked_color(color))
    await audit.record(tx, "workspaces.update", "Updated", tx.actor.workspace, color=color)


async def archive(tx: Transaction[Principal]) -> None:
    """Close the workspace to everybody until a superadmin brings it back; nothing is deleted."""
    assert tx.actor.workspace is not None
    _refuse_admins(tx.actor.workspace)
    await audit.record(tx, "workspaces.archive", "Updated", tx.actor.workspace)
    await queries.set_archived(tx.connection, workspace=tx.actor.workspace, deleted=True)


async def unarchive(tx: Transaction[Principal]) -> None:
    """Open the archived workspace of the transaction's principal again; a platform transaction is needed."""
    if not await queries.set_archived(tx.connection, workspace=tx.actor.workspace, deleted=False):
        raise NotFound(f"workspace {tx.actor.workspace} does not exist")
    await audit.record(tx, "workspaces.unarchive", "Updated", tx.actor.workspace)


async def delete(tx: Transaction[Principal], workspace: str) -> None:
    """Remove a workspace for good, with everything in it; a platform transaction is needed."""
    _refuse_admins(workspace)
    if not await queries.delete_workspace(tx.connection, workspace=workspace):
        raise NotFound(f"workspace {workspace} does not exist")
    await audit.record(tx, "workspaces.delete", "Delete", workspace)


def _named(name: str) -> str:
    if not name.strip() or len(name) > 100:
        raise BadRequest("a workspace name has 1 to 100 characters")
    return name.strip()


def _checked_color(color: str | None) -> str | None:
    if color and not COLOR.fullmatch(color):
        raise BadRequest("a color is written #rrggbb")
    return color or None


def _refuse_admins(workspace: str) -> None:
    if workspace == ADMINS:
        raise BadRequest("the workspace admins belongs to the instance and stays")
