"""JSON values as text: resources are kept as they came, whatever their numbers and characters."""

import json
from typing import Any

from windlass.errors import BadRequest


def decode(text: bytes | str) -> Any:
    """The value of a JSON text; BadRequest when it is none or is nested too deeply."""
    try:
        return json.loads(text)
    except ValueError as error:
        raise BadRequest(f"not JSON: {error}") from error
    except RecursionError as error:
        raise BadRequest("the value is nested too deeply") from error


def encode(value: Any) -> bytes:
    """The JSON text of a value; BadRequest when JSON cannot say it (NaN) or it is nested too deeply."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except ValueError as error:
        raise BadRequest(f"value: {error}") from error
    except RecursionError as error:
        raise BadRequest("value: nested too deeply") from error
    # Half a surrogate pair, which JavaScript makes by cutting strings, becomes its own JSON escape.
    return text.encode("utf-8", "backslashreplace")
