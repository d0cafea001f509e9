"""The modules that a TypeScript script imports; used by the plug-ins to find packages."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from tree_sitter import Node

from windlass.languages.shared.typescript.literals import string
from windlass.languages.shared.typescript.syntax import field, has_token, inner, parse, text_of, walk


@dataclass(frozen=True, kw_only=True)
class Import:
    """One module specifier, and where its text stands between the quotes: offsets in the UTF-8 source."""

    specifier: str
    start: int
    end: int


@lru_cache(maxsize=256)
def imports_of(code: str) -> tuple[Import, ...]:
    """Every module that running the code may load, dynamic imports by a literal included; types alone do not count."""
    found = [source for node in walk(parse(code).root) if (source := source_of(node))]
    return tuple(Import(specifier=string(one), start=one.start_byte + 1, end=one.end_byte - 1) for one in found)


def source_of(node: Node) -> Node | None:
    """The string that names what a node imports."""
    if node.type in ("import_statement", "export_statement"):
        return None if has_token(node, "type") else field(node, "source")
    if node.type == "import_require_clause":
        return field(node, "source")
    return called_with(node) if node.type == "call_expression" else None


def called_with(node: Node) -> Node | None:
    """The one string in `import("x")` or `require("x")`."""
    function = field(node, "function")
    if function is None or not (function.type == "import" or text_of(function) in ("require", "require.resolve")):
        return None
    arguments = inner(field(node, "arguments") or node)
    return arguments[0] if arguments and arguments[0].type == "string" else None


def replaced(code: str, texts: Iterator[tuple[Import, str]]) -> str:
    """The code with other specifiers, every other character where it was: each new one is filled up behind its quote.

    A new specifier must not be longer than the old one.
    """
    source = bytearray(code.encode("utf-8", "replace"))
    for one, text in texts:
        quote = source[one.end : one.end + 1]
        source[one.start : one.end + 1] = text.encode() + quote + b" " * (one.end - one.start - len(text.encode()))
    return source.decode()
