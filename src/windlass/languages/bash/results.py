"""The result of a bash script: a file that it left, else the end of what it printed; used by the plug-in."""

import os
from pathlib import Path

from windlass.languages.base import Outcome
from windlass.languages.shared.leftovers import read_leftover
from windlass.languages.shared.outcomes import exit_words, failed, is_json, parse_strictly, succeeded

MESSAGE_LINES = 20
# Each candidate costs one parse of the rest of the output.
MAX_CANDIDATES = 1000


def find_result(folder: Path, stdout_tail: bytes, exit_code: int) -> Outcome:
    """Judge a finished script; raises LeftoverRefused."""
    lines = stdout_tail.decode("utf-8", "replace").splitlines()
    if exit_code != 0:
        return failed("ExecutionErr", failure_message(lines, exit_code), exit_code=exit_code)
    if os.path.lexists(folder / "result.json"):
        return from_json_file(read_leftover(folder / "result.json"))
    if os.path.lexists(folder / "result.out"):
        return succeeded(read_leftover(folder / "result.out").decode("utf-8", "replace").removesuffix("\n"))
    return succeeded(from_output(lines))


def failure_message(lines: list[str], exit_code: int) -> str:
    """The exit code and the last lines that were printed."""
    last = [line for line in lines if line.strip()][-MESSAGE_LINES:]
    return "\n".join([exit_words(exit_code), *last])


def from_json_file(document: bytes) -> Outcome:
    """The document as it is, if it is JSON."""
    if is_json(document):
        return Outcome(success=True, result=document)
    return failed("ResultRefused", "result.json is not valid JSON.")


def from_output(lines: list[str]) -> object:
    """The JSON object or array that ends the output, else its last line with text, else None."""
    while lines and not lines[-1].strip():
        lines.pop()
    if not lines:
        return None
    return trailing_block(lines) if lines[-1].rstrip().endswith(("}", "]")) else lines[-1]


def trailing_block(lines: list[str]) -> object:
    """The shortest run of last lines that begins with a bracket and parses, else the last line."""
    begins = [number for number, line in enumerate(lines) if line.lstrip().startswith(("{", "["))]
    for number in reversed(begins[-MAX_CANDIDATES:]):
        try:
            return parse_strictly("\n".join(lines[number:]))
        except (ValueError, RecursionError):
            continue
    return lines[-1]
