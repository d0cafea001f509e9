"""The error results that the platform itself writes, in the protocol's shape `{"error": {name, message}}`."""

import orjson


def failure(name: str, message: str, **details: object) -> bytes:
    """The raw JSON result of a job that failed for a reason outside its code."""
    return orjson.dumps({"error": {"name": name, "message": message, **details}})


def canceled(by: str, reason: str | None) -> bytes:
    """The result of a canceled job."""
    return failure("Canceled", f"Job canceled by {by}" + (f": {reason}" if reason else ""))
