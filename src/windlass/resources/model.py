"""What a resource and a resource type are."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict

STATE = "state"
"""The type of a script's own state, which the script's job may write whatever its user's right to author."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A resource; `value` is JSON text, and None in lists."""

    workspace_id: str
    path: str
    value: str | None
    resource_type: str
    description: str
    labels: list[str] | None
    extra_perms: Mapping[str, bool]
    created_by: str
    edited_at: datetime


@dataclass(frozen=True, kw_only=True)
class NewResource:
    """A resource to be made; `value` is JSON text."""

    path: str
    value: bytes
    resource_type: str
    description: str = ""
    labels: list[str] | None = None


class Changes(TypedDict, total=False):
    """What to change of a resource; an absent key leaves that part as it is."""

    path: str
    value: bytes
    resource_type: str
    description: str
    labels: list[str] | None


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Which resources to list; None means no condition, `per_page` None means all."""

    resource_types: list[str] | None = None
    excluded_types: list[str] | None = None
    path_start: str | None = None
    path: str | None = None
    description: str | None = None
    value: str | None = None
    broad: str | None = None
    label: str | None = None
    page: int = 1
    per_page: int | None = None


@dataclass(frozen=True, kw_only=True)
class Found:
    """A hit of the content search: the beginning of the value's text."""

    path: str
    value: str
    truncated: bool


@dataclass(frozen=True, kw_only=True)
class ResourceType:
    """A type: the JSON Schema (text) of its values, or the extension of the file that a value is kept as."""

    workspace_id: str
    name: str
    schema: str | None
    description: str
    format_extension: str | None
    is_fileset: bool
    created_by: str
    edited_at: datetime


@dataclass(frozen=True, kw_only=True)
class NewResourceType:
    """A type to be made; `schema` is JSON text."""

    name: str
    schema: bytes | None = None
    description: str = ""
    format_extension: str | None = None
    is_fileset: bool = False


class TypeChanges(TypedDict, total=False):
    """What to change of a type; an absent key leaves that part as it is."""

    schema: bytes
    description: str
    format_extension: str | None
    is_fileset: bool


def from_row(row: Any) -> Resource:
    """The resource in a database row."""
    return Resource(**dict(row) | {"extra_perms": json.loads(row["extra_perms"])})
