"""Accounts of the instance: create, read, first login, change of password."""

from dataclasses import dataclass
from typing import Any

import asyncpg

from windlass.auth import tokens
from windlass.auth.providers.password import DEFAULT_PASSWORD, hash_password
from windlass.db.pool import Transaction
from windlass.errors import BadRequest, Conflict, NotFound

queries = tokens.queries
FIRST_EMAIL = "admin@windmill.dev"


@dataclass(frozen=True, kw_only=True)
class FirstLogin:
    """How the very first account is made."""

    password: str
    loopback_only: bool
    must_change: bool


@dataclass(frozen=True, kw_only=True)
class AccountChange:
    """What to change of an account; None leaves it."""

    super_admin: bool | None = None
    disabled: bool | None = None
    name: str | None = None
    company: str | None = None


async def get(tx: Transaction[None], email: str) -> Any:
    """One account's row, or NotFound."""
    row = await queries.get_account(tx.connection, email=email)
    if row is None:
        raise NotFound(f"no account {email}")
    return row


async def exists(tx: Transaction[None], email: str) -> bool:
    """Whether an e-mail has an account."""
    return await queries.account_exists(tx.connection, email=email)


async def list_all(tx: Transaction[None], *, count: int, skip: int) -> list[Any]:
    """A page of the instance's accounts, by e-mail."""
    return [row async for row in queries.list_accounts(tx.connection, count=count, skip=skip)]


async def update(tx: Transaction[None], email: str, change: AccountChange) -> None:
    """Change an account; it holds from its next request on."""
    if not await queries.update_account(tx.connection, email=email, **vars(change)):
        raise NotFound(f"no account {email}")


async def delete(tx: Transaction[None], email: str) -> None:
    """Remove an account with its tokens and memberships; what it made in workspaces stays."""
    if not await queries.delete_account(tx.connection, email=email):
        raise NotFound(f"no account {email}")


async def create(
    tx: Transaction[None], *, email: str, password: str | None, name: str | None = None, company: str | None = None,
    super_admin: bool = False, must_change_password: bool = False, loopback_only: bool = False,
) -> None:  # fmt: skip
    """A new account; Conflict when the e-mail has one."""
    if not loopback_only:
        _refuse_default(password)
    password_hash = None if password is None else await hash_password(password)
    try:
        await queries.insert_account(
            tx.connection, email=email.strip().lower(), password_hash=password_hash, name=name, company=company,
            super_admin=super_admin, must_change_password=must_change_password, loopback_only=loopback_only,
        )  # fmt: skip
    except asyncpg.UniqueViolationError as error:
        raise Conflict(f"an account {email} exists already") from error


async def create_first(tx: Transaction[None], login: FirstLogin) -> bool:
    """Make the first superadmin when there is no account at all; tells whether it did."""
    if await queries.count_accounts(tx.connection):
        return False
    await create(
        tx, email=FIRST_EMAIL, password=login.password, name="Admin", super_admin=True,
        must_change_password=login.must_change, loopback_only=login.loopback_only,
    )  # fmt: skip
    return True


async def change_password(tx: Transaction[None], *, email: str, password: str, session_prefix: str | None) -> None:
    """Set a new password and end every session of the account but one; NotFound without an account."""
    _refuse_default(password)
    await get(tx, email)
    await queries.set_password(tx.connection, email=email, password_hash=await hash_password(password))
    await tokens.delete_sessions(tx, email=email, keep=session_prefix)


def _refuse_default(password: str | None) -> None:
    if password == DEFAULT_PASSWORD:
        raise BadRequest("everybody knows that password; choose another one")
