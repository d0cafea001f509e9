"""Login by e-mail and password. Argon2id; failures are counted per account and per address, also for accounts that do
not exist, and the time taken is the same for both.
"""

import asyncio
from datetime import timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from windlass.auth.tokens import queries
from windlass.db.pool import Database
from windlass.errors import BadRequest, TooManyRequests, Unauthenticated

MAX_FAILURES = 10
WINDOW = timedelta(minutes=1)
MINIMUM_LENGTH = 8
DEFAULT_PASSWORD = "changeme"  # noqa: S105 - Windmill's documented first password; works from loopback only

_hasher = PasswordHasher()


async def hash_password(password: str) -> str:
    """The PHC string of a new password; BadRequest when it is too weak to accept."""
    if len(password) < MINIMUM_LENGTH:
        raise BadRequest(f"a password needs at least {MINIMUM_LENGTH} characters")
    return await asyncio.to_thread(_hasher.hash, password)


async def log_in(database: Database, *, email: str, password: str, address: str, is_local: bool) -> str:
    """The e-mail of the account when the password is right.

    Raises TooManyRequests after ten failures a minute of one account or address, else Unauthenticated. The first-login
    password is accepted from this machine only (`is_local`).
    """
    email = email.strip().lower()
    subjects = [f"account:{email}", f"address:{address}"]
    async with database.system() as tx:
        if await queries.count_attempts(tx.connection, subjects=subjects, window=WINDOW) >= MAX_FAILURES:
            raise TooManyRequests("too many failed logins; try again in a minute", retry_after=WINDOW.total_seconds())
        account = await queries.get_account(tx.connection, email=email)
        await queries.record_attempt(tx.connection, subjects=subjects)
    stored = account["password_hash"] if account and account["password_hash"] else _decoy()
    is_right = await asyncio.to_thread(_verify, stored, password)
    if not account or not is_right or account["disabled"] or (account["loopback_only"] and not is_local):
        raise Unauthenticated("wrong e-mail or password")
    async with database.system() as tx:
        await queries.forget_attempts(tx.connection, subjects=subjects)
    return email


def _verify(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _decoy() -> str:
    return _hasher.hash("no account has this password")
