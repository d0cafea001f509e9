"""Do arguments fit a runnable's schema? Pure.

References (`$var:`, `$res:`, `$encrypted:`) stand for a value of any type, so they are not checked. A null for an
argument that is not required means "not given".
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
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


def parse_many(body: bytes) -> list[dict[str, Any]]:
    """The arguments of each job of a batch. BadRequest when the body is not a JSON array of objects."""
    try:
        values = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"the body is not JSON: {error}") from error
    if not isinstance(values, list):
        raise BadRequest(f"a batch is a JSON array of arguments, not {type(values).__name__}")
    wrong = next((number for number, value in enumerate(values) if not isinstance(value, dict)), None)
    if wrong is not None:
        raise BadRequest(f"{wrong}: arguments must be a JSON object, not {type(values[wrong]).__name__}")
    return values


def check(schema: str, many: Sequence[dict[str, Any]]) -> None:
    """Raise InvalidArguments that names the field and the reason when arguments do not fit, and which of many."""
    checker = _checker(schema)
    if checker is None:
        return
    for number, given in enumerate(many):
        problems = checker.problems(given)
        if problems:
            which = f"{number}: " if len(many) > 1 else ""
            raise InvalidArguments(which + "; ".join(problems))


def check_schema(schema: dict[str, Any] | None) -> None:
    """Raise BadRequest when a schema is no JSON Schema."""
    if schema is None:
        return
    try:
        jsonschema_rs.validator_for(schema, retriever=_refuse_to_fetch)
    except (ValueError, jsonschema_rs.ValidationError) as error:
        raise BadRequest(f"schema: {error}") from error


@dataclass(frozen=True, kw_only=True)
class _Checker:
    """A schema, compiled."""

    validator: Any
    required: frozenset[str]

    def problems(self, given: dict[str, Any]) -> list[str]:
        """What is wrong, the first few sentences."""
        if self.validator.is_valid(given):
            return []
        kept = {name: value for name, value in given.items() if value is not None or name in self.required}
        found = self.validator.iter_errors(kept)
        return [_sentence(error) for error in found if not _is_reference(kept, error.instance_path)][:5]


@lru_cache(maxsize=512)
def _checker(schema: str) -> _Checker | None:
    try:
        validator = jsonschema_rs.validator_for(schema, validate_formats=False, retriever=_refuse_to_fetch)
    except (ValueError, jsonschema_rs.ValidationError):
        return None  # stored before it was checked; running is better than refusing
    parsed = orjson.loads(schema)
    required = parsed.get("required") if isinstance(parsed, dict) else None
    return _Checker(validator=validator, required=frozenset(required or ()))


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
