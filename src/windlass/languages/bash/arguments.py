"""Handing JSON arguments to bash: by position and as environment variables; used by the plug-in."""

import json
from collections.abc import Iterator

from windlass.languages.base import ArgumentRejected
from windlass.languages.bash.names import is_reserved
from windlass.languages.bash.signature import Declared

# Linux refuses to start a process with one variable above 128 KiB or about 2 MiB in all.
MAX_VARIABLE_BYTES = 100_000
MAX_ENVIRONMENT_BYTES = 1_000_000


def positional_file(parameters: list[Declared], schema: dict | None, args: bytes) -> bytes:
    """The positional arguments, each ended by NUL, without the trailing ones that were not given."""
    given = texts(args)
    values = [given.get(name) for name in positions(parameters, schema)]
    while values and values[-1] is None:
        values.pop()
    return b"".join((value or b"") + b"\0" for value in values)


def positions(parameters: list[Declared], schema: dict | None) -> Iterator[str | None]:
    """The argument for `$1`, `$2` and so on: as the code numbers them, else in the schema's order."""
    by_position = {one.position: one.name for one in parameters if one.position}
    if by_position:
        yield from (by_position.get(position) for position in range(1, max(by_position) + 1))
    yield from (name for name in declared_names(parameters, schema) if name not in by_position.values())


def declared_names(parameters: list[Declared], schema: dict | None) -> list[str]:
    """Every argument that the code or the schema declares; no other reaches the script."""
    known = schema or {}
    order = known.get("order") or list(known.get("properties") or {})
    return list(dict.fromkeys([*(one.name for one in parameters), *order]))


def environment(parameters: list[Declared], schema: dict | None, args: bytes) -> dict[str, str]:
    """Each given argument under its name and under its name in capitals.

    Names that belong to the system and long texts are left out: those are still there by position and
    in `args.json`.
    """
    given, left, found = texts(args), MAX_ENVIRONMENT_BYTES, {}
    for name in declared_names(parameters, schema):
        for variable in dict.fromkeys((name, name.upper())):
            text = given.get(name)
            if text is None or is_reserved(variable) or variable in found or len(text) > min(left, MAX_VARIABLE_BYTES):
                continue
            found[variable] = text.decode()
            left -= len(text) + len(variable) + 2
    return found


def texts(args: bytes) -> dict[str | None, bytes]:
    """Each given argument as bytes, null counting as not given; raises ArgumentRejected."""
    values = json.loads(args or b"{}")
    return {name: text(name, value) for name, value in values.items() if value is not None}


def text(name: str, value: object) -> bytes:
    """A string as it is, another value as JSON; bash has no way to hold a NUL character."""
    spelled = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if "\0" in spelled:
        raise ArgumentRejected(f"The argument {name!r} contains a NUL character, which bash cannot hold.")
    return spelled.encode("utf-8", "replace")
