"""The arguments that a bash script declares; used by the plug-in.

Three ways to declare: `name="$1"` (by position), a comment that lists variables which "Windmill provides",
and a variable that defaults or checks itself, `NAME="${NAME:-default}"` or `: "${NAME:?message}"`. Functions
and here-documents do not count.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from windlass.languages.base import Signature
from windlass.languages.bash.names import is_reserved
from windlass.languages.shared.header import timeout_seconds
from windlass.languages.shared.schemas import Parameter, arguments_schema

_DECLARING = r"\s*(?:(?:export|readonly|declare|typeset)(?:\s+-\w+)*\s+)?"
_END = r"\s*(?:[;#&|].*)?"
_POSITIONAL = re.compile(
    rf"""{_DECLARING}([A-Za-z_]\w*)=(["']?)\$(?:(\d)|\{{(\d{{1,3}})(?::?([-=?])(.*?))?\}})\2{_END}"""
)
_OWN_DEFAULT = re.compile(rf"""{_DECLARING}([A-Z_][A-Z0-9_]*)=(["']?)\$\{{\1:?([-=?])(.*?)\}}\2{_END}""")
_CHECKED = re.compile(rf"""\s*:\s+(["']?)\$\{{([A-Z_][A-Z0-9_]*):?([=?])(.*?)\}}\1{_END}""")
_PROVIDED = re.compile(r"#.*\bprovides these as environment variables\b.*", re.IGNORECASE)
_NAME_LIST = re.compile(r"#\s*([A-Z_][A-Z0-9_]*(?:\s*,\s*[A-Z_][A-Z0-9_]*)*)\s*,?\s*")
_FUNCTION = re.compile(r"(\s*)(?:function\s+[\w:.-]+\s*(?:\(\s*\))?|[\w:.-]+\s*\(\s*\))\s*([{(].*)?")
_HERE_DOCUMENT = re.compile(r"<<(-?)\s*(?:'([^']+)'|\"([^\"]+)\"|\\?(\w+))")


@dataclass(frozen=True, kw_only=True)
class Declared:
    """One argument; `position` counts from 1 and is None for one that only the environment carries."""

    name: str
    position: int | None = None
    required: bool = True
    default: str | None = None


def read_signature(code: str) -> Signature:
    """The signature of a script; all arguments are strings."""
    parameters = [
        Parameter(name=one.name, schema=property_schema(one), required=one.required) for one in read_parameters(code)
    ]
    return Signature(schema=arguments_schema(parameters), has_main=True, timeout=timeout_seconds(code))


def property_schema(one: Declared) -> dict:
    """A string, with its default where that is literal."""
    return {"type": "string"} | ({} if one.default is None else {"default": one.default})


def read_parameters(code: str) -> list[Declared]:
    """Every declared argument once: by position, then the others as they are written."""
    found: dict[str, Declared] = {}
    lines = list(top_level_lines(code))
    for number, line in enumerate(lines):
        for one in [*declared_on(line), *listed_below(lines, number)]:
            found.setdefault(one.name, one)
    by_position = {one.position: one for one in reversed(found.values()) if one.position}
    ordered = [by_position[position] for position in sorted(by_position)]
    return ordered + [one for one in found.values() if one.position is None]


def declared_on(line: str) -> Iterator[Declared]:
    """The argument that one line declares."""
    if found := _POSITIONAL.fullmatch(line):
        name, _, short, long, operator, text = found.groups()
        position = int(short or long)
        if position:
            yield declare(name, operator, text, position)
    elif found := _OWN_DEFAULT.fullmatch(line):
        name, _, operator, text = found.groups()
        yield from [] if is_reserved(name) else [declare(name, operator, text)]
    elif found := _CHECKED.fullmatch(line):
        _, name, operator, text = found.groups()
        yield from [] if is_reserved(name) else [declare(name, operator, text)]


def declare(name: str, operator: str | None, text: str | None, position: int | None = None) -> Declared:
    """An argument by its expansion: `-` and `=` give a default, `?` and a bare one require it."""
    if operator not in ("-", "="):
        return Declared(name=name, position=position)
    literal = None if "$" in (text or "") or "`" in (text or "") else (text or "").strip("\"'")
    return Declared(name=name, position=position, required=False, default=literal)


def listed_below(lines: list[str], number: int) -> Iterator[Declared]:
    """The variables in the comment lines below the sentence that announces them."""
    if not _PROVIDED.fullmatch(lines[number].strip()):
        return
    for line in lines[number + 1 :]:
        listed = _NAME_LIST.fullmatch(line.strip())
        if not listed:
            return
        yield from (Declared(name=name) for name in re.split(r"\s*,\s*", listed[1]) if not is_reserved(name))


def top_level_lines(code: str) -> Iterator[str]:
    """The lines outside functions and here-documents."""
    closing, document = None, None
    for line in code.replace("\r\n", "\n").split("\n"):
        if document is not None:
            document = None if line.lstrip("\t" if document[0] else "") == document[1] else document
            continue
        document = here_document(line)
        if closing is not None:
            closing = None if line.rstrip().startswith(closing) else closing
            continue
        closing = function_end(line)
        if closing is None and not _FUNCTION.fullmatch(line):
            yield line


def here_document(line: str) -> tuple[str, str] | None:
    """The dash and the closing word of a here-document that begins on this line."""
    found = None if line.lstrip().startswith("#") else _HERE_DOCUMENT.search(line.replace("<<<", ""))
    return (found[1], found[2] or found[3] or found[4]) if found else None


def function_end(line: str) -> str | None:
    """What the last line of a function begins with, when one begins here and goes on below."""
    found = _FUNCTION.fullmatch(line)
    body = (found[2] or "{") if found else ""
    closed = len(body) > 1 and body.rstrip().endswith(("}", ")"))
    return None if not found or closed else found[1] + ("}" if body[0] == "{" else ")")
