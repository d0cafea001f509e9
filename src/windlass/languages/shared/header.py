"""Settings that a script carries in its own comments; `comment` is what begins one in its language."""

import itertools
import re

from windlass.languages.base import Network

_SECTION = re.compile(r"\s*extra_perms:\s*")
_TIMEOUT = re.compile(r"\s+timeout:\s*(\d{1,9})\b.*")
_FLAG = re.compile(r"\s*windlass:\s*(\S.*?)\s*")
_COMMENTS = ("#", "//", "--")
_NETWORKS = {f"network={one.value}" for one in Network}


def timeout_seconds(code: str, comment: str = "#") -> int | None:
    """The `timeout` below an `# extra_perms:` line, in seconds."""
    if "extra_perms:" not in code:
        return None
    inside = False
    for line in code.splitlines():
        text = line.removeprefix(comment)
        inside = line.startswith(comment) and (inside or bool(_SECTION.fullmatch(text)))
        if inside and (found := _TIMEOUT.fullmatch(text)):
            return int(found[1])
    return None


def asks_for_cold(code: str, comment: str = "#") -> bool:
    """Whether `# windlass: cold` stands above the first line of code: a process of its own from its very start."""
    return "cold" in flags(code, comment)


def network_of(code: str, comment: str = "#") -> Network:
    """What `# windlass: network=none` above the first line of code leaves of the network; everything without it."""
    chosen = [Network(flag.removeprefix("network=")) for flag in flags(code, comment) if flag in _NETWORKS]
    return chosen[-1] if chosen else Network.OPEN


def allows_retry_on_crash(code: str) -> bool:
    """False with `# windlass: retry_on_crash=false`, in any language: when a worker is lost, it never starts again."""
    return not any("retry_on_crash=false" in flags(code, comment) for comment in _COMMENTS)


def flags(code: str, comment: str) -> list[str]:
    """What the `# windlass:` lines above the first line of code say, one flag a line."""
    if "windlass:" not in code:
        return []
    header = itertools.takewhile(lambda line: line.startswith(comment) or not line.strip(), code.splitlines())
    return [found[1] for line in header if (found := _FLAG.fullmatch(line.removeprefix(comment)))]
