"""From a presented token to a `Principal`. Called once a request by `api/access.py`; unknown, expired, disabled or
removed means Unauthenticated, never a lesser role. `Identities` remembers the answer for a moment, for the routes that
ask again and again.
"""

import asyncio
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from windlass.auth import tokens
from windlass.auth.permissions import SUPERADMIN_EMAIL, Principal
from windlass.db.pool import Database, Transaction
from windlass.errors import Forbidden, NotFound, Unauthenticated

queries = tokens.queries

CHANNEL = "identities"
MEMORY_S = 0.5
MEMORY_SIZE = 4096
_Key = tuple[bytes, str | None]


@dataclass(frozen=True, kw_only=True)
class Keys:
    """The secrets of this instance that identification needs."""

    job_key: bytes
    superadmin_secret: str | None


async def identify(tx: Transaction[None], keys: Keys, token: str, workspace: str | None) -> Principal:
    """The principal behind a token in a workspace.

    Raises Unauthenticated for a token that is worth nothing, Forbidden for a non-member, NotFound for no such
    workspace.
    """
    if keys.superadmin_secret and hmac.compare_digest(token.encode(), keys.superadmin_secret.encode()):
        if workspace is not None and not await queries.workspace_exists(tx.connection, workspace=workspace):
            raise NotFound(f"workspace {workspace} does not exist")
        return Principal(
            email=SUPERADMIN_EMAIL, username="superadmin", role="superadmin", workspace=workspace, is_super_admin=True
        )
    row, job_id = await _find(tx, keys, token, workspace)
    principal = _principal(row, workspace, job_id)
    if workspace is not None and not row["workspace_exists"]:
        raise NotFound(f"workspace {workspace} does not exist")
    return principal


class Identities:
    """The principals of one server process, remembered for half a second by token and workspace.

    A change in the database makes every process forget at once (`CHANNEL`); should the news be lost, it is seen when
    the half second is over. Refusals are not remembered, and whoever refuses by `recall` asks `find` before it says so.
    """

    def __init__(self, database: Database, keys: Keys, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._keys = keys
        self._clock = clock
        self._known: dict[_Key, tuple[float, Principal]] = {}
        self._finding: dict[_Key, asyncio.Task[Principal]] = {}

    async def recall(self, token: str, workspace: str | None) -> Principal:
        """The principal of a moment ago, with the errors of `identify`. Many who ask at once are answered together."""
        key = tokens.hash_of(token), workspace
        until, principal = self._known.get(key, (0.0, None))
        if principal is not None and self._clock() < until:
            return principal
        finding = self._finding.get(key)
        if finding is None:
            finding = self._finding[key] = asyncio.create_task(self._find(token, key))
        return await asyncio.shield(finding)

    async def find(self, token: str, workspace: str | None) -> Principal:
        """The principal of this moment, as `identify` has it, with its errors."""
        async with self._database.system_statement() as tx:
            return await identify(tx, self._keys, token, workspace)

    def forget(self) -> None:
        """Somebody's rights have changed."""
        self._known.clear()
        self._finding.clear()

    async def _find(self, token: str, key: _Key) -> Principal:
        until, me = self._clock() + MEMORY_S, asyncio.current_task()
        try:
            principal = await self.find(token, key[1])
            if self._finding.get(key) is me:  # else it may be from before a change
                self._keep(key, until, principal)
            return principal
        finally:
            if self._finding.get(key) is me:
                del self._finding[key]

    def _keep(self, key: _Key, until: float, principal: Principal) -> None:
        if len(self._known) >= MEMORY_SIZE:
            self._known.clear()
        self._known[key] = until, principal


async def _find(tx: Transaction[None], keys: Keys, token: str, workspace: str | None) -> tuple[Any, str | None]:
    if token.startswith(tokens.JOB_PREFIX):
        claim = tokens.read_job(keys.job_key, token)
        row = claim and await queries.find_by_job(tx.connection, job_id=claim.job_id, epoch=claim.epoch)
        job_id = str(claim.job_id) if claim else None
    else:
        digest = tokens.hash_of(token)
        row, job_id = await queries.find_by_token(tx.connection, token_hash=digest, workspace=workspace), None
        if row and row["is_stale"]:
            await queries.touch_token(tx.connection, token_hash=digest)
    if not row:
        raise Unauthenticated("the token is not valid, has expired, or its job has ended")
    return row, job_id


def _principal(row: Any, workspace: str | None, job_id: str | None) -> Principal:
    bound_to = row["token_workspace"]
    if bound_to is not None and workspace is not None and workspace != bound_to:
        raise Forbidden(f"this token is for workspace {bound_to} only")
    username = row["username"] or row["email"].split("@")[0]
    groups = ("all", *(row["groups"] or ()))
    names = {f"u/{username}", *(f"g/{group}" for group in groups)}
    folders = _folders(row["folders"], names)
    return Principal(
        email=row["email"],
        username=username,
        role=_role(row, workspace),
        workspace=workspace,
        is_super_admin=row["super_admin"],
        groups=groups,
        folders_read=folders["read"],
        folders_write=folders["write"],
        folders_owned=folders["owned"],
        scopes=None if row["scopes"] is None else tuple(row["scopes"]),
        read_only=row["read_only"],
        token_prefix=row["token_prefix"],
        expires_at=row["expires_at"],
        bound_to=bound_to,
        job_id=job_id,
        must_change_password=row["must_change_password"],
    )


def _role(row: Any, workspace: str | None) -> str:
    if workspace is None and row["token_workspace"] is not None:
        return "none"
    if row["super_admin"]:
        return "superadmin"
    if workspace is None:
        return "none"
    if row["username"] is None or row["member_disabled"]:
        raise Forbidden(f"{row['email']} is not a member of workspace {workspace}")
    return "admin" if row["is_admin"] else "operator" if row["operator"] else "developer"


def _folders(text: str | None, names: set[str]) -> dict[str, tuple[str, ...]]:
    read, write, owned = [], [], []
    for folder in json.loads(text or "[]"):
        grants = [can_write for name, can_write in folder["extra_perms"].items() if name in names]
        is_owner = bool(names.intersection(folder["owners"]))
        if is_owner or grants:
            read.append(folder["name"])
        if is_owner or any(grants):
            write.append(folder["name"])
        if is_owner:
            owned.append(folder["name"])
    return {"read": tuple(read), "write": tuple(write), "owned": tuple(owned)}
