"""What the answers look like, for the OpenAPI document and the clients generated from it.

Handlers send bytes that the rooms made; these models describe them and are held against real answers by a test. Field
names, types and optionality are the protocol's.
"""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

ABSENT: Any = Field(default=None)
"""Says that a field may be missing, but is never null."""


class Shape(BaseModel):
    """An answer; it may hold more than is described."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)


class Person(Shape):
    """An account of the instance, as its owner sees it."""

    email: str
    username: str | None = None
    name: str | None = None
    super_admin: bool
    must_change_password: bool = False


class Member(Shape):
    """A person in a workspace."""

    email: str
    username: str
    is_admin: bool
    is_super_admin: bool
    operator: bool
    disabled: bool
    created_at: datetime
    groups: list[str] | None = None
    folders: list[str]
    folders_read: list[str]
    folders_owners: list[str]


class Workspace(Shape):
    """A workspace in a list."""

    id: str
    name: str
    owner: str
    color: str | None = None


class Token(Shape):
    """A token without its secret."""

    token_prefix: str
    label: str | None = None
    created_at: datetime
    last_used_at: datetime
    expiration: datetime | None = None
    scopes: list[str] | None = None
    read_only: bool
    workspace_id: str | None = None


class Language(Shape):
    """A language that scripts can be written in."""

    name: str
    editor_mode: str
    extension: str
    template: str
    comment: str
    tag: str


class SignatureProblem(Shape):
    """Where code does not parse; line and column count from 1."""

    message: str
    line: int | None = None
    column: int | None = None


class Signature(Shape):
    """What can be told about code without running it."""

    schema_: dict[str, Any] | None = Field(alias="schema")
    error: SignatureProblem | None
    has_preprocessor: bool
    has_main: bool


class ListedScript(Shape):
    """A script in a list, without its code."""

    workspace_id: str
    hash: str
    path: str
    summary: str
    description: str
    language: str
    kind: str
    created_by: str
    created_at: datetime
    archived: bool
    deleted: bool
    is_template: bool
    has_preprocessor: bool
    starred: bool
    ws_error_handler_muted: bool
    extra_perms: dict[str, bool]
    parent_hashes: list[str] | None = None
    tag: str | None = None
    timeout: int | None = None
    priority: int | None = None
    cache_ttl: int | None = None
    concurrent_limit: int | None = None
    concurrency_time_window_s: int | None = None
    has_draft: bool | None = None
    has_deploy_errors: bool | None = None


class Script(ListedScript):
    """A version of a script."""

    content: str
    schema_: dict[str, Any] | None = Field(None, alias="schema")
    lock: str | None = None
    lock_error_logs: str | None = None


class ScriptWithDraft(Shape):
    """A script with the caller's draft, or the draft alone (`draft_only`)."""

    path: str
    hash: str
    content: str
    language: str
    summary: str
    draft: dict[str, Any] | None = None
    draft_only: bool | None = None


class Draft(Shape):
    """Something typed and not deployed."""

    path: str
    kind: str
    created_at: datetime
    value: dict[str, Any]


class ScriptVersion(Shape):
    """A version in a history."""

    script_hash: str
    deployment_msg: str | None = None
    created_at: datetime
    created_by: str


class DeploymentStatus(Shape):
    """Where a deployment stands: done when one of the first two is there."""

    lock: str | None
    lock_error_logs: str | None
    job_id: UUID | None


class ListedJob(Shape):
    """A job in a list: queued or completed by `type`."""

    type: Literal["QueuedJob", "CompletedJob"]
    id: UUID
    workspace_id: str
    job_kind: str
    created_by: str
    created_at: datetime
    permissioned_as: str
    email: str
    tag: str
    canceled: bool
    is_flow_step: bool
    visible_to_owner: bool
    script_path: str = ABSENT
    script_hash: str = ABSENT
    language: str = ABSENT
    parent_job: UUID = ABSENT
    root_job: UUID = ABSENT
    started_at: datetime = ABSENT
    scheduled_for: datetime = ABSENT
    last_ping: datetime = ABSENT
    completed_at: datetime = ABSENT
    running: bool = ABSENT
    success: bool = ABSENT
    is_skipped: bool = ABSENT
    deleted: bool = ABSENT
    duration_ms: int = ABSENT
    self_wait_time_ms: int = ABSENT
    mem_peak: int = ABSENT
    sandbox_tier: str = ABSENT
    sandbox_policy: str = ABSENT
    worker: str = ABSENT
    priority: int = ABSENT
    canceled_by: str = ABSENT
    canceled_reason: str = ABSENT
    schedule_path: str = ABSENT
    trigger_kind: str = ABSENT
    labels: list[str] = ABSENT


class Job(ListedJob):
    """A job with everything."""

    args: dict[str, Any]
    result: Any = None
    logs: str = ABSENT
    raw_code: str = ABSENT


class JobUpdate(Shape):
    """What is new of a job."""

    running: bool
    completed: bool
    log_offset: int
    stream_offset: int
    new_logs: str = ABSENT
    new_result_stream: str = ABSENT
    progress: int = ABSENT
    mem_peak: int = ABSENT


class ResultMaybe(Shape):
    """The result of a job if there is one; the four keys are always there."""

    completed: bool
    started: bool
    success: bool | None
    result: Any


class Count(Shape):
    """How many jobs."""

    database_length: int
    suspended: int | None = None


class Worker(Shape):
    """A worker that was heard of lately; `last_ping` in seconds ago."""

    worker: str
    worker_instance: str
    worker_group: str
    custom_tags: list[str]
    started_at: datetime
    last_ping: int
    jobs_executed: int
    wm_version: str
    job_isolation: str


class Variable(Shape):
    """A variable; a secret's value only where it was asked for."""

    path: str
    is_secret: bool
    value: str | None = None
    description: str | None = None
    extra_perms: dict[str, bool]
    edited_at: datetime | None = None


class Resource(Shape):
    """A resource."""

    path: str
    resource_type: str
    description: str | None = None
    value: Any = None
    created_by: str | None = None
    edited_at: datetime | None = None


class ResourceType(Shape):
    """A type of resources."""

    name: str
    schema_: dict[str, Any] | None = Field(None, alias="schema")
    description: str | None = None
