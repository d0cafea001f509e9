"""The members of one workspace. Called by `api/routes/users.py` and `workspaces.py`.

A workspace always keeps an admin, and nobody removes or disables themselves.
"""

from dataclasses import dataclass
from typing import Any

from windlass import paths
from windlass.audit import log as audit
from windlass.auth.permissions import Principal
from windlass.db.pool import Transaction
from windlass.errors import BadRequest, Conflict, NotFound
from windlass.workspaces import service
from windlass.workspaces.model import Member

queries = service.queries


@dataclass(frozen=True, kw_only=True)
class MemberChange:
    """What to change of a member; None leaves it."""

    is_admin: bool | None = None
    operator: bool | None = None
    disabled: bool | None = None


async def list_members(tx: Transaction[None], workspace: str) -> list[Member]:
    """Everybody in a workspace. The platform's transaction is needed, because names lie with the accounts."""
    return await _select(tx, workspace)


async def get_member(tx: Transaction[None], workspace: str, username: str) -> Member:
    """One member, or NotFound."""
    found = await _select(tx, workspace, username=username)
    if not found:
        raise NotFound(f"no user {username} in workspace {workspace}")
    return found[0]


async def find_by_email(tx: Transaction[None], workspace: str | None, email: str) -> Member | None:
    """The member with this e-mail; a superadmin may have none."""
    found = await _select(tx, workspace, email=email)
    return found[0] if found else None


async def list_usernames(tx: Transaction[Principal]) -> list[str]:
    """The names of everybody."""
    return [row["username"] async for row in queries.list_usernames(tx.connection, workspace=tx.actor.workspace)]


async def get_email(tx: Transaction[Principal], username: str) -> str:
    """The e-mail of a member, or NotFound."""
    return (await _row(tx, username))["email"]


async def add(tx: Transaction[Principal], *, email: str, username: str | None, is_admin: bool, operator: bool) -> None:
    """Let an account into the workspace; without a name, the part before the @ is taken."""
    assert tx.actor.workspace is not None
    await service.add_member(
        tx, workspace=tx.actor.workspace, email=email, username=username or service.username_for(email),
        is_admin=is_admin, operator=operator,
    )  # fmt: skip
    await audit.record(tx, "users.add_to_workspace", "Created", email, is_admin=is_admin, operator=operator)


async def update(tx: Transaction[Principal], username: str, change: MemberChange) -> None:
    """Change a member's role or disable them; it holds from their next request on."""
    row = await _row(tx, username)
    is_admin, operator = _role(row, change)
    disabled = row["disabled"] if change.disabled is None else change.disabled
    if disabled:
        _refuse_self(tx, username, "disable")
    if not is_admin or disabled:
        await _keep_an_admin(tx, username)
    await queries.update_member(
        tx.connection, workspace=tx.actor.workspace, username=username,
        is_admin=is_admin, operator=operator, disabled=disabled,
    )  # fmt: skip
    await audit.record(tx, "users.update", "Updated", username, **vars(change))


async def delete(tx: Transaction[Principal], username: str) -> None:
    """Remove a member; their access ends with their next request, what they made stays."""
    await _row(tx, username)
    _refuse_self(tx, username, "remove")
    await _keep_an_admin(tx, username)
    await queries.delete_member(tx.connection, workspace=tx.actor.workspace, username=username)
    await audit.record(tx, "users.delete", "Delete", username)


def is_owner(principal: Principal, path: str) -> bool:
    """Whether the principal owns what lies at the path."""
    owned = (*principal.principals, *(f"f/{folder}" for folder in principal.folders_owned))
    return principal.is_admin or paths.owner(path) in owned


async def _select(
    tx: Transaction[None], workspace: str | None, *, username: str | None = None, email: str | None = None
) -> list[Member]:
    rows = queries.list_members(tx.connection, workspace=workspace, username=username, email=email)
    return [Member(**row) async for row in rows]


async def _row(tx: Transaction[Principal], username: str) -> Any:
    row = await queries.get_member(tx.connection, workspace=tx.actor.workspace, username=username)
    if row is None:
        raise NotFound(f"no user {username} in workspace {tx.actor.workspace}")
    return row


def _role(row: Any, change: MemberChange) -> tuple[bool, bool]:
    """Naming one of the two roles takes the other away, naming both is a mistake."""
    if change.is_admin and change.operator:
        raise BadRequest("a member is an admin or an operator, not both")
    is_admin = row["is_admin"] and not change.operator if change.is_admin is None else change.is_admin
    operator = row["operator"] and not change.is_admin if change.operator is None else change.operator
    return is_admin, operator


def _refuse_self(tx: Transaction[Principal], username: str, deed: str) -> None:
    if username == tx.actor.username:
        raise BadRequest(f"you cannot {deed} yourself; another admin can")


async def _keep_an_admin(tx: Transaction[Principal], leaving: str) -> None:
    admins = [row["username"] async for row in queries.lock_admins(tx.connection, workspace=tx.actor.workspace)]
    if admins == [leaving]:
        raise Conflict(f"{leaving} is the last admin of workspace {tx.actor.workspace}; name another one first")
