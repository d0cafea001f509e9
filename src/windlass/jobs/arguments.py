"""Do arguments fit a runnable's schema? Pure.

References (`$var:`, `$res:`, `$encrypted:`) stand for a value of any type, so they are not checked. A null for an
argument that is not required means "not given".
"""

import json
from functools import lru_cache
from typing import Any

import jsonschema_rs
import orjson

from windlass.errors import BadRequest, InvalidArguments

REFERENCES = ("$var:", "$res:", "$encrypted:", "var://", "res://")
MAX_DEPTH = 200


def parse(body: bytes) -> dict[str, Any]:
    """The arguments of a request body; empty means none. BadRequest when it is not a JSON object."""
    if not body.strip():
        return {}
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"the body is not JSON: {error}") from error
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadRequest(f"arguments must be a JSON object, not {type(value).__name__}")
    return value


def encode(args: dict[str, Any]) -> bytes:
    """The raw form in which arguments travel, numbers of any size included. BadRequest for what JSON text cannot hold:
    half a character, NaN, depth without end.
    """
    try:
        return json.dumps(args, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"args: {error}") from error


def check(schema: str | None, args: bytes) -> None:
    """Raise InvalidArguments that names the field and the reason when the arguments do not fit."""
    if schema is None:
        return
    validator = _validator(schema)
    if validator is None:
        return
    given = parse(args)
    required = orjson.loads(schema).get("required") or ()
    kept = {name: value for name, value in given.items() if value is not None or name in required}
    problems = [error for error in validator.iter_errors(kept) if not _is_reference(kept, error.instance_path)]
    if problems:
        raise InvalidArguments("; ".join(_sentence(error) for error in problems[:5]))


def check_schema(schema: dict[str, Any] | None) -> None:
    """Raise BadRequest when a schema is no JSON Schema."""
    if schema is None:
        return
    try:
        jsonschema_rs.validator_for(schema, retriever=_refuse_to_fetch)
    except (ValueError, jsonschema_rs.ValidationError) as error:
        raise BadRequest(f"schema: {error}") from error


@lru_cache(maxsize=512)
def _validator(schema: str) -> Any:
    try:
        return jsonschema_rs.validator_for(schema, validate_formats=False, retriever=_refuse_to_fetch)
    except (ValueError, jsonschema_rs.ValidationError):
        return None  # stored before it was checked; running is better than refusing


def _refuse_to_fetch(uri: str) -> Any:
    """A `$ref` to a file or a URL would have the server read it for whoever wrote the schema."""
    raise ValueError(f"{uri} is not fetched; a schema may refer to its own parts only")


def _is_reference(value: Any, path: list[str | int]) -> bool:
    for part in path:
        value = value[part]
    return isinstance(value, str) and value.startswith(REFERENCES)


def _sentence(error: Any) -> str:
    field = ".".join(str(part) for part in error.instance_path)
    return f"{field}: {error.message}" if field else error.message
