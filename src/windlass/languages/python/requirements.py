"""What a Python script needs installed: from its headers, else from its imports; used by `lock`.

A line that reaches the resolver is a plain requirement: options, paths and local files are refused, because a
script's author must not steer the resolver itself.
"""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass

from windlass.languages.base import RequirementRejected
from windlass.languages.python.packages import package_for
from windlass.languages.python.signature import parse

PROVIDED = "wmill"
OWN_FOLDERS = {"f", "u"}
MAX_LINE = 2000

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_EXTRAS = r"(?:\s*\[\s*[A-Za-z0-9._,\s-]*\])?"
_VERSION = r"(?:===|==|~=|!=|<=|>=|<|>)\s*[A-Za-z0-9.*+!_-]+"
_MARKER = r"(?:\s*;(?:(?!--)[^#;@\\])+)?"
_REQUIREMENT = re.compile(rf"({_NAME}){_EXTRAS}\s*(?:\(?\s*{_VERSION}(?:\s*,\s*{_VERSION})*\s*,?\s*\)?)?{_MARKER}")
_LINK = re.compile(rf"(?:({_NAME}){_EXTRAS}\s*@\s*)?(?:git\+https|https)://[^\s;]+{_MARKER}")
_HEADER = re.compile(r"#\s*(requirements|extra_requirements)\s*:\s*")
_OTHER_HEADER = re.compile(r"#\s*[A-Za-z_]+\s*:\s*")
_PIN = re.compile(r"#\s*(?:re)?pin:\s*(\S.*)")
_METADATA = re.compile(r"(?m)^# /// script$\s(?P<content>(?:^#(?:| .*)$\s)+)^# ///$")


@dataclass(frozen=True, kw_only=True)
class Import:
    """One imported module, its line (from 1), and the column in bytes where the statement ends."""

    module: str
    line: int
    end: int


def requirements_of(code: str) -> list[str]:
    """The requirement lines of a script in a stable order; raises RequirementRejected."""
    replaced = listed_below(code, "requirements")
    metadata = inline_metadata(code)
    if replaced is None and metadata is not None:
        replaced = metadata
    base = with_pins(inferred(code), standalone_pins(code)) if replaced is None else replaced
    extra = listed_below(code, "extra_requirements") or []
    return [checked(line) for line in dict.fromkeys([*base, *extra])]


def listed_below(code: str, header: str) -> list[str] | None:
    """The lines of a `#requirements:` list, which ends at an empty comment or at code; None without it."""
    lines = code.splitlines()
    for number, line in enumerate(lines):
        found = _HEADER.fullmatch(line)
        if found and found[1] == header:
            return list(comment_list(lines[number + 1 :]))
    return None


def comment_list(lines: list[str]) -> Iterator[str]:
    """The texts of the comment lines that follow a header."""
    for line in lines:
        text = line.removeprefix("#").strip()
        if not line.startswith("#") or not text or _OTHER_HEADER.fullmatch(line):
            return
        yield text.partition(" #")[0].rstrip()


def inline_metadata(code: str) -> list[str] | None:
    """The dependencies of a PEP 723 block, None without one; raises RequirementRejected."""
    found = _METADATA.search(code.replace("\r\n", "\n"))
    if not found:
        return None
    content = "\n".join(line[2:] for line in found["content"].splitlines())
    try:
        listed = tomllib.loads(content).get("dependencies", [])
    except tomllib.TOMLDecodeError as problem:
        raise RequirementRejected(f"The script's `# /// script` block is not valid TOML: {problem}") from problem
    if not isinstance(listed, list) or not all(isinstance(line, str) for line in listed):
        raise RequirementRejected("`dependencies` in the script's `# /// script` block is not a list of texts.")
    return listed


def checked(line: str) -> str:
    """The line itself; raises RequirementRejected unless it is a plain requirement or an https link."""
    if len(line) <= MAX_LINE and line.isprintable() and (_REQUIREMENT.fullmatch(line) or _LINK.fullmatch(line)):
        return line
    raise RequirementRejected(
        f"{line!r} is not a package requirement such as `name`, `name==1.0` or `git+https://…`; "
        "options, paths and local files are not allowed."
    )


def normalized(requirement: str) -> str:
    """The package's name as the registry compares it; the whole line for a bare link."""
    found = _REQUIREMENT.fullmatch(requirement) or _LINK.fullmatch(requirement)
    return re.sub(r"[-_.]+", "-", found[1]).lower() if found and found[1] else requirement


def inferred(code: str) -> list[str]:
    """One requirement for each imported package, by the imports in every scope and the pins beside them."""
    script = parse(code)
    if script.tree is None:
        return []
    found = {}
    for one in imports(script.tree):
        rest = script.lines[one.line - 1].encode()[one.end :].decode(errors="replace").strip()
        pin = _PIN.fullmatch(rest)
        if pin or is_foreign(one.module):
            requirement = pin[1].rstrip() if pin else package_for(one.module)
            if pin or normalized(requirement) not in found:
                found[normalized(requirement)] = requirement
    return sorted(found.values(), key=str.lower)


def with_pins(requirements: list[str], pins: list[str]) -> list[str]:
    """The requirements, with each pin in the place of the requirement of the same name."""
    by_name = {normalized(line): line for line in [*requirements, *pins]}
    return sorted(by_name.values(), key=str.lower)


def standalone_pins(code: str) -> list[str]:
    """The pins that stand on lines of their own."""
    return [found[1].rstrip() for line in code.splitlines() if (found := _PIN.fullmatch(line))]


def is_foreign(module: str) -> bool:
    """Whether a module comes neither with Python, nor with Windlass, nor from the workspace."""
    top = module.partition(".")[0]
    return top != PROVIDED and top not in OWN_FOLDERS and top not in sys.stdlib_module_names


def imports(tree: ast.AST) -> Iterator[Import]:
    """Every absolute import in any scope, but for those that only type checkers see."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from imported(node)
        elif isinstance(node, ast.If) and is_type_checking(node.test):
            yield from imports(ast.Module(body=node.orelse, type_ignores=[]))
        elif not isinstance(node, ast.expr):
            yield from imports(node)


def imported(node: ast.Import | ast.ImportFrom) -> Iterator[Import]:
    """The modules of one statement; `from a.b import c` may mean the module `a.b.c`."""
    line, end = node.end_lineno or node.lineno, node.end_col_offset or 0
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif node.level or not node.module:
        names = []
    else:
        names = [f"{node.module}.{alias.name}" for alias in node.names]
    for name in names:
        yield Import(module=name, line=line, end=end)


def is_type_checking(test: ast.expr) -> bool:
    """Whether a condition is `TYPE_CHECKING`."""
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")
    return name == "TYPE_CHECKING"
