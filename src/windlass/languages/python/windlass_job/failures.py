"""The failure document of a script that raised; used by `runner`."""

import linecache
import os
import sys
import traceback

OWN_FOLDER = os.path.dirname(__file__)


def describe(error: BaseException) -> dict:
    """Name, message and stack of an exception; the stack begins where the script does."""
    name, message = type(error).__name__, text_of(error)
    if type(error).__module__.startswith("windlass_job."):
        return {"name": name, "message": message, "stack": f"{name}: {message}\n"}
    linecache.checkcache()
    trace = script_frames(error.__traceback__)
    stack = "".join(traceback.format_exception(type(error), error, trace))
    return {"name": name, "message": message, "stack": stack}


def script_frames(trace):
    """The traceback without the frames that lead up to the script: the runner's and its event loop's."""
    event_loop = sys.modules.get("asyncio")
    before = (OWN_FOLDER, os.path.dirname(event_loop.__file__ or "") if event_loop else OWN_FOLDER)
    while trace is not None and os.path.dirname(trace.tb_frame.f_code.co_filename) in before:
        trace = trace.tb_next
    return trace


def text_of(error: BaseException) -> str:
    """The exception's message; a broken `__str__` does not hide the failure."""
    try:
        return str(error)
    except Exception as broken:  # noqa: BLE001 - the script's own code
        return f"<no message: {type(broken).__name__} in __str__>"
