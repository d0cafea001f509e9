"""Tokens: opaque random text, kept only as a SHA-256 hash. A job's token is not stored at all: it is a signed
claim that is worth something only while that attempt of the job runs.
"""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from windlass.auth.permissions import Principal
from windlass.db.pool import Transaction
from windlass.db.queries import load
from windlass.errors import BadRequest, Forbidden, NotFound

queries = load(__file__)

PREFIX_LENGTH = 10
JOB_PREFIX = "wj_"
_CLAIM_BYTES = 16 + 4
_KEY_NAME = "job_token_key"


@dataclass(frozen=True, kw_only=True)
class JobClaim:
    """What a job token says: this attempt of this job."""

    job_id: UUID
    epoch: int


def hash_of(token: str) -> bytes:
    """The form in which a token is stored."""
    return hashlib.sha256(token.encode()).digest()


async def create(
    tx: Transaction[None],
    *,
    email: str,
    label: str | None,
    expiration: datetime | None,
    scopes: list[str] | None,
    workspace: str | None,
    read_only: bool = False,
    kind: str = "token",
) -> str:
    """Make a token and return its text, which cannot be read again."""
    token = secrets.token_urlsafe(32)
    await queries.insert_token(
        tx.connection, token_hash=hash_of(token), token_prefix=token[:PREFIX_LENGTH], kind=kind, email=email,
        label=label, scopes=scopes, workspace_id=workspace, read_only=read_only, expiration=expiration,
    )  # fmt: skip
    return token


def narrowed(principal: Principal, scopes: list[str] | None) -> list[str] | None:
    """The scopes a new token of this principal may have: never more than the principal's own."""
    if principal.scopes is None:
        return scopes
    if scopes is None or not set(scopes) <= set(principal.scopes):
        raise Forbidden("a token cannot make a token with more scopes than its own")
    return scopes


def bound(principal: Principal, workspace: str | None) -> str | None:
    """The workspace a new token of this principal is for: a bound token makes only tokens for its own workspace."""
    if principal.bound_to is not None and workspace not in {None, principal.bound_to}:
        raise Forbidden(f"this token is for workspace {principal.bound_to} only")
    return workspace or principal.bound_to


def ending(principal: Principal, expiration: datetime | None) -> datetime | None:
    """When a new token of this principal ends: never later than its own; BadRequest for one that is dead on arrival."""
    if expiration is not None and expiration <= datetime.now(UTC):
        raise BadRequest("expiration must be in the future")
    return min((moment for moment in (expiration, principal.expires_at) if moment is not None), default=None)


async def list_of(tx: Transaction[None], email: str) -> list[Any]:
    """Every live token of an account, newest first."""
    return [row async for row in queries.list_tokens(tx.connection, email=email)]


async def delete(tx: Transaction[None], *, email: str, prefix: str) -> None:
    """Delete one's own token by its prefix."""
    if not await queries.delete_token(tx.connection, email=email, token_prefix=prefix[:PREFIX_LENGTH]):
        raise NotFound(f"no token of yours starts with {prefix[:PREFIX_LENGTH]}")


async def delete_session(tx: Transaction[None], token: str) -> None:
    """End a presented session (logout); harmless for any other token."""
    await queries.delete_session(tx.connection, token_hash=hash_of(token))


async def delete_sessions(tx: Transaction[None], *, email: str, keep: str | None) -> None:
    """Forget every session of an account but the one with this prefix."""
    await queries.delete_sessions(tx.connection, email=email, keep=keep)


async def delete_dead(tx: Transaction[None], *, older_than: timedelta) -> None:
    """Remove tokens that expired, and login attempts that no longer count."""
    await queries.delete_dead_tokens(tx.connection)
    await queries.delete_old_attempts(tx.connection, older_than=older_than)


async def job_key(tx: Transaction[None]) -> bytes:
    """The instance's key for job tokens, made on first use."""
    value = await queries.get_or_create_key(tx.connection, name=_KEY_NAME, value=f'"{secrets.token_hex(32)}"')
    return bytes.fromhex(value.strip('"'))


def sign_job(key: bytes, claim: JobClaim) -> str:
    """The token of one attempt of a job."""
    body = claim.job_id.bytes + claim.epoch.to_bytes(4)
    return JOB_PREFIX + urlsafe_b64encode(body + hmac.digest(key, body, "sha256")).decode()


def read_job(key: bytes, token: str) -> JobClaim | None:
    """The claim of a job token with a good signature, else None."""
    try:
        raw = urlsafe_b64decode(token.removeprefix(JOB_PREFIX))
    except ValueError:
        return None
    body, signature = raw[:_CLAIM_BYTES], raw[_CLAIM_BYTES:]
    if len(body) != _CLAIM_BYTES or not hmac.compare_digest(signature, hmac.digest(key, body, "sha256")):
        return None
    return JobClaim(job_id=UUID(bytes=body[:16]), epoch=int.from_bytes(body[16:]))
