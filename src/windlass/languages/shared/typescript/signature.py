"""The arguments of a TypeScript script, read from its syntax tree; the code is never run. Called by the plug-ins."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from tree_sitter import Node

from windlass.languages.base import Signature, SignatureError
from windlass.languages.shared.header import timeout_seconds
from windlass.languages.shared.schemas import Parameter, arguments_schema
from windlass.languages.shared.typescript.literals import NO_LITERAL, json_type
from windlass.languages.shared.typescript.syntax import Script, field, inner, parse, text_of
from windlass.languages.shared.typescript.types import Types, annotated, list_of

COMMENT = "//"
_FUNCTIONS = ("function_declaration", "generator_function_declaration", "function_expression", "arrow_function")
_DESCRIBED = re.compile(r"@param\s+(?:\{[^}]*\}\s*)?\[?([\w$]+)[^\]\s]*\]?\s*(?:-\s*)?(.+)")


@dataclass(frozen=True, kw_only=True)
class Call:
    """How a job calls an entry point: its parameters by position, and those of them that JSON cannot spell."""

    parameters: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    integers: tuple[str, ...] = ()


@lru_cache(maxsize=256)
def read_signature(code: str, entrypoint: str) -> Signature:
    """The signature of one function; code that does not parse gives the error and no schema."""
    timeout = timeout_seconds(code, COMMENT)
    try:
        script = parse(code)
        if script.error is not None:
            return Signature(schema=None, error=script.error, has_main=False, timeout=timeout)
        return described(script, entrypoint, timeout)
    except RecursionError:
        error = SignatureError(message="The code is nested too deeply.")
        return Signature(schema=None, error=error, has_main=False, timeout=timeout)


@lru_cache(maxsize=256)
def read_call(code: str, entrypoint: str) -> Call | None:
    """How to call one function; None when the code does not tell."""
    try:
        script = parse(code)
        function = find_function(script.root, entrypoint)
        return call_of(function, Types(script.root)) if function else None
    except RecursionError:
        return None


def described(script: Script, entrypoint: str, timeout: int | None) -> Signature:
    """The signature of a script that parses."""
    function = find_function(script.root, entrypoint)
    parameters = read_parameters(function, Types(script.root)) if function else []
    return Signature(
        schema=arguments_schema(parameters),
        has_main=function is not None,
        has_preprocessor=find_function(script.root, "preprocessor") is not None,
        timeout=timeout,
    )


def call_of(function: Node, types: Types) -> Call:
    """How to call a function."""
    named = [(name, annotated(field(node, "type"))) for name, node in parameters_of(function)]
    return Call(
        parameters=tuple(name for name, _ in named),
        dates=tuple(name for name, kind in named if types.is_plainly(kind, "Date")),
        integers=tuple(name for name, kind in named if types.is_plainly(kind, "bigint")),
    )


def find_function(root: Node, name: str) -> Node | None:
    """The function that a module's top level gives that name, or exports under it."""
    functions = dict(top_level_functions(root))
    return functions.get(dict(renamed(root)).get(name, name))


def top_level_functions(root: Node) -> Iterator[tuple[str, Node]]:
    """Every function of a module's top level by its name, whether declared or assigned."""
    for node in inner(root):
        target = field(node, "declaration") if node.type == "export_statement" else node
        for part in [target, *inner(target)] if target else []:
            function = field(part, "value") if part.type == "variable_declarator" else part
            if function is not None and function.type in _FUNCTIONS and field(part, "name"):
                yield text_of(field(part, "name")), function


def renamed(root: Node) -> Iterator[tuple[str, str]]:
    """What `export { a as b }` gives another name: the new one, then the old."""
    for node in inner(root):
        for clause in inner(node) if node.type == "export_statement" and not field(node, "source") else []:
            for part in inner(clause) if clause.type == "export_clause" else []:
                if field(part, "alias"):
                    yield text_of(field(part, "alias")), text_of(field(part, "name"))


def read_parameters(function: Node, types: Types) -> list[Parameter]:
    """Every parameter in order; `...rest` is left out."""
    texts = descriptions(function)
    return [read_parameter(name, node, types, texts) for name, node in dict(parameters_of(function)).items()]


def parameters_of(function: Node) -> Iterator[tuple[str, Node]]:
    """The parameters with their names; those that are taken apart at once are `anon1`, `anon2` and so on."""
    alone = field(function, "parameter")
    if alone is not None:
        yield text_of(alone), alone
    number = itertools.count(1)
    for node in inner(field(function, "parameters") or function):
        pattern = field(node, "pattern")
        if pattern is not None and pattern.type not in ("rest_pattern", "this"):
            yield text_of(pattern) if pattern.type == "identifier" else f"anon{next(number)}", node


def read_parameter(name: str, node: Node, types: Types, texts: dict[str, str]) -> Parameter:
    """One parameter: type, default and description."""
    kind, value = annotated(field(node, "type")), types.default(field(node, "value"))
    schema = types.schema(kind) if kind or value is NO_LITERAL else guessed(value)
    if name in texts:
        schema = schema | {"description": texts[name]}
    if value is not NO_LITERAL:
        schema = schema | {"default": value}
    is_optional = node.type == "optional_parameter" or field(node, "value") is not None or types.optional(kind)
    return Parameter(name=name, schema=schema, required=not is_optional)


def guessed(value: object) -> dict:
    """The type that a literal default suggests."""
    if isinstance(value, dict) and value:
        return {"type": "object", "properties": {key: guessed(one) for key, one in value.items()}}
    if isinstance(value, list):
        items = [guessed(one) for one in value]
        return list_of(items[0] if items and items.count(items[0]) == len(items) else {})
    return {} if value is None else {"type": json_type(value)}


def descriptions(function: Node) -> dict[str, str]:
    """What the comment above a function says of its parameters, by `@param`."""
    node: Node | None = function
    while node is not None and node.parent is not None and node.parent.parent is not None:
        node = node.parent
    above = node.prev_sibling if node else None
    comment = text_of(above) if above is not None and above.type == "comment" else ""
    if not comment.startswith("/**"):
        return {}
    lines = [line.strip().removeprefix("*").strip() for line in comment.removesuffix("*/").splitlines()]
    return {found[1]: found[2].strip() for line in lines if (found := _DESCRIBED.match(line))}
