"""Judging a process that left its result in `result.json`; for every plug-in whose runner writes one."""

from pathlib import Path

from windlass.languages.base import Outcome
from windlass.languages.shared.leftovers import LeftoverRefused, read_leftover
from windlass.languages.shared.outcomes import exit_words, failed, is_json

RESULT = "result.json"


def read_result_file(folder: Path, exit_code: int) -> Outcome:
    """`result.json`, judged by the exit code; a process that left none failed unless it exited with 0."""
    try:
        document = read_leftover(folder / RESULT)
    except LeftoverRefused as refusal:
        return failed("ResultRefused", str(refusal))
    if exit_code == 0:
        return judge(document)
    if document.startswith(b'{"error":{') and is_json(document):
        return Outcome(success=False, result=document)
    return failed("ExecutionErr", f"The script ended early: {exit_words(exit_code)}.", exit_code=exit_code)


def judge(document: bytes) -> Outcome:
    """The result of a process that ended well; one that wrote nothing has no result."""
    if not document:
        return Outcome(success=True, result=b"null")
    if not is_json(document):
        return failed("ResultRefused", f"{RESULT} is not valid JSON.")
    return Outcome(success=True, result=document)
