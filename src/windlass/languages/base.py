"""The shapes that every language plug-in speaks; read by the worker, by the deploy path and by each plug-in.

A language never runs anything of the user's itself: it hands out a `Command`, and the caller runs it in the
sandbox.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Protocol, runtime_checkable

ENTRYPOINT = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")


class LanguageError(Exception):
    """The script or its inputs cannot be used as they are; the message is a sentence for its author."""


class RequirementRejected(LanguageError):
    """A dependency line is not a plain package requirement."""


class EntrypointRejected(LanguageError):
    """The entry point's name is not a plain identifier."""


class RuntimeMissing(LanguageError):
    """The program that runs the language is not on this worker; the message names what brings it."""


class ArgumentRejected(LanguageError):
    """An argument cannot be handed to this language (for example a NUL character to bash)."""


class Network(Enum):
    """What a command may reach; the sandbox enforces it."""

    NONE = "none"
    """Nothing."""
    REGISTRY = "registry"
    """Package registries, to resolve and install."""
    OPEN = "open"
    """Everything that the worker's own policy leaves open."""


@dataclass(frozen=True, kw_only=True)
class SignatureError:
    """Why code could not be read; line and column count from 1."""

    message: str
    line: int | None = None
    column: int | None = None


@dataclass(frozen=True, kw_only=True)
class Signature:
    """What can be told about a script without running it.

    `schema` is a JSON Schema object with `properties`, `required` and `order`; None when the code does not
    parse. `timeout` is in seconds, from the script's own header.
    """

    schema: dict | None
    error: SignatureError | None = None
    has_main: bool
    has_preprocessor: bool = False
    timeout: int | None = None


@dataclass(frozen=True, kw_only=True)
class Toolchain:
    """The executables and folders of one worker.

    `client` is the folder that holds our `wmill` package; `cache` outlives jobs and is shared by them. `runtimes` are
    the programs that a worker may lack, by name.
    """

    python: Path
    uv: Path
    cache: Path
    client: Path
    bash: Path
    runtimes: Mapping[str, Path] = field(default_factory=dict)

    def runtime(self, name: str) -> Path:
        """The program of that name; raises RuntimeMissing."""
        if name not in self.runtimes:
            raise RuntimeMissing(f"This worker has no {name}: install it with `windlass runtimes install {name}`.")
        return self.runtimes[name]


@dataclass(frozen=True, kw_only=True)
class Command:
    """One process to run in the sandbox.

    `env` is what the language adds: the caller lays it over the job's base environment (PATH, HOME, TMPDIR, WM_…).
    `readable` and `writable` come on top of the sandbox's own lists; `cwd` is always writable. `needs_proc`: it
    cannot run without /proc, and gets the machine's where the sandbox can make none.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    readable: tuple[Path, ...] = ()
    writable: tuple[Path, ...] = ()
    network: Network = Network.OPEN
    needs_proc: bool = False


class WarmMode(Enum):
    """How a process that was started ahead takes jobs.

    A job is one line of JSON: `argv`, `env` and `cwd` of its `Command`. It is to see what a process started as `argv`
    would: nothing of the warm process's own environment or folder, nor of an earlier job.
    """

    FORK = "fork"
    """One job after the other, each in a fork: Python, as `languages/python/windlass_job/zygote.py` speaks."""
    ONCE = "once"
    """One job only. Its line comes on standard input, which then ends. Standard output and error are the job's from
    the start, so nothing may be written before. The process ends with the job, and its exit code is the job's.
    Without a line it ends silently."""
    RESIDENT = "resident"
    """As FORK, but each job runs in the warm process itself, which keeps the script loaded: dedicated workers."""


@dataclass(frozen=True, kw_only=True)
class Warm:
    """How to keep a process ready for jobs, so that none need wait for an interpreter and its imports.

    The worker starts `argv` ahead, in the sandbox of a job, in a folder of its own; the folders of its jobs lie
    below that. Two jobs may share it, one after the other, where `key` is equal: it names what is loaded
    (interpreter, flags, lock). The worker adds the workspace to it. `env` is all of its environment. To `argv` the
    worker may add, in mode FORK, names that earlier jobs reported for this key. All this is only data, and the job's
    own `Command` stays complete: a cold start is always right as well.
    """

    mode: WarmMode
    key: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    readable: tuple[Path, ...] = ()
    network: Network = Network.OPEN
    needs_proc: bool = False


@dataclass(frozen=True, kw_only=True)
class LockPlan:
    """How to get the lock of a script.

    With a command, run it and call `read_lock`; it leaves the lock in `<cwd>/lock.txt`. Without one, nothing
    is to be resolved and `lock` is the final text. `requirements` is the resolver's input.
    """

    requirements: str
    command: Command | None = None
    lock: str | None = None


@dataclass(frozen=True, kw_only=True)
class InstallPlan:
    """How to get a lock's packages to `target`; no command means that they are there or that there are none.

    The command fills `aside`, and `finish_install` moves it to `target` in one rename.
    """

    target: Path
    command: Command | None = None
    aside: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a job ended; `result` is raw JSON, an object with the one key `error` for a failure."""

    success: bool
    result: bytes


@runtime_checkable
class Language(Protocol):
    """One language. Every method is free of side effects but for files below `folder` and `tools.cache`."""

    @property
    def name(self) -> str:
        """The name on the wire, such as `python3`."""
        ...

    @property
    def extension(self) -> str:
        """The suffix of a source file, without the dot."""
        ...

    @property
    def comment(self) -> str:
        """What begins a line comment."""
        ...

    @property
    def editor_mode(self) -> str:
        """The highlighting mode of the code editor."""
        ...

    @property
    def tag(self) -> str:
        """The worker tag of a job that names none."""
        ...

    @property
    def template(self) -> str:
        """The code of a new script."""
        ...

    @property
    def has_lock(self) -> bool:
        """Whether a script has dependencies that are locked when it is deployed."""
        ...

    @property
    def needs(self) -> tuple[str, ...]:
        """The executables without which the language cannot run."""
        ...

    def signature(self, code: str, entrypoint: str = "main") -> Signature:
        """Read the arguments of `entrypoint` without running the code; never raises on bad code."""
        ...

    def lock_plan(self, code: str, folder: Path, tools: Toolchain) -> LockPlan:
        """Write the resolver's input into `folder`; raises RequirementRejected."""
        ...

    def read_lock(self, plan: LockPlan, folder: Path) -> str:
        """The lock that the plan's command left behind, or the plan's own."""
        ...

    def lock_error(self, output: str) -> str:
        """The resolver's own sentence, out of everything that it printed."""
        ...

    def is_installed(self, lock: str, tools: Toolchain) -> bool:
        """Whether a job with this lock can start without an install; raises RequirementRejected for a foreign line."""
        ...

    def install_plan(self, lock: str, folder: Path, tools: Toolchain) -> InstallPlan:
        """Plan the install of `lock` into the cache; raises RequirementRejected for a foreign line."""
        ...

    def finish_install(self, plan: InstallPlan) -> None:
        """Publish a finished install atomically; whoever comes second drops its own copy."""
        ...

    def abandon_install(self, plan: InstallPlan) -> None:
        """Drop what an install left aside; harmless after `finish_install`."""
        ...

    def prepare(
        self,
        folder: Path,
        code: str,
        lock: str,
        args: bytes,
        entrypoint: str,
        schema: dict | None,
        tools: Toolchain,
    ) -> Command:
        """Write the job's files into `folder` and say what to run; `args` is a raw JSON object.

        Raises EntrypointRejected or ArgumentRejected.
        """
        ...

    def warm(self, code: str, lock: str, tools: Toolchain, *, resident: bool = False) -> Warm | None:
        """The warm process that could run this code; None where it must start cold. `resident`: it stays loaded."""
        ...

    def read_result(self, folder: Path, stdout_tail: bytes, exit_code: int) -> Outcome:
        """Judge a finished process; a negative `exit_code` is the signal that ended it."""
        ...


def check_entrypoint(name: str) -> str:
    """The name itself; raises EntrypointRejected unless it is a plain identifier of at most 63 characters."""
    if not ENTRYPOINT.fullmatch(name):
        raise EntrypointRejected(f"The entry point {name!r} is not a plain function name.")
    return name
