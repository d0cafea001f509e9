"""The shapes of a script."""

from dataclasses import dataclass, field
from typing import Any

OPTIONS = (
    "envs", "concurrent_limit", "concurrency_time_window_s", "concurrency_key", "debounce_key", "debounce_delay_s",
    "debounce_args_to_accumulate", "max_total_debouncing_time", "max_total_debounces_amount", "cache_ttl",
    "cache_ignore_s3_path", "dedicated_worker", "ws_error_handler_muted", "restart_unless_cancelled",
    "delete_after_secs", "visible_to_runner_only", "auto_kind", "codebase", "has_preprocessor", "on_behalf_of_email",
    "on_behalf_of", "modules", "labels", "is_template", "assets",
)  # fmt: skip
"""Settings that are kept and echoed as they came; the rooms that act on them read them from here."""


@dataclass(frozen=True, kw_only=True)
class NewScript:
    """A version to be deployed. `schema` None means: infer it from the code. `lock` None means: resolve it."""

    path: str
    content: str
    language: str
    summary: str = ""
    description: str = ""
    schema: dict[str, Any] | None = None
    kind: str = "script"
    tag: str | None = None
    timeout: int | None = None
    priority: int | None = None
    lock: str | None = None
    parent_hash: int | None = None
    auto_parent: bool = False
    deployment_message: str | None = None
    skip_draft_deletion: bool = False
    skip_if_noop: bool = False
    options: dict[str, Any] = field(default_factory=dict)
