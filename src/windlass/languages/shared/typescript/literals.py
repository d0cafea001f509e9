"""TypeScript literals as JSON values; used by `signature` and `types`."""

import json
import re
from collections.abc import Callable

from tree_sitter import Node

from windlass.languages.shared.typescript.syntax import field, inner, text_of

NO_LITERAL = object()
_LONGEST_DIGITS = 400
_EXACT = 2**53
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
_CODE_POINT = re.compile(r"\\(?:u\{([0-9A-Fa-f]{1,6})\}|u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2}))")


def literal(node: Node | None) -> object:
    """The JSON value of a literal; `NO_LITERAL` for every other expression."""
    read = _READERS.get(node.type) if node else None
    return read(node) if read and node else NO_LITERAL


def json_type(value: object) -> str:
    """JSON Schema's word for the type of a literal; every number of TypeScript is a `number`."""
    words = {bool: "boolean", int: "number", float: "number", str: "string", list: "array", dict: "object"}
    return words.get(type(value), "null")


def string(node: Node) -> str:
    """The text of a quoted string or of a template without holes."""
    text = "".join(unescape(text_of(part)) if part.type == "escape_sequence" else text_of(part) for part in inner(node))
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def unescape(sequence: str) -> str:
    """The character of an escape sequence; a broken line continues."""
    if found := _CODE_POINT.fullmatch(sequence):
        code = int(found[1] or found[2] or found[3], 16)
        return chr(code) if code <= 0x10FFFF else "\ufffd"
    letter = sequence[1:]
    return "" if letter in ("\n", "\r\n") else _ESCAPES.get(letter, letter)


def number(node: Node) -> object:
    """A number in any of the notations; one that JSON cannot hold is no literal."""
    text = text_of(node).replace("_", "").lower().removesuffix("n")
    if len(text) > _LONGEST_DIGITS:
        return NO_LITERAL
    if text.startswith(("0x", "0o", "0b")) or text.isdigit():
        return int(text, 10 if text.isdigit() else 0)
    try:
        value = float(text)
    except ValueError:
        return NO_LITERAL
    if value - value != 0:
        return NO_LITERAL
    return int(value) if value.is_integer() and abs(value) < _EXACT else value


def negated(node: Node) -> object:
    """A number behind its sign."""
    value = literal(field(node, "argument"))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return NO_LITERAL
    return {"-": -value, "+": value}.get(text_of(field(node, "operator")), NO_LITERAL)


def template(node: Node) -> object:
    """A template without holes."""
    return NO_LITERAL if any(part.type == "template_substitution" for part in inner(node)) else string(node)


def array(node: Node) -> object:
    """A list of literals."""
    values = [literal(part) for part in inner(node)]
    return NO_LITERAL if NO_LITERAL in values else values


def record(node: Node) -> object:
    """An object whose members are all literals under fixed names."""
    found = {}
    for part in inner(node):
        key = field(part, "key") if part.type == "pair" else None
        value = literal(field(part, "value")) if key else NO_LITERAL
        if key is None or value is NO_LITERAL or key.type == "computed_property_name":
            return NO_LITERAL
        found[member_name(key)] = value
    return found


def member_name(node: Node) -> str:
    """The name of an object's member, quoted or not."""
    if node.type == "number":
        return json.dumps(number(node)) if number(node) is not NO_LITERAL else text_of(node)
    return string(node) if node.type == "string" else text_of(node)


def wrapped(node: Node) -> object:
    """What stands in brackets, or before `as` and `satisfies`."""
    parts = inner(node)
    return literal(parts[0]) if parts else NO_LITERAL


def asserted(node: Node) -> object:
    """What stands behind `<Type>`."""
    return literal(inner(node)[-1])


_READERS: dict[str, Callable[[Node], object]] = {
    "string": string,
    "template_string": template,
    "number": number,
    "unary_expression": negated,
    "true": lambda node: True,
    "false": lambda node: False,
    "null": lambda node: None,
    "array": array,
    "object": record,
    "parenthesized_expression": wrapped,
    "as_expression": wrapped,
    "satisfies_expression": wrapped,
    "type_assertion": asserted,
}
