"""Every place of the source where a transaction ends, found by reading the syntax tree; names as `db/failpoints.py`
gives them."""

import ast
from collections.abc import Iterator
from pathlib import Path

import windlass

ROOT = Path(windlass.__file__).parent
DOORS = {"transaction", "system", "system_statement", "statement"}
STAGES = ("before_commit", "after_commit")
THE_DOORS_THEMSELVES = "db/"


def borders() -> list[str]:
    """The name of every border, without its stage, as often as it stands in the source."""
    files = [file for file in sorted(ROOT.rglob("*.py")) if not _is_door(file)]
    return [f"{_module(file)}.{name}" for file in files for name in _borders_of(ast.parse(file.read_text()), ())]


def doors_left_ajar() -> list[str]:
    """Places that open a transaction otherwise than by `async with`, or by returning it: no border is known there."""
    found = []
    for file in ROOT.rglob("*.py"):
        tree = ast.parse(file.read_text())
        known = {
            id(item.context_expr) for node in ast.walk(tree) if isinstance(node, ast.AsyncWith) for item in node.items
        }
        known |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Return)}
        calls = [node for node in ast.walk(tree) if _door(node) and id(node) not in known]
        found += [] if _is_door(file) else [f"{_module(file)}:{call.lineno}" for call in calls]
    return found


def _is_door(file: Path) -> bool:
    return str(file.relative_to(ROOT)).startswith(THE_DOORS_THEMSELVES)


def _module(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _borders_of(node: ast.AST, within: tuple[str, ...]) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.AsyncWith):
            for item in child.items:
                if door := _door(item.context_expr):
                    yield ".".join((*_function(within), door))
        yield from _borders_of(child, _inside(child, within))


def _inside(node: ast.AST, within: tuple[str, ...]) -> tuple[str, ...]:
    match node:
        case ast.ClassDef(name=name):
            return (*within, name)
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return (*within, name, "<locals>")
        case _:
            return within


def _function(within: tuple[str, ...]) -> tuple[str, ...]:
    return within[:-1] if within[-1:] == ("<locals>",) else within


def _door(node: ast.AST) -> str | None:
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="platform"))):  # the module, which has a system, too
            return None
        case ast.Call(func=ast.Attribute(attr=name)) if name in DOORS:
            return name
        case _:
            return None
