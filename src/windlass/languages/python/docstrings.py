"""Descriptions of arguments in a function's docstring: Google, NumPy or Sphinx style; used by `signature`."""

import re

_GOOGLE = re.compile(r"(?:Args|Arguments|Parameters|Params):\s*")
_GOOGLE_ENTRY = re.compile(r"\*{0,2}(\w+)\s*(?:\([^)]*\)\s*)?:\s*(.*)")
_NUMPY = re.compile(r"(?:Other )?Parameters\s*")
_NUMPY_ENTRY = re.compile(r"\*{0,2}(\w+)\s*(?::.*)?")
_SPHINX_ENTRY = re.compile(r":param\s([^:]*\w)\s*:\s*(.*)")


def argument_descriptions(docstring: str | None) -> dict[str, str]:
    """The text for each described argument, its lines joined by blanks."""
    lines = (docstring or "").expandtabs().splitlines()
    for number, line in enumerate(lines):
        if _GOOGLE.fullmatch(line.strip()):
            return google(lines[number + 1 :], indent(line))
        if _NUMPY.fullmatch(line.strip()) and set("".join(lines[number + 1 : number + 2]).strip()) == {"-"}:
            return numpy(lines[number + 2 :], indent(line))
    return collect(lines, _SPHINX_ENTRY)


def google(lines: list[str], outer: int) -> dict[str, str]:
    """The entries below `Args:`, up to the next line that is not indented deeper than it."""
    section = list(until(lines, lambda line: indent(line) <= outer))
    return collect(section, _GOOGLE_ENTRY, min(map(indent, section), default=0))


def numpy(lines: list[str], outer: int) -> dict[str, str]:
    """The entries below a `Parameters` heading, up to the next heading."""
    headings = {number for number, line in enumerate(lines) if line.strip() and set(line.strip()) == {"-"}}
    end = min(headings, default=len(lines) + 1) - 1
    return collect([line for line in lines[:end] if line.strip()], _NUMPY_ENTRY, outer)


def collect(lines: list[str], entry: re.Pattern, depth: int | None = None) -> dict[str, str]:
    """Entries that begin at `depth` (anywhere when None); deeper lines continue the one above."""
    texts: dict[str, list[str]] = {}
    current: list[str] = []
    for line in lines:
        found = entry.fullmatch(line.strip()) if depth is None or indent(line) == depth else None
        if found:
            current = texts[found[1].split()[-1]] = [text for text in found.groups()[1:] if text]
        elif depth is not None and indent(line) > depth:
            current.append(line.strip())
    return {name: " ".join(text) for name, text in texts.items() if text}


def until(lines: list[str], is_end) -> list[str]:
    """The lines with text before the first that ends the section."""
    kept: list[str] = []
    for line in lines:
        if line.strip() and is_end(line):
            break
        if line.strip():
            kept.append(line)
    return kept


def indent(line: str) -> int:
    """How many blanks a line begins with."""
    return len(line) - len(line.lstrip())
