"""The shapes of the queue."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class JobKind(StrEnum):
    """What a job is; the protocol's words."""

    SCRIPT = "script"  # a deployed version of a script
    PREVIEW = "preview"  # code that came with the request
    DEPENDENCIES = "dependencies"  # resolves the lock of a script


class Status(StrEnum):
    """How a job ended."""

    SUCCESS = "success"
    FAILURE = "failure"
    CANCELED = "canceled"
    SKIPPED = "skipped"

    @property
    def is_success(self) -> bool:
        """Whether the job did what it should."""
        return self in {Status.SUCCESS, Status.SKIPPED}


DEPENDENCY_TAG = "dependency"


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """What somebody asks to run. `args` is the raw JSON object; exactly one of path, hash and code says what.

    `scheduled_in_secs` counts on the database's clock. `job_id` lets the caller choose the id, which makes the request
    idempotent: the same request with the same id launches nothing more, another one is a Conflict.
    """

    kind: JobKind = JobKind.SCRIPT
    args: bytes = b"{}"
    path: str | None = None
    hash: int | None = None
    code: str | None = None
    language: str | None = None
    lock: str | None = None
    entrypoint: str | None = None
    tag: str | None = None
    timeout: int | None = None
    priority: int | None = None
    scheduled_for: datetime | None = None
    scheduled_in_secs: int | None = None
    parent_job: UUID | None = None
    root_job: UUID | None = None
    job_id: UUID | None = None
    trigger_kind: str | None = None
    visible_to_owner: bool = True
    retry_on_crash: bool = True


@dataclass(frozen=True, kw_only=True)
class Version:
    """A deployed version of a script, as far as running it goes.

    `readers` are the names that it was shared with; `error` says why it has no lock and gets none; `stamp` changes
    whenever the version is written.
    """

    path: str
    hash: int
    language: str
    tag: str | None
    timeout: int | None
    priority: int | None
    schema: str | None
    readers: frozenset[str]
    error: str | None
    stamp: str


@dataclass(frozen=True, kw_only=True)
class ClaimedJob:
    """One attempt of a job, as its worker holds it. `epoch` counts attempts and fences the completion."""

    id: UUID
    epoch: int
    workspace_id: str
    kind: JobKind
    path: str | None
    hash: int | None
    language: str
    code: str
    lock: str | None
    schema: str | None
    entrypoint: str | None
    args: bytes
    timeout: int | None
    tag: str
    environment: tuple[str, ...]
    created_by: str
    permissioned_as: str
    email: str
    parent_job: UUID | None
    root_job: UUID | None
    trigger_path: str | None
    trigger_kind: str | None
    scheduled_for: datetime


@dataclass(frozen=True, kw_only=True)
class LogChunk:
    """A piece of a log and where it begins, in UTF-16 units."""

    start: int
    content: str


@dataclass(frozen=True, kw_only=True)
class Completion:
    """The end of one attempt. `result` is raw JSON, `log` what the log still lacks."""

    job_id: UUID
    epoch: int
    status: Status
    result: bytes
    mem_peak: int | None = None  # KiB
    canceled_by: str | None = None
    canceled_reason: str | None = None
    labels: tuple[str, ...] = ()
    log: LogChunk | None = None
    is_dead_letter: bool = False


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A finished job's status and raw JSON result."""

    status: Status
    result: str

    @property
    def success(self) -> bool:
        """Whether the job did what it should."""
        return self.status.is_success
