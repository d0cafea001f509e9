"""What a variable is."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypedDict


@dataclass(frozen=True, kw_only=True)
class Variable:
    """A variable as it rests in the database; `value` of a secret is the sealed text."""

    workspace_id: str
    path: str
    value: str
    is_secret: bool
    description: str
    expires_at: datetime | None
    labels: list[str] | None
    extra_perms: Mapping[str, bool]
    edited_by: str
    edited_at: datetime

    @property
    def is_expired(self) -> bool:
        """Whether its time is over."""
        return self.expires_at is not None and self.expires_at <= datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class NewVariable:
    """A variable to be made; `value` is the plain text unless the caller says that it is sealed."""

    path: str
    value: str
    is_secret: bool
    description: str = ""
    expires_at: datetime | None = None
    labels: list[str] | None = None


class Changes(TypedDict, total=False):
    """What to change of a variable; an absent key leaves that part as it is."""

    path: str
    value: str
    is_secret: bool
    description: str
    labels: list[str] | None


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Which variables to list; None means no condition, `per_page` None means all."""

    path_start: str | None = None
    path: str | None = None
    description: str | None = None
    value: str | None = None
    broad: str | None = None
    label: str | None = None
    page: int = 1
    per_page: int | None = None


def from_row(row: Any) -> Variable:
    """The variable in a database row."""
    return Variable(**dict(row) | {"extra_perms": json.loads(row["extra_perms"])})
