"""The shapes of a script."""

import re
from dataclasses import dataclass, field
from typing import Any

HASH = re.compile(r"[0-9a-fA-F]{1,16}")
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


def hex_of(number: int) -> str:
    """A version's hash as the wire shows it."""
    return f"{number & (2**64 - 1):016x}"


def number_of(text: str) -> int | None:
    """The stored form of a hash from the wire; None when it is none."""
    if not HASH.fullmatch(text):
        return None
    number = int(text, 16)
    return number - 2**64 if number >= 2**63 else number
