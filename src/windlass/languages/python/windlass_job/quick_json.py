"""JSON by the interpreter's own C parts: importing the `json` package around them costs a job six milliseconds.

The parts are those that `json` itself uses when it can; where an interpreter lacks them, `json` does the work.
"""

# ruff: noqa: PLC0415

try:
    from _json import encode_basestring, make_encoder, make_scanner
except ImportError:
    encode_basestring = make_encoder = make_scanner = None

CONSTANTS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


class Reading:
    """How the scanner reads; the names are the scanner's."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = CONSTANTS.__getitem__
    memo: dict = {}


def loads(document: bytes):
    """The value of a JSON document; ValueError when it is none."""
    if make_scanner is None:
        import json

        return json.loads(document)
    text = document.decode().strip()
    try:
        value, end = make_scanner(Reading)(text, 0)  # pyright: ignore[reportArgumentType]
    except StopIteration as stop:
        raise ValueError(f"no JSON value at character {stop.value}") from None
    if end != len(text):
        raise ValueError(f"something follows the JSON value at character {end}")
    return value


def dumps(value) -> str:
    """Strict, compact JSON text; TypeError or ValueError for what JSON cannot hold."""
    if make_encoder is None or encode_basestring is None:
        import json

        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return "".join(make_encoder({}, refuse, encode_basestring, None, ":", ",", False, False, False)(value, 0))


def refuse(value):
    """Called for what the encoder does not know."""
    raise TypeError(f"{type(value).__name__} is no JSON type")
