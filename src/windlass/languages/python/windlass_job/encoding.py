"""Any Python value as strict JSON; used by `runner` for results that the standard encoder refuses.

Numbers that JSON lacks (NaN, infinities) become null, times are ISO 8601, durations seconds, bytes base64,
tables lists of rows; what has no better form is written as its text.
"""

import base64
import dataclasses
import datetime
import json
import math
from collections.abc import Mapping, Sequence, Set, ValuesView
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from uuid import UUID


class ResultNotEncodable(Exception):
    """The result contains itself, or is nested deeper than JSON readers go."""


def dumps(value) -> bytes:
    """UTF-8 JSON in which a lone surrogate is U+FFFD; raises ResultNotEncodable."""
    try:
        text = json.dumps(plain(value, ()), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except RecursionError:
        raise ResultNotEncodable("The result is nested too deeply to be written as JSON.") from None
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()


def plain(value, around: tuple):
    """The value in JSON's own types; `around` holds the ids of the containers that it lies in."""
    if value is None or isinstance(value, bool | int | float | str | Enum | Decimal):
        return scalar(value, around)
    if id(value) in around:
        raise ResultNotEncodable("The result contains itself and cannot be written as JSON.")
    inside = (*around, id(value))
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {key_text(key): plain(item, inside) for key, item in value.items()}
    if isinstance(value, Sequence | Set | ValuesView):
        return [plain(item, inside) for item in value]
    if isinstance(value, datetime.date | datetime.time | datetime.timedelta):
        return moment(value)
    if isinstance(value, UUID | PurePath):
        return str(value)
    if isinstance(value, BaseException):
        return {"name": type(value).__name__, "message": str(value)}
    return unpacked(value, inside)


def scalar(value, around: tuple):
    """A number, text or enum member."""
    if isinstance(value, Enum):
        return plain(value.value, around)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return decimal(value)
    if isinstance(value, str):
        return str.__str__(value)
    return value if value is None or isinstance(value, bool) else int(value)


def decimal(value: Decimal):
    """A number where that keeps every digit, otherwise its text."""
    if not value.is_finite():
        return None
    number = float(value)
    return number if math.isfinite(number) and Decimal(repr(number)) == value else str(value)


def moment(value):
    """ISO 8601, or seconds for a duration; pandas' NaT is null."""
    if value != value:
        return None
    return value.total_seconds() if isinstance(value, datetime.timedelta) else value.isoformat()


def unpacked(value, inside: tuple):
    """A library's object in its own plain form."""
    library = type(value).__module__.partition(".")[0]
    if library in ("pandas", "numpy", "polars"):
        return tabular(value, library, inside)
    if isinstance(value, type):
        return str(value)
    if dataclasses.is_dataclass(value):
        return {field.name: plain(getattr(value, field.name), inside) for field in dataclasses.fields(value)}
    if hasattr(value, "__attrs_attrs__"):
        return {field.name: plain(getattr(value, field.name), inside) for field in value.__attrs_attrs__}
    if callable(getattr(value, "model_dump", None)):
        return plain(value.model_dump(), inside)
    if hasattr(value, "__fields__") and callable(getattr(value, "dict", None)):
        return plain(value.dict(), inside)
    if type(value).__name__ == "generator":
        return [plain(item, inside) for item in value]
    return str(value)


def tabular(value, library: str, inside: tuple):
    """Frames as rows, series and arrays as lists, numpy scalars as numbers, missing values as null."""
    kind = type(value).__name__
    if kind in ("NAType", "NaTType"):
        return None
    if kind == "DataFrame":
        return plain(value.to_dicts() if library == "polars" else value.to_dict(orient="records"), inside)
    if kind == "Series" and library == "pandas":
        return plain(value.to_dict(), inside)
    for method in ("tolist", "to_list"):
        if hasattr(value, method):
            listed = getattr(value, method)()
            return str(value) if type(listed) is type(value) else plain(listed, inside)
    return str(value)


def key_text(key) -> str:
    """An object's key: JSON's own spelling for its own types, else the text of the value."""
    if isinstance(key, str) and not isinstance(key, Enum):
        return str.__str__(key)
    known = isinstance(key, Enum | Decimal | bytes | datetime.date | datetime.time | UUID)
    value = plain(key, ()) if known or key is None or isinstance(key, bool | int | float) else str(key)
    return value if isinstance(value, str) else json.dumps(value)
