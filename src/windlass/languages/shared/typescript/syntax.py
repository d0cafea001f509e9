"""TypeScript as a syntax tree; used by `signature`, `types`, `literals` and `imports`."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import tree_sitter_typescript
from tree_sitter import Language, Node, Parser

from windlass.languages.base import SignatureError

_LANGUAGE = Language(tree_sitter_typescript.language_typescript())
# What follows is a sentence for its author: whole files are not repeated in it.
_SHOWN = 40


@dataclass(frozen=True, kw_only=True)
class Script:
    """A parsed script; `error` tells the first place that is no TypeScript."""

    source: bytes
    root: Node
    error: SignatureError | None


@lru_cache(maxsize=8)
def parse(code: str) -> Script:
    """The script's syntax tree, kept for the callers that ask for the same code again."""
    source = code.encode("utf-8", "replace")
    root = Parser(_LANGUAGE).parse(source).root_node
    return Script(source=source, root=root, error=explain(first_error(root), source) if root.has_error else None)


def text_of(node: Node | None) -> str:
    """The source text of a node; empty for none."""
    return (node.text or b"").decode() if node else ""


def field(node: Node, name: str) -> Node | None:
    """A named part of a node."""
    return node.child_by_field_name(name)


def has_token(node: Node, token: str) -> bool:
    """Whether a keyword or sign stands directly in a node, such as the `?` of an optional property."""
    return any(child.type == token for child in node.children)


def inner(node: Node) -> list[Node]:
    """The parts of a node without signs and comments."""
    return [child for child in node.named_children if child.type != "comment"]


def walk(node: Node) -> Iterator[Node]:
    """A node and everything below it, in the order of the text; deep code needs no deep stack."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        yield current
        waiting.extend(reversed(current.children))


def first_error(root: Node) -> Node:
    """The first place that does not parse; the narrowest one where several begin together."""
    broken = [node for node in walk(root) if node.is_error or node.is_missing]
    return min(broken, key=lambda node: (is_whole(node), node.start_byte, node.end_byte), default=root)


def is_whole(node: Node) -> bool:
    """Whether an error takes in everything up to the end of the code, which tells nothing of where it began."""
    root = node
    while root.parent is not None:
        root = root.parent
    return node.is_error and node.end_byte >= root.end_byte and node.named_child_count > 0


def explain(node: Node, source: bytes) -> SignatureError:
    """What is wrong at a node, and where."""
    at = node.end_byte if is_whole(node) else node.start_byte
    shown = text_of(node).strip().partition("\n")[0][:_SHOWN]
    if node.is_missing:
        message = f"Expected {node.type!r}." if not node.type.isalpha() else f"Expected an {node.type}."
    elif is_whole(node) or not shown:
        message = "Unexpected end of the code."
    else:
        message = f"Unexpected {shown!r}."
    before = source[:at].decode("utf-8", "replace")
    return SignatureError(message=message, line=before.count("\n") + 1, column=len(before) - before.rfind("\n"))
