"""A fork as an interpreter that was just started, and its end as an interpreter's; used by `zygote`.

To start an interpreter and to import takes longer than all layers of the sandbox together. A job in a fork saves
that, and is to see no difference.
"""

import _signal  # pyright: ignore[reportMissingImports] - the module `signal` makes an enum of every number
import atexit
import builtins
import gc
import io
import locale
import os
import sys
import threading
import time
from importlib.machinery import ExtensionFileLoader, SourceFileLoader

from . import kernel

WRITERS = (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom)
IGNORED = (_signal.SIGPIPE, _signal.SIGXFSZ)
FAILED, NOT_FLUSHED, INTERRUPTED = 1, 120, -1


def begin() -> None:
    """Do what a start does whatever is to run: signals, random numbers of its own, collecting garbage."""
    kernel.prctl(kernel.PR_SET_DUMPABLE, 1)
    threading.main_thread()._set_native_id()  # pyright: ignore[reportAttributeAccessIssue]
    set_signals()
    seed_numpy()
    gc.enable()


def seed_numpy() -> None:
    """Python's own generator is seeded anew in each fork, that of numpy is not."""
    numpy = sys.modules.get("numpy.random")
    if numpy is not None:
        numpy.seed()


def put_on(argv: list, program: str) -> None:
    """Give this process the arguments and the main module of one that was started as `argv`."""
    sys.orig_argv, sys.argv = argv, argv[argv.index(program) :]
    main = type(sys)("__main__")
    main.__loader__ = SourceFileLoader("__main__", program)
    main.__dict__.update(__file__=program, __builtins__=builtins, __cached__=None, __annotations__={})
    sys.modules["__main__"] = main


def run(program, before_end) -> None:
    """Run the program as `__main__`, then end the process with its exit code.

    `before_end` is called in between, with the modules that were loaded since.
    """
    from_before = frozenset(sys.modules) - {"__main__"}
    status = status_of(program)
    threading._shutdown()  # pyright: ignore[reportAttributeAccessIssue]
    atexit._run_exitfuncs()
    loaded = {name: sys.modules[name] for name in sys.modules.keys() - from_before}
    before_end(loaded)
    write_open_files()
    has_native_code = any(map(is_native, loaded.values()))
    drop_modules(loaded)
    status = flush(status)
    if status == INTERRUPTED:
        _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
        os.kill(os.getpid(), _signal.SIGINT)
    kernel.leave(status, orderly=has_native_code)


def set_signals() -> None:
    """What an interpreter sets when it starts; all others are as exec would leave them."""
    for number in IGNORED:
        _signal.signal(number, _signal.SIG_IGN)
    for number in (_signal.SIGTERM, _signal.SIGHUP, _signal.SIGCHLD):
        _signal.signal(number, _signal.SIG_DFL)
    _signal.signal(_signal.SIGINT, _signal.default_int_handler)


def set_environment(environment: dict) -> None:
    """Exactly this environment, with its time zone and locale. Raises OSError or ValueError for an impossible one."""
    for name in os.environ._data:  # pyright: ignore[reportAttributeAccessIssue]
        os.unsetenv(name)
    encoded = {os.fsencode(name): os.fsencode(value) for name, value in environment.items()}
    os.environ._data = encoded  # pyright: ignore[reportAttributeAccessIssue]
    for name, value in encoded.items():
        os.putenv(name, value)
    time.tzset()
    if own_locale() == "C" and not environment.get("LC_ALL"):
        # What a starting interpreter does to itself (PEP 538).
        os.environ["LC_CTYPE"] = locale.setlocale(locale.LC_CTYPE, "C.UTF-8")


def own_locale() -> str:
    """Take the locale of the environment, or C where there is no such locale."""
    try:
        return locale.setlocale(locale.LC_CTYPE, "")
    except locale.Error:
        return locale.setlocale(locale.LC_CTYPE, "C")


def open_streams() -> None:
    """The standard streams as a job has them: they look at their files, and keep in mind what kind these are."""
    nothing, (unread, pipe) = os.open(os.devnull, os.O_RDONLY), os.pipe()
    for target, source in enumerate((nothing, pipe, pipe)):
        os.dup2(source, target)
    for file in (nothing, unread, pipe):
        os.close(file)
    renew_streams()


def renew_streams() -> None:
    """The objects of the standard streams anew."""
    sys.stdin = sys.__stdin__ = stream(0, "<stdin>", "r", "surrogateescape")
    sys.stdout = sys.__stdout__ = stream(1, "<stdout>", "w", "surrogateescape")
    sys.stderr = sys.__stderr__ = stream(2, "<stderr>", "w", "backslashreplace")


def close_streams() -> None:
    """Write what the job left in its streams, and let go of the files below them."""
    for found in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        try_flush(found)
    kernel.flush()
    nothing = os.open(os.devnull, os.O_RDWR)
    for target in range(3):
        os.dup2(nothing, target)
    os.close(nothing)


def stream(file: int, name: str, mode: str, errors: str) -> io.TextIOWrapper:
    """A standard stream as an interpreter makes it."""
    raw = io.FileIO(file, mode, closefd=False)
    raw.name = name
    binary = io.BufferedReader(raw) if mode == "r" else io.BufferedWriter(raw)
    stream = io.TextIOWrapper(binary, "utf-8", errors, newline="\n", line_buffering=file == 2)
    stream.mode = mode  # pyright: ignore[reportAttributeAccessIssue]
    return stream


def status_of(program) -> int:
    """Run the program; the exit code that an interpreter would give it."""
    try:
        exec(program, vars(sys.modules["__main__"]))
    except SystemExit as stop:
        return exit_status(stop)
    except BaseException as error:  # noqa: BLE001 - the end of the program, told as an interpreter tells it
        sys.excepthook(type(error), error, error.__traceback__ and error.__traceback__.tb_next)
        return INTERRUPTED if isinstance(error, KeyboardInterrupt) else FAILED
    return 0


def exit_status(stop: SystemExit) -> int:
    """What sys.exit makes of its argument."""
    if stop.code is None or isinstance(stop.code, int):
        return (stop.code or 0) & 0xFF
    print(stop.code, file=sys.stderr)
    return FAILED


def write_open_files() -> None:
    """Write what the program left in open files: a file that is collected in a cycle may lose it."""
    for found in gc.get_objects():
        if type(found) in WRITERS:
            try_flush(found)


def drop_modules(loaded: dict) -> None:
    """Let go of what the program loaded, so that its finalizers run."""
    for name in loaded:
        sys.modules.pop(name, None)
    loaded.clear()
    gc.collect()


def is_native(module: object) -> bool:
    """Whether a module is compiled code."""
    # Only of a real module: others may run code when they are asked for an attribute.
    return type(module) is type(sys) and isinstance(vars(module).get("__loader__"), ExtensionFileLoader)


def flush(status: int) -> int:
    """Write the standard streams to their end; the exit code that this leaves."""
    error = try_flush(sys.stdout)
    if error is not None:
        sys.excepthook(type(error), error, error.__traceback__)
    for stream in (sys.__stdout__, sys.stderr, sys.__stderr__):
        try_flush(stream)
    return status if error is None or status == INTERRUPTED else NOT_FLUSHED


def try_flush(stream) -> Exception | None:
    """Flush what may be closed, missing or no stream at all; the error that it gave."""
    try:
        if stream is not None and not getattr(stream, "closed", False):
            stream.flush()
    except Exception as error:  # noqa: BLE001 - a stream may be the program's own
        return error
    return None
