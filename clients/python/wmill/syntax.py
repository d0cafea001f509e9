"""The short forms in which scripts write paths: `$res:…`, `var://…`, `s3://…`."""

from .s3_types import S3Object


def parse_resource_syntax(s: str | None) -> str | None:
    """The path in `$res:path` or `res://path`, else None."""
    return _after(s, "$res:", "res://")


def parse_variable_syntax(s: str | None) -> str | None:
    """The path in `var://path` or `$var:path`, else None."""
    return _after(s, "var://", "$var:")


def parse_s3_object(s3_object: "S3Object | dict | str | None") -> "S3Object | None":
    """An S3Object from `s3://storage/key` (`s3:///key` is the default storage) or from an object.

    Any other text is a ValueError: guessing a key would put the file where nobody looks for it.
    """
    if s3_object is None or isinstance(s3_object, S3Object):
        return s3_object
    if not isinstance(s3_object, str):
        return S3Object(s3_object)
    storage, _, key = s3_object.removeprefix("s3://").partition("/")
    if not s3_object.startswith("s3://") or not key:
        raise ValueError(f"{s3_object!r} is not of the form s3://<storage>/<key> or s3:///<key>")
    return S3Object(s3=key, storage=storage or None)


def _after(text: str | None, *prefixes: str) -> str | None:
    return next((text[len(p) :] for p in prefixes if text and text.startswith(p)), None)
