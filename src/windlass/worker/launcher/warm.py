"""Programs that run in a fork of the fork server instead of an exec. Called by `server`, `supervisor` and `confine`.

To start an interpreter and to import takes longer than all layers of the sandbox together. So the server loads a few
programs of ours ahead. A job that is one of them is a fork, which puts on behind every layer what exec would have
given it, and ends as an interpreter does.
"""

import atexit
import builtins
import gc
import io
import locale
import os
import signal
import sys
import threading
import time
from collections.abc import Iterable
from importlib.machinery import ExtensionFileLoader, SourceFileLoader
from types import CodeType, ModuleType
from typing import IO, Any, NoReturn

from windlass.worker.launcher import kernel

LOADING = "__warm__"
"""The `__name__` under which a program runs once in the server, to import what jobs need."""

_OWN_PACKAGE = "windlass"
_WRITERS = (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom)
_FAILED, _NOT_FLUSHED, _INTERRUPTED = 1, 120, -1


class BecameJob(BaseException):
    """This process is the job now. Raised, so that the launcher's frames and what they hold are gone when it begins."""

    def __init__(self, program: str):
        super().__init__(program)
        self.program = program


def load(programs: Iterable[str]) -> dict[str, CodeType]:
    """Compile each file and let it import what it wants to find imported."""
    loaded = {}
    for path in programs:
        with open(path, "rb") as source:
            loaded[path] = compile(source.read(), path, "exec", dont_inherit=True)
        exec(loaded[path], {"__name__": LOADING, "__file__": path})
    return loaded


def hide(packages: str) -> None:
    """Make this package unknown to the interpreter, as it is to one that starts afresh; what runs keeps running."""
    sys.path.remove(packages)
    for folder in [folder for folder in sys.path_importer_cache if folder.startswith(packages)]:
        del sys.path_importer_cache[folder]
    for name in [name for name in sys.modules if name.partition(".")[0] == _OWN_PACKAGE]:
        del sys.modules[name]


def put_on(argv: list[str], program: str, environment: dict[str, str]) -> None:
    """Give this process what exec would. Raises OSError, or ValueError for an impossible environment."""
    kernel.forget_change_of_user()
    threading.main_thread()._set_native_id()  # pyright: ignore[reportAttributeAccessIssue]
    _set_signals()
    _set_environment(environment)
    _open_streams()
    sys.orig_argv, sys.argv = argv, argv[argv.index(program) :]
    main = ModuleType("__main__")
    main.__loader__ = SourceFileLoader("__main__", program)
    main.__dict__.update(__file__=program, __builtins__=builtins, __cached__=None, __annotations__={})
    sys.modules["__main__"] = main
    gc.enable()


def run(program: CodeType) -> NoReturn:
    """Run the program as `__main__`, then end the process with its exit code."""
    from_before = frozenset(sys.modules) - {"__main__"}
    status = _status_of(program)
    threading._shutdown()  # pyright: ignore[reportAttributeAccessIssue]
    atexit._run_exitfuncs()
    _write_open_files()
    has_native_code = _drop_modules(from_before)
    status = _flush(status)
    if status == _INTERRUPTED:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    kernel.leave(status, orderly=has_native_code)


def _set_signals() -> None:
    """What an interpreter sets when it starts; all others are as exec would leave them."""
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _set_environment(environment: dict[str, str]) -> None:
    os.environ.clear()  # noqa: TID251
    os.environ.update(environment)  # noqa: TID251
    time.tzset()
    if _own_locale() == "C" and not environment.get("LC_ALL"):
        # What a starting interpreter does to itself (PEP 538).
        os.environ["LC_CTYPE"] = locale.setlocale(locale.LC_CTYPE, "C.UTF-8")  # noqa: TID251


def _own_locale() -> str:
    """Take the locale of the environment, or C where there is no such locale."""
    try:
        return locale.setlocale(locale.LC_CTYPE, "")
    except locale.Error:
        return locale.setlocale(locale.LC_CTYPE, "C")


def _open_streams() -> None:
    """The standard streams anew: those of the server have looked at its own files."""
    sys.stdin = sys.__stdin__ = _stream(0, "<stdin>", "r", "surrogateescape")
    sys.stdout = sys.__stdout__ = _stream(1, "<stdout>", "w", "surrogateescape")
    sys.stderr = sys.__stderr__ = _stream(2, "<stderr>", "w", "backslashreplace")


def _stream(file: int, name: str, mode: str, errors: str) -> io.TextIOWrapper:
    raw = io.FileIO(file, mode, closefd=False)
    raw.name = name
    binary = io.BufferedReader(raw) if mode == "r" else io.BufferedWriter(raw)
    stream = io.TextIOWrapper(binary, "utf-8", errors, newline="\n", line_buffering=file == 2)
    stream.mode = mode  # pyright: ignore[reportAttributeAccessIssue]
    return stream


def _status_of(program: CodeType) -> int:
    try:
        exec(program, vars(sys.modules["__main__"]))
    except SystemExit as stop:
        return _exit_status(stop)
    except BaseException as error:  # noqa: BLE001 - the end of the program, told as an interpreter tells it
        sys.excepthook(type(error), error, error.__traceback__ and error.__traceback__.tb_next)
        return _INTERRUPTED if isinstance(error, KeyboardInterrupt) else _FAILED
    return 0


def _exit_status(stop: SystemExit) -> int:
    if stop.code is None or isinstance(stop.code, int):
        return (stop.code or 0) & 0xFF
    print(stop.code, file=sys.stderr)
    return _FAILED


def _write_open_files() -> None:
    """Write what the program left in open files: a file that is collected in a cycle may lose it."""
    for found in gc.get_objects():
        if type(found) in _WRITERS:
            _try_flush(found)


def _drop_modules(from_before: frozenset[str]) -> bool:
    """Let go of what the program loaded, so that its finalizers run; whether native code was among it."""
    loaded = [sys.modules.pop(name, None) for name in sys.modules.keys() - from_before]
    has_native_code = any(_is_native(module) for module in loaded)
    del loaded
    gc.collect()
    return has_native_code


def _is_native(module: object) -> bool:
    # Only of a real module: others may run code when they are asked for an attribute.
    return type(module) is ModuleType and isinstance(vars(module).get("__loader__"), ExtensionFileLoader)


def _flush(status: int) -> int:
    """Write the standard streams to their end; the exit code that this leaves."""
    error = _try_flush(sys.stdout)
    if error is not None:
        sys.excepthook(type(error), error, error.__traceback__)
    for stream in (sys.__stdout__, sys.stderr, sys.__stderr__):
        _try_flush(stream)
    return status if error is None or status == _INTERRUPTED else _NOT_FLUSHED


def _try_flush(stream: IO[Any] | None) -> Exception | None:
    try:
        if stream is not None and not getattr(stream, "closed", False):
            stream.flush()
    except Exception as error:  # noqa: BLE001 - a stream may be the program's own
        return error
    return None
