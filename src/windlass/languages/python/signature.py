"""The arguments of a Python script, read from its syntax tree; the code is never imported."""

import ast
import builtins
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from windlass.languages.base import Signature, SignatureError
from windlass.languages.python.annotations import NO_LITERAL, Annotations
from windlass.languages.python.docstrings import argument_descriptions
from windlass.languages.shared.header import timeout_seconds
from windlass.languages.shared.schemas import Parameter, arguments_schema

Function = ast.FunctionDef | ast.AsyncFunctionDef

_COMMENT = re.compile(r"[\s,]*#(.*)")
_DROPDOWN = re.compile(r"dropdown:\s*(.+)", re.IGNORECASE)
_QUOTED_LIST = re.compile(r"""(?:"[^"]*"|'[^']*')(?:\s*[,|]\s*(?:"[^"]*"|'[^']*'))+""")
_UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)


@dataclass(frozen=True, kw_only=True)
class Script:
    """A parsed script; `tree` is None when it does not parse."""

    lines: tuple[str, ...]
    tree: ast.Module | None
    error: SignatureError | None = None


@lru_cache(maxsize=8)
def parse(code: str) -> Script:
    """The script's syntax tree, kept for the callers that ask for the same code again."""
    lines = tuple(code.split("\n"))
    try:
        return Script(lines=lines, tree=ast.parse(code))
    except _UNREADABLE as problem:
        return Script(lines=lines, tree=None, error=explain(problem))


def explain(problem: Exception) -> SignatureError:
    """Where and why a script does not parse."""
    if isinstance(problem, SyntaxError):
        return SignatureError(message=problem.msg, line=problem.lineno, column=problem.offset or None)
    return SignatureError(message=str(problem) or "The code is nested too deeply.")


def read_signature(code: str, entrypoint: str) -> Signature:
    """The signature of one function; code that does not parse gives the error and no schema."""
    script = parse(code)
    if script.tree is None:
        return Signature(schema=None, error=script.error, has_main=False, timeout=timeout_seconds(code))
    main = find_function(script.tree, entrypoint)
    return Signature(
        schema=arguments_schema(read_parameters(main, script) if main else []),
        has_main=main is not None,
        has_preprocessor=find_function(script.tree, "preprocessor") is not None,
        timeout=timeout_seconds(code),
    )


def find_function(module: ast.Module, name: str) -> Function | None:
    """The last function of that name at the module's top level, which is the one that a call would reach."""
    found = [node for node in module.body if isinstance(node, Function) and node.name == name]
    return found[-1] if found else None


def read_parameters(function: Function, script: Script) -> list[Parameter]:
    """Every named parameter in order; `*args` and `**kwargs` are left out."""
    annotations = Annotations(script.tree or ast.Module([], []))
    descriptions = argument_descriptions(ast.get_docstring(function))
    return [
        read_parameter(argument, default, annotations, descriptions, script)
        for argument, default in arguments_with_defaults(function.args)
    ]


def arguments_with_defaults(arguments: ast.arguments) -> Iterator[tuple[ast.arg, ast.expr | None]]:
    """Each parameter with its default, or with None."""
    positional = [*arguments.posonlyargs, *arguments.args]
    missing = len(positional) - len(arguments.defaults)
    yield from zip(positional, [None] * missing + arguments.defaults, strict=True)
    yield from zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)


def read_parameter(
    argument: ast.arg,
    default: ast.expr | None,
    annotations: Annotations,
    descriptions: dict[str, str],
    script: Script,
) -> Parameter:
    """One parameter: annotation, default, description, and the choices that a comment beside it lists."""
    value = annotations.default(default)
    schema = annotations.schema(argument.annotation)
    if argument.annotation is None and value is not NO_LITERAL:
        schema = guessed_type(value)
    if schema == {"type": "string"}:
        schema |= choices(trailing_comment(argument, default, script.lines))
    if argument.arg in descriptions:
        schema |= {"description": descriptions[argument.arg]}
    if value is not NO_LITERAL:
        schema |= {"default": value}
    required = default is None and not annotations.optional(argument.annotation)
    return Parameter(name=argument.arg, schema=schema, required=required)


def guessed_type(value: object) -> dict:
    """The type that a literal default suggests."""
    words = {str: "string", int: "integer", float: "number", bool: "boolean", list: "array", dict: "object"}
    return {"type": words[type(value)]} if type(value) in words else {}


def trailing_comment(argument: ast.arg, default: ast.expr | None, lines: tuple[str, ...]) -> str:
    """The comment that ends a parameter's own line; empty when other code follows."""
    node = default or argument
    if node.end_lineno is None or node.end_col_offset is None:
        return ""
    rest = lines[node.end_lineno - 1].encode()[node.end_col_offset :].decode()
    found = _COMMENT.fullmatch(rest)
    return found[1].strip() if found else ""


def choices(comment: str) -> dict:
    """An enum from `Dropdown: a, b` or from a comment that is nothing but a list of quoted words."""
    dropdown = _DROPDOWN.fullmatch(comment)
    if not dropdown and not _QUOTED_LIST.fullmatch(comment):
        return {}
    listed = dropdown[1] if dropdown else comment
    words = [word.strip().strip("\"'") for word in re.split(r"[,|]", listed)]
    return {"enum": [word for word in words if word]}


@lru_cache(maxsize=1024)
def undefined_resource_types(code: str) -> tuple[str, ...]:
    """Lower-case names that annotations of functions use and that nothing in the script defines."""
    tree = parse(code).tree
    if tree is None:
        return ()
    used: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, Function):
            used |= set(annotation_names(node))
    used = {name for name in used if name[0].islower() and not hasattr(builtins, name)}
    return tuple(sorted(used - set(defined_names(tree)))) if used else ()


def annotation_names(function: Function) -> Iterator[str]:
    """Every plain name in the annotations of one function."""
    arguments = function.args
    annotated = [
        *arguments.posonlyargs,
        *arguments.args,
        *arguments.kwonlyargs,
        arguments.vararg,
        arguments.kwarg,
    ]
    for annotation in [*(one.annotation for one in annotated if one), function.returns]:
        if annotation:
            yield from (node.id for node in ast.walk(annotation) if isinstance(node, ast.Name))


def defined_names(tree: ast.Module) -> Iterator[str]:
    """Every name that the script binds anywhere."""
    for node in ast.walk(tree):
        if isinstance(node, Function | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.alias):
            yield (node.asname or node.name).partition(".")[0]
        elif isinstance(node, ast.arg):
            yield node.arg
