"""The few ways in which the protocol answers: plain text for ids and sentences, raw JSON bytes for what is passed
through."""

from typing import Any
from uuid import UUID

import orjson
from fastapi.responses import PlainTextResponse, Response

OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z


def text(body: str, status: int = 200) -> PlainTextResponse:
    """A bare string as text/plain; clients read ids, hashes, tokens and messages this way."""
    return PlainTextResponse(body, status)


def json(value: Any, status: int = 200) -> Response:
    """A JSON value; datetimes are RFC 3339 in UTC, UUIDs are strings, `orjson.Fragment` passes through."""
    return raw_json(encode(value), status)


def encode(value: Any) -> bytes:
    """The JSON of a value; also takes the UUID subclass that the database driver hands out."""
    return orjson.dumps(value, default=_plain, option=OPTIONS)


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"no JSON for {type(value).__name__}")


def raw_json(body: bytes | str, status: int = 200) -> Response:
    """JSON that is already text."""
    return Response(body, status, media_type="application/json")


def fragment(value: str | bytes | None) -> orjson.Fragment | None:
    """A stored JSON text to be passed through unread inside a larger value."""
    return None if value is None else orjson.Fragment(value)
