"""Settings that a script carries in its own comments, for every language whose comments begin with `#`."""

import itertools
import re

_SECTION = re.compile(r"#\s*extra_perms:\s*")
_TIMEOUT = re.compile(r"#\s+timeout:\s*(\d{1,9})\b.*")
_COLD = re.compile(r"#\s*windlass:\s*cold\s*")


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


def asks_for_cold(code: str) -> bool:
    """Whether `# windlass: cold` stands above the first line of code: a process of its own from its very start."""
    if "windlass:" not in code:
        return False
    header = itertools.takewhile(_is_no_code, code.splitlines())
    return any(_COLD.fullmatch(line) for line in header)


def _is_no_code(line: str) -> bool:
    return line.startswith("#") or not line.strip()
