"""Settings that a script carries in its own comments, for every language whose comments begin with `#`."""

import re

_SECTION = re.compile(r"#\s*extra_perms:\s*")
_TIMEOUT = re.compile(r"#\s+timeout:\s*(\d{1,9})\b.*")


def timeout_seconds(code: str) -> int | None:
    """The `timeout` below an `# extra_perms:` line, in seconds."""
    if "extra_perms:" not in code:
        return None
    inside = False
    for line in code.splitlines():
        inside = bool(_SECTION.fullmatch(line)) or (inside and line.startswith("#"))
        if inside and (found := _TIMEOUT.fullmatch(line)):
            return int(found[1])
    return None
