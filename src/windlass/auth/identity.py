"""From a presented token to a `Principal`. Called once a request by `api/access.py`; unknown, expired, disabled or
removed means Unauthenticated, never a lesser role.
"""

import hmac
import json
from dataclasses import dataclass
from typing import Any

from windlass.auth import tokens
from windlass.auth.permissions import SUPERADMIN_EMAIL, Principal
from windlass.db.pool import Transaction
from windlass.errors import Forbidden, NotFound, Unauthenticated

queries = tokens.queries


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
        principal = Principal(
            email=SUPERADMIN_EMAIL, username="superadmin", role="superadmin", workspace=workspace, is_super_admin=True
        )
    else:
        row, job_id = await _find(tx, keys, token, workspace)
        principal = _principal(row, workspace, job_id)
    await _check_workspace(tx, principal)
    return principal


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


async def _check_workspace(tx: Transaction[None], principal: Principal) -> None:
    if principal.workspace is None or (principal.role != "superadmin" and principal.job_id is None):
        return  # membership already proved that the workspace exists
    if not await queries.workspace_exists(tx.connection, workspace=principal.workspace):
        raise NotFound(f"workspace {principal.workspace} does not exist")
