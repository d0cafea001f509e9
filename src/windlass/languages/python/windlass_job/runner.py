"""One job, from its files to its result file; called by `wrapper.py`.

Reads `job.json` and `args.json`, leaves `result.json`. Standard output and error are the user's own.
"""

# ruff: noqa: PLC0415

import io
import os
import sys

from . import quick_json

PLAIN = (str, int, float, bool, dict, list, object)
PLAIN_NAMES = frozenset(kind.__name__ for kind in PLAIN)
TAKES_ANY_NAME = 0x08


class MissingEntrypoint(Exception):
    """The script has no function of the asked name."""


class MissingArgument(Exception):
    """A parameter without a default was not given."""


def perform_once(folder: str, job: dict):
    """Load the script and call its entry point."""
    return call(load(folder, job), folder, job)


def run(job_file: str, perform=perform_once) -> int:
    """Run the job and write its result; returns the exit code that the process shall have."""
    speak_utf8()
    folder = os.path.dirname(os.path.abspath(job_file))
    try:
        document, code = dumps(perform(folder, read(job_file))), 0
    except KeyboardInterrupt:
        raise
    except SystemExit as stop:
        document, code = exited(stop)
    except BaseException as error:  # noqa: BLE001 - whatever the script raises is the job's result
        document, code = failed(error)
    write(os.path.join(folder, "result.json"), document)
    return code


def adopt(job_file: str) -> None:
    """Load the script's module without calling it."""
    load(os.path.dirname(os.path.abspath(job_file)), read(job_file))


def call(module, folder: str, job: dict):
    """Call the entry point of a loaded script, and return what it gives, awaited and drained."""
    function = getattr(module, job["entrypoint"], None)
    if not callable(function):
        raise MissingEntrypoint(f"The script has no function named {job['entrypoint']!r}.")
    positional, named = match(function, read(os.path.join(folder, "args.json")), module.__dict__)
    return settle(function(*positional, **named))


def load(folder: str, job: dict):
    """The script as a module of its own name, so that classes and functions in it can be pickled."""
    sys.path[:0] = [folder, *job["path"]]
    for site_folder in job["sites"]:
        import site

        site.addsitedir(site_folder)
    module = type(sys)(job["module"])
    module.__file__ = os.path.join(folder, job["file"])
    lend_names(module, job["resources"])
    sys.modules[job["module"]] = module
    with open(module.__file__, encoding="utf-8") as source:
        text = source.read()
    exec(compile(text, job["file"], "exec", dont_inherit=True), module.__dict__)
    return module


def lend_names(module, names: list) -> None:
    """Define the resource types that the script's annotations name but never define."""
    if names:
        from .arguments import Resource

        module.__dict__.update(dict.fromkeys(names, Resource))


def match(function, given: dict, namespace: dict) -> tuple[list, dict]:
    """Split the given arguments as `function` takes them, converted; those it does not take are dropped."""
    inner = function
    while hasattr(inner, "__wrapped__"):
        inner = inner.__wrapped__
    if not hasattr(inner, "__code__"):
        return [], given
    code, hints, defaults = inner.__code__, inner.__annotations__, default_values(inner)
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    taken = {name: fit(name, given[name], hints.get(name), namespace) for name in names if name in given}
    for name in names:
        if name not in taken and name not in defaults:
            taken[name] = absent(name, hints.get(name), namespace)
    if code.co_flags & TAKES_ANY_NAME:
        taken |= {name: value for name, value in given.items() if name not in names}
    first = code.co_varnames[: code.co_posonlyargcount]
    return [taken.pop(name) if name in taken else defaults[name] for name in first], taken


def default_values(function) -> dict:
    """The defaults of a function's parameters, by name."""
    code, values = function.__code__, function.__defaults__ or ()
    names = code.co_varnames[code.co_argcount - len(values) : code.co_argcount]
    return dict(zip(names, values, strict=True)) | (function.__kwdefaults__ or {})


def fit(name: str, value, kind, namespace: dict):
    """The value as its annotation asks for it."""
    if kind is None or value is None or is_plain(kind, namespace):
        return value
    from .arguments import convert_argument

    return convert_argument(name, value, kind, namespace)


def is_plain(kind, namespace: dict) -> bool:
    """Whether an annotation, also one kept as text, asks for nothing but a JSON type."""
    if isinstance(kind, str):
        return kind in PLAIN_NAMES and kind not in namespace
    return any(kind is plain for plain in PLAIN)


def absent(name: str, kind, namespace: dict):
    """None for a parameter that allows it; otherwise an error that names the parameter."""
    if kind is not None and not isinstance(kind, type):
        from .arguments import allows_none

        if allows_none(kind, namespace):
            return None
    raise MissingArgument(f"The argument {name!r} is required and was not given.")


def settle(result):
    """The final value: coroutines are awaited, generators are collected into lists."""
    kind = type(result).__name__
    if kind == "generator":
        return list(result)
    if kind in ("coroutine", "async_generator"):
        import asyncio

        return asyncio.run(drain(result) if kind == "async_generator" else result)
    return result


async def drain(generator) -> list:
    """Everything that an async generator yields."""
    return [item async for item in generator]


def dumps(result) -> bytes:
    """Strict UTF-8 JSON: at once where the standard encoder can, else with the robust one."""
    try:
        return quick_json.dumps(result).encode()
    except (TypeError, ValueError, RecursionError):
        from . import encoding

        return encoding.dumps(result)


def exited(stop: SystemExit) -> tuple[bytes, int]:
    """`sys.exit()` and `sys.exit(0)` end a job well, without a result; every other code is a failure."""
    if stop.code in (None, 0):
        return b"null", 0
    code = stop.code & 0xFF if isinstance(stop.code, int) else 1
    return failed(stop, exit_code=code or 1)


def failed(error: BaseException, exit_code: int = 1) -> tuple[bytes, int]:
    """The failure document, which is also told on standard error."""
    from . import failures

    document = failures.describe(error)
    if isinstance(error, SystemExit):
        document["exit_code"] = exit_code
    sys.stdout.flush()
    sys.stderr.write(document["stack"])
    return dumps({"error": document}), exit_code


def speak_utf8() -> None:
    """Logs are UTF-8 lines; what UTF-8 cannot hold is escaped instead of ending the job."""
    for stream in (sys.stdout, sys.stderr):
        assert isinstance(stream, io.TextIOWrapper)
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)


def read(file: str) -> dict:
    """A JSON file."""
    with open(file, "rb") as source:
        return quick_json.loads(source.read())


def write(file: str, document: bytes) -> None:
    """The file with exactly these bytes."""
    with open(file, "wb") as target:
        target.write(document)
