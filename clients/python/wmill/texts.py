"""Texts that hold JSON: the exact `str`, which also answers as the object or list written in it.

`values.get_variable` returns them. The operations of a container (`[]`, `in`, loops, `get`, `keys` …)
answer for the value; everything else (`==`, `startswith`, printing, `json.loads`, sending) is that of the
text. `len` counts the characters: `json.loads` compares it with where it stopped reading.
"""

import json
from collections.abc import ItemsView, Iterator, KeysView, ValuesView
from typing import Any


class JsonObject(str):
    """The text of a JSON object."""

    _value: dict[str, Any]

    def __new__(cls, text: str) -> "JsonObject":
        self = super().__new__(cls, text)
        self._value = json.loads(text)
        return self

    def __getitem__(self, key: Any) -> Any:
        return self._value[key] if isinstance(key, str) else str(self)[key]

    def __contains__(self, key: object) -> bool:
        return key in self._value

    def __iter__(self) -> Iterator[str]:
        return iter(self._value)

    def get(self, key: str, default: Any = None) -> Any:
        return self._value.get(key, default)

    def keys(self) -> KeysView[str]:
        return self._value.keys()

    def values(self) -> ValuesView[Any]:
        return self._value.values()

    def items(self) -> ItemsView[str, Any]:
        return self._value.items()


class JsonList(str):
    """The text of a JSON list."""

    _value: list[Any]

    def __new__(cls, text: str) -> "JsonList":
        self = super().__new__(cls, text)
        self._value = json.loads(text)
        return self

    def __getitem__(self, position: Any) -> Any:
        return self._value[position]

    def __contains__(self, item: object) -> bool:
        return item in self._value

    def __iter__(self) -> Iterator[Any]:
        return iter(self._value)


_KINDS = {"{": JsonObject, "[": JsonList}


def open_text(text: str) -> str:
    """The same text, able to answer as its JSON value when it holds an object or a list."""
    kind = _KINDS.get(text.lstrip()[:1])
    if kind is None:
        return text
    try:
        return kind(text)
    except ValueError:
        return text
