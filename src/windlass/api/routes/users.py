"""Accounts of the instance, one's own account and tokens, and the members of a workspace."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from fastapi import Response
from pydantic import BaseModel

from windlass.api import shapes
from windlass.api.access import Actor, Caller, Routes
from windlass.api.paging import Page, PerPage
from windlass.api.responses import json, text
from windlass.audit import log as audit
from windlass.auth import accounts, tokens
from windlass.auth.accounts import AccountChange
from windlass.auth.permissions import SUPERADMIN_EMAIL, Capability
from windlass.errors import BadRequest, Forbidden
from windlass.workspaces import users
from windlass.workspaces.service import acting, username_for
from windlass.workspaces.users import MemberChange

routes = Routes("users")


class NewPassword(BaseModel):
    """A password to set."""

    password: str


class NewAccount(BaseModel):
    """An account to create."""

    email: str
    password: str
    super_admin: bool = False
    name: str | None = None
    company: str | None = None


class AccountEdit(BaseModel):
    """What a superadmin may change of an account."""

    is_super_admin: bool | None = None
    disabled: bool | None = None
    name: str | None = None
    company: str | None = None


class NewToken(BaseModel):
    """A token to create."""

    label: str | None = None
    expiration: datetime | None = None
    scopes: list[str] | None = None
    workspace_id: str | None = None
    read_only: bool = False


class MemberEdit(BaseModel):
    """What an admin may change of a member."""

    is_admin: bool | None = None
    operator: bool | None = None
    disabled: bool | None = None


@routes.get("/users/whoami", Capability.ACCOUNT, response_model=shapes.Person)
async def whoami_global(caller: Actor) -> Response:
    """The account behind the token."""
    if caller.principal.email == SUPERADMIN_EMAIL:
        return json(_virtual_superadmin())
    async with caller.app.database.system() as tx:
        return json(_account(await accounts.get(tx, caller.principal.email)))


@routes.get("/users/email", Capability.ACCOUNT)
async def email(caller: Actor) -> Response:
    """The e-mail of the account behind the token."""
    return text(caller.principal.email)


@routes.post("/users/setpassword", Capability.TOKENS)
async def set_own_password(body: NewPassword, caller: Actor) -> Response:
    """Another password; every other session of the account ends."""
    principal = caller.principal
    if not principal.is_whole:
        raise Forbidden("a token with a limit cannot set the password, which has none; log in first")
    async with caller.app.database.system() as tx:
        await accounts.change_password(
            tx, email=principal.email, password=body.password, session_prefix=principal.token_prefix
        )
        await audit.record(acting(tx, principal), "users.setpassword", "Updated", principal.email)
    return text("password updated")


@routes.get("/users/tokens/list", Capability.TOKENS, response_model=list[shapes.Token])
async def list_tokens(caller: Actor, exclude_ephemeral: bool = False) -> Response:
    """One's own live tokens, without browser sessions when asked."""
    async with caller.app.database.system() as tx:
        rows = await tokens.list_of(tx, caller.principal.email)
    return json([_token(row) for row in rows if not exclude_ephemeral or row["kind"] == "token"])


@routes.post("/users/tokens/create", Capability.TOKENS)
async def create_token(body: NewToken, caller: Actor) -> Response:
    """A new token, never with more rights than the one that asks; its text cannot be read again."""
    principal = caller.principal
    if principal.email == SUPERADMIN_EMAIL:
        raise BadRequest("the virtual superadmin has no account; create one and log in with it")
    async with caller.app.database.system() as tx:
        token = await tokens.create(
            tx, email=principal.email, label=body.label,
            expiration=tokens.ending(principal, body.expiration),
            scopes=tokens.narrowed(principal, body.scopes), read_only=body.read_only,
            workspace=tokens.bound(principal, body.workspace_id),
        )  # fmt: skip
        await audit.record(acting(tx, principal), "users.token.create", "Created", body.label)
    return text(token, 201)


@routes.delete("/users/tokens/delete/{token_prefix}", Capability.TOKENS)
async def delete_token(token_prefix: str, caller: Actor) -> Response:
    """Delete one of one's own tokens."""
    async with caller.app.database.system() as tx:
        await tokens.delete(tx, email=caller.principal.email, prefix=token_prefix)
        await audit.record(acting(tx, caller.principal), "users.token.delete", "Delete", token_prefix)
    caller.app.identities.forget()
    return text(f"deleted token {token_prefix}")


@routes.post("/users/create", Capability.INSTANCE)
async def create_account(body: NewAccount, caller: Actor) -> Response:
    """A new account."""
    async with caller.app.database.system() as tx:
        await accounts.create(tx, **body.model_dump())
        await audit.record(acting(tx, caller.principal), "users.add_global", "Created", body.email)
    return text(f"email {body.email} created", 201)


@routes.get("/users/list_as_super_admin", Capability.INSTANCE)
async def list_accounts(caller: Actor, page: Page = 1, per_page: PerPage = 1000) -> Response:
    """The accounts of the instance; page 0 and page 1 are both the first."""
    async with caller.app.database.system() as tx:
        rows = await accounts.list_all(tx, count=per_page, skip=max(page - 1, 0) * per_page)
    return json([_account(row) for row in rows])


@routes.get("/users/exists/{email}", Capability.INSTANCE)
async def account_exists(email: str, caller: Actor) -> Response:
    """Whether an e-mail has an account."""
    async with caller.app.database.system() as tx:
        return json(await accounts.exists(tx, email.lower()))


@routes.post("/users/update/{email}", Capability.INSTANCE)
async def update_account(email: str, body: AccountEdit, caller: Actor) -> Response:
    """Change an account; nobody demotes or disables themselves, so that a superadmin is left."""
    if body.disabled or body.is_super_admin is False:
        _refuse_self(caller, email)
    change = AccountChange(
        super_admin=body.is_super_admin, disabled=body.disabled, name=body.name, company=body.company
    )
    async with caller.app.database.system() as tx:
        await accounts.update(tx, email.lower(), change)
        await audit.record(acting(tx, caller.principal), "users.update", "Updated", email, **asdict(change))
    return text(f"updated {email}")


@routes.post("/users/set_password_of/{email}", Capability.INSTANCE)
async def set_password_of(email: str, body: NewPassword, caller: Actor) -> Response:
    """Another password for somebody; all their sessions end."""
    async with caller.app.database.system() as tx:
        await accounts.change_password(tx, email=email.lower(), password=body.password, session_prefix=None)
        await audit.record(acting(tx, caller.principal), "users.setpassword", "Updated", email)
    caller.app.identities.forget()
    return text(f"password of {email} updated")


@routes.delete("/users/delete/{email}", Capability.INSTANCE)
async def delete_account(email: str, caller: Actor) -> Response:
    """Remove an account with its tokens and memberships."""
    _refuse_self(caller, email)
    async with caller.app.database.system() as tx:
        await accounts.delete(tx, email.lower())
        await audit.record(acting(tx, caller.principal), "account.delete", "Delete", email)
    return text(f"deleted {email}")


@routes.get("/w/{workspace}/users/whoami", Capability.USERS_READ, response_model=shapes.Member)
async def whoami(caller: Actor) -> Response:
    """The caller as the workspace knows them."""
    return json(await _as_user(caller))


@routes.get("/w/{workspace}/users/list", Capability.USERS_READ, response_model=list[shapes.Member])
async def list_members(workspace: str, caller: Actor) -> Response:
    """Everybody in the workspace."""
    async with caller.app.database.system() as tx:
        return json(await users.list_members(tx, workspace))


@routes.get("/w/{workspace}/users/list_usernames", Capability.USERS_READ)
async def list_usernames(caller: Actor) -> Response:
    """The names of everybody in the workspace."""
    async with caller.transaction() as tx:
        return json(await users.list_usernames(tx))


@routes.get("/w/{workspace}/users/get/{username}", Capability.USERS_READ)
async def get_member(workspace: str, username: str, caller: Actor) -> Response:
    """One member."""
    async with caller.app.database.system() as tx:
        return json(await users.get_member(tx, workspace, username))


@routes.get("/w/{workspace}/users/whois/{username}", Capability.USERS_READ)
async def whois(workspace: str, username: str, caller: Actor) -> Response:
    """One member, by the protocol's other name."""
    async with caller.app.database.system() as tx:
        return json(await users.get_member(tx, workspace, username))


@routes.get("/w/{workspace}/users/username_to_email/{username}", Capability.USERS_READ)
async def username_to_email(username: str, caller: Actor) -> Response:
    """The e-mail of a member, as text."""
    async with caller.transaction() as tx:
        return text(await users.get_email(tx, username))


@routes.get("/w/{workspace}/users/is_owner/{path:path}", Capability.USERS_READ)
async def is_owner(path: str, caller: Actor) -> Response:
    """Whether the caller owns what lies at the path."""
    return json(users.is_owner(caller.principal, path))


@routes.post("/w/{workspace}/users/update/{username}", Capability.WORKSPACES_WRITE)
async def update_member(username: str, body: MemberEdit, caller: Actor) -> Response:
    """Change a member's role, or disable them."""
    async with caller.transaction() as tx:
        await users.update(tx, username, MemberChange(**body.model_dump()))
    return text(f"user {username} updated")


@routes.delete("/w/{workspace}/users/delete/{username}", Capability.WORKSPACES_WRITE)
async def delete_member(username: str, caller: Actor) -> Response:
    """Remove a member."""
    async with caller.transaction() as tx:
        await users.delete(tx, username)
    return text(f"username {username} deleted")


def _account(row: Any) -> dict[str, Any]:
    return {
        "email": row["email"],
        "login_type": "password",
        "super_admin": row["super_admin"],
        "verified": True,
        "name": row["name"],
        "company": row["company"],
        "username": username_for(row["email"]),
        "first_time_user": row["must_change_password"],
        "role_source": "manual",
        "disabled": row["disabled"],
        "must_change_password": row["must_change_password"],
    }


def _virtual_superadmin() -> dict[str, Any]:
    row = {
        "email": SUPERADMIN_EMAIL, "super_admin": True, "name": "Superadmin", "company": None,
        "must_change_password": False, "disabled": False,
    }  # fmt: skip
    return _account(row) | {"login_type": "service_account"}


def _token(row: Any) -> dict[str, Any]:
    return {key: value for key, value in dict(row).items() if key != "kind"}


async def _as_user(caller: Caller) -> dict[str, Any]:
    """The principal in the shape of a user. A superadmin need not be a member; clients want a date."""
    principal = caller.principal
    async with caller.app.database.system() as tx:
        member = await users.find_by_email(tx, principal.workspace, principal.email)
    if member is not None:
        return asdict(member)
    return {
        "email": principal.email, "username": principal.username, "is_admin": True, "is_super_admin": True,
        "operator": False, "disabled": False, "created_at": datetime.now(UTC), "groups": list(principal.groups),
        "folders": [], "folders_read": [], "folders_owners": [], "non_member": True,
    }  # fmt: skip


def _refuse_self(caller: Caller, email: str) -> None:
    if email.lower() == caller.principal.email:
        raise BadRequest("you cannot remove, disable or demote yourself; another superadmin can")
