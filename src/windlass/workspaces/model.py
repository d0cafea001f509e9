"""What this room hands out. Field names are the protocol's, so that an answer is one of these as it is."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """One workspace, as lists show it."""

    id: str
    name: str
    owner: str
    color: str | None
    deleted: bool


@dataclass(frozen=True, kw_only=True)
class Membership:
    """A workspace seen by one of its members."""

    id: str
    name: str
    username: str
    color: str | None
    created_by: str
    disabled: bool
    is_dev_workspace: bool = False


@dataclass(frozen=True, kw_only=True)
class Member:
    """A person in a workspace, with the groups they are in and the folders they reach."""

    email: str
    username: str
    name: str | None
    is_admin: bool
    is_super_admin: bool
    operator: bool
    disabled: bool
    created_at: datetime
    groups: list[str]
    folders: list[str]
    folders_read: list[str]
    folders_owners: list[str]


@dataclass(frozen=True, kw_only=True)
class Group:
    """A named set of members. Everybody is in `all`, which has no rows of its own."""

    name: str
    summary: str
    members: list[str]
    extra_perms: dict[str, bool]


@dataclass(frozen=True, kw_only=True)
class Folder:
    """The owners of `f/<name>/…` and who else may read (false) or write (true) there."""

    name: str
    summary: str | None
    owners: list[str]
    extra_perms: dict[str, bool]
    created_by: str
    edited_at: datetime


@dataclass(frozen=True, kw_only=True)
class FolderUsage:
    """How many items that the caller may see lie in a folder."""

    scripts: int
    variables: int
    resources: int
