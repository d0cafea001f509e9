"""How a finished process becomes an outcome: the failure document, and the words for an exit code."""

import json
import signal

from windlass.languages.base import Outcome


def failed(name: str, message: str, *, stack: str = "", exit_code: int | None = None) -> Outcome:
    """A failure in the shape that Windmill's clients read."""
    error: dict[str, str | int] = {"name": name, "message": message, "stack": stack}
    if exit_code is not None:
        error["exit_code"] = exit_code
    return Outcome(success=False, result=encode({"error": error}))


def succeeded(value: object) -> Outcome:
    """A success with a plain JSON value."""
    return Outcome(success=True, result=encode(value))


def encode(value: object) -> bytes:
    """UTF-8 JSON; a lone surrogate becomes U+FFFD, which every database and client can hold."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()


def parse_strictly(text: bytes | str) -> object:
    """One JSON value, without NaN and infinities; raises ValueError or RecursionError."""
    return json.loads(text, parse_constant=_refuse)


def is_json(text: bytes) -> bool:
    """Whether a whole text is one strict JSON value."""
    try:
        parse_strictly(text)
    except (ValueError, RecursionError):
        return False
    return True


def exit_words(exit_code: int) -> str:
    """`exit code 3`, or the name of the signal for a negative code."""
    if exit_code >= 0:
        return f"exit code {exit_code}"
    try:
        return f"killed by {signal.Signals(-exit_code).name}"
    except ValueError:
        return f"killed by signal {-exit_code}"


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
