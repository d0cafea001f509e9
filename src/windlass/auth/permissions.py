"""Capabilities, roles, scopes, and the principal that carries them.

A capability is `<domain>:<action>`. A role is a set of capabilities; a scope of a token narrows the role further and is
written the same way, with an optional kind and path: `jobs:run:scripts:f/team/*`. Missing means no.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fnmatch import fnmatchcase

from windlass import paths
from windlass.errors import Forbidden


class Capability(StrEnum):
    """What a route may ask for."""

    ACCOUNT = "account:self"  # see and change one's own account
    TOKENS = "tokens:self"  # create, list and delete one's own tokens
    WORKSPACES_LIST = "workspaces:list"  # the workspaces one is a member of
    WORKSPACES_CREATE = "workspaces:create"
    WORKSPACES_READ = "workspaces:read"
    WORKSPACES_WRITE = "workspaces:write"  # settings, people
    USERS_READ = "users:read"
    FOLDERS_READ = "folders:read"
    FOLDERS_WRITE = "folders:write"
    SCRIPTS_READ = "scripts:read"
    SCRIPTS_WRITE = "scripts:write"  # author code
    JOBS_READ = "jobs:read"
    JOBS_RUN = "jobs:run"  # run what is deployed, cancel
    JOBS_PREVIEW = "jobs:preview"  # run code that comes with the request
    VARIABLES_READ = "variables:read"
    VARIABLES_WRITE = "variables:write"
    RESOURCES_READ = "resources:read"
    RESOURCES_WRITE = "resources:write"
    STATE_WRITE = "state:write"  # a script's own state, the one thing that an operator's job may write
    INSTANCE = "instance:admin"  # accounts and settings of the whole instance


_ANYBODY = frozenset({Capability.ACCOUNT, Capability.TOKENS, Capability.WORKSPACES_LIST})
_OPERATOR = _ANYBODY | {
    Capability.WORKSPACES_READ, Capability.USERS_READ, Capability.FOLDERS_READ, Capability.SCRIPTS_READ,
    Capability.JOBS_READ, Capability.JOBS_RUN, Capability.VARIABLES_READ, Capability.RESOURCES_READ,
    Capability.STATE_WRITE,
}  # fmt: skip
_DEVELOPER = _OPERATOR | {
    Capability.FOLDERS_WRITE, Capability.SCRIPTS_WRITE, Capability.JOBS_PREVIEW, Capability.VARIABLES_WRITE,
    Capability.RESOURCES_WRITE,
}  # fmt: skip
_ADMIN = _DEVELOPER | {Capability.WORKSPACES_WRITE}

ROLES: Mapping[str, frozenset[Capability]] = {
    "none": _ANYBODY,
    "operator": _OPERATOR,
    "developer": _DEVELOPER,
    "admin": _ADMIN,
    "superadmin": frozenset(Capability),
}

CLOSED_TO_JOBS = frozenset({
    Capability.TOKENS, Capability.WORKSPACES_CREATE, Capability.WORKSPACES_WRITE, Capability.INSTANCE,
})  # fmt: skip
ANY_PATH = "*"  # stands for a path that is not known yet; whoever learns it asks again
SUPERADMIN_EMAIL = "superadmin@windmill.dev"


@dataclass(frozen=True, kw_only=True)
class Principal:
    """Who a request belongs to, in one workspace or (workspace None) in none.

    `scopes` None means the whole role (a session, a job, a token made without scopes); an empty tuple means nothing.
    `bound_to` is the one workspace that the token is for; outside of it, it carries no more than a person without
    a role. `expires_at` is the end of a token that somebody lent out for a while; a session has none.
    """

    email: str
    username: str
    role: str
    workspace: str | None = None
    is_super_admin: bool = False
    groups: tuple[str, ...] = ()
    folders_read: tuple[str, ...] = ()
    folders_write: tuple[str, ...] = ()
    folders_owned: tuple[str, ...] = ()
    scopes: tuple[str, ...] | None = None
    read_only: bool = False
    token_prefix: str | None = None
    expires_at: datetime | None = None
    bound_to: str | None = None
    job_id: str | None = None
    must_change_password: bool = False

    @property
    def is_admin(self) -> bool:
        """Whether this is an admin of the workspace (superadmins are)."""
        return self.role in {"admin", "superadmin"}

    @property
    def is_whole(self) -> bool:
        """Whether this is the account itself, and no part of it that was given away: no job, no token with a limit."""
        return self.job_id is None and self.scopes is None and self.bound_to is None and self.expires_at is None

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What the role gives, less what a job's token never has."""
        granted = ROLES[self.role]
        return granted - CLOSED_TO_JOBS if self.job_id else granted

    @property
    def principals(self) -> tuple[str, ...]:
        """The names under which rights may have been given: the user and their groups."""
        return (f"u/{self.username}", *(f"g/{group}" for group in self.groups))

    @property
    def database_context(self) -> Mapping[str, object]:
        """What row level security may know."""
        return {
            "workspace": self.workspace,
            "username": self.username,
            "email": self.email,
            "admin": self.is_admin,
            "can_author": Capability.SCRIPTS_WRITE in self.capabilities and not self.read_only,
            "principals": self.principals,
            "read": (*self.principals, *(f"f/{folder}" for folder in self.folders_read)),
            "write": (*self.principals, *(f"f/{folder}" for folder in self.folders_write)),
        }

    def may_read(self, path: str, shared_with: Iterable[str] = ()) -> bool:
        """Whether this principal may see an item at the path that was shared with these names; the policies of the
        database say the same."""
        return (
            self.is_admin
            or paths.owner(path) in (*self.principals, *(f"f/{folder}" for folder in self.folders_read))
            or not set(self.principals).isdisjoint(shared_with)
        )

    def may_write(self, path: str) -> bool:
        """Whether this principal may create or change an item at the path (item grants aside)."""
        return self.is_admin or paths.owner(path) in (
            *self.principals, *(f"f/{folder}" for folder in self.folders_write)
        )  # fmt: skip


def require(principal: Principal, capability: Capability, *, path: str | None = None, kind: str | None = None) -> None:
    """Raise Forbidden unless both the role and the token's scopes allow the capability (on this kind and path)."""
    if capability not in principal.capabilities:
        raise Forbidden(f"{principal.username} ({principal.role}) lacks {capability}")
    if principal.scopes is not None and not any(_covers(scope, capability, kind, path) for scope in principal.scopes):
        raise Forbidden(f"the token's scopes do not cover {capability}" + (f" on {path}" if path else ""))


def require_write(principal: Principal, path: str) -> None:
    """Raise Forbidden unless the principal may write below the path's owner."""
    if not principal.may_write(path):
        raise Forbidden(f"{principal.username} may not write to {paths.owner(path)}")


def _covers(scope: str, capability: Capability, kind: str | None, path: str | None) -> bool:
    domain, action = capability.split(":")
    parts = scope.split(":", 3)
    if scope == "*":
        return True
    if len(parts) < 2 or not _domain_covers(parts[0], domain) or not _action_covers(parts[1], action):
        return False
    rest = parts[2:]
    if len(rest) == 2:
        return kind in {rest[0], None} and _path_covers(rest[1], path)
    if len(rest) == 1:
        return rest[0] == kind or _path_covers(rest[0], path)
    return True


def _action_covers(granted: str, asked: str) -> bool:
    return granted in {asked, "*"} or (granted == "write" and asked == "read")


def _domain_covers(granted: str, asked: str) -> bool:
    return granted == asked or (granted == "resources" and asked == "state")


def _path_covers(patterns: str, path: str | None) -> bool:
    return path == ANY_PATH or (path is not None and any(fnmatchcase(path, item) for item in patterns.split(",")))
