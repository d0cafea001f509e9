"""The error results that the platform itself writes, in the protocol's shape `{"error": {name, message}}`."""

import orjson

REASONS = {
    "OutOfMemory": "oom", "Timeout": "timeout", "DiskFull": "disk_full", "CpuLimit": "cpu",
    "TooManyProcesses": "processes", "Killed": "killed",
}  # fmt: skip
"""The word for machines beside the name of an error: which limit ended the job."""

DISK_IS_FULL = b"No space left on device"


def failure(name: str, message: str, **details: object) -> bytes:
    """The raw JSON result of a job that failed for a reason outside its code."""
    reason = {"reason": REASONS[name]} if name in REASONS else {}
    return orjson.dumps({"error": {"name": name, "message": message, **reason, **details}})


def with_reason(result: bytes, name: str) -> bytes:
    """The failure that a language wrote, with the word of REASONS for `name`; itself where it has another shape."""
    document = orjson.loads(result)
    if not isinstance(document, dict) or not isinstance(error := document.get("error"), dict):
        return result
    return orjson.dumps({**document, "error": {**error, "reason": REASONS[name]}})


def canceled(by: str, reason: str | None) -> bytes:
    """The result of a canceled job."""
    return failure("Canceled", f"Job canceled by {by}" + (f": {reason}" if reason else ""))
