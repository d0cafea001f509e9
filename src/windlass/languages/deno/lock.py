"""Resolve a script's remote modules with Deno, and install a lock into the shared cache; used by the plug-in.

A lock is Deno's own, headed by the modules that the script imports. The modules of all locks lie in one store, by
version and never changed; `<cache>/deno/<digest>` holds the lock and tells that all of its modules are there.
"""

import hashlib
import json
import re
from pathlib import Path

from windlass.languages.base import Command, InstallPlan, LockPlan, Network, RequirementRejected, Toolchain
from windlass.languages.shared.installs import aside_of
from windlass.languages.shared.leftovers import read_leftover
from windlass.languages.shared.typescript.imports import imports_of

RUNTIME = "deno"
LOCK = "deno.lock"
MODULES = "modules.ts"
KINDS = ("npm", "remote")
MAX_LOCK_BYTES = 8 * 2**20
# Private authorities live in the system's store.
CERTIFICATES = {"DENO_TLS_CA_STORE": "mozilla,system"}

_MODULE = re.compile(r"(?:npm:/?|jsr:/?|https://)[^\s\"'\\`]{1,500}")
_HEADER = re.compile(r"// (\S+)")
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_NOISE = re.compile(
    r"(?:Download|Initialize|Check|Warning|Dependencies:|Stack backtrace|\+ |\d+: <unknown>|at file://)"
)


def modules_of(code: str) -> list[str]:
    """The remote modules that a script imports; raises RequirementRejected for one that Deno must not load."""
    found = {one.specifier for one in imports_of(code)}
    return sorted(checked(specifier) for specifier in found if is_remote(specifier))


def is_remote(specifier: str) -> bool:
    """Whether a specifier is neither a file nor part of Deno."""
    return bool(re.match(r"[a-z][a-z0-9+.-]*:", specifier)) and not specifier.startswith(("node:", "file:", "data:"))


def checked(module: str) -> str:
    """The module itself; raises RequirementRejected unless it comes from npm, from JSR or by https."""
    if _MODULE.fullmatch(module):
        return module
    raise RequirementRejected(f"{module!r} cannot be imported: Deno takes `npm:`, `jsr:` and `https:` modules.")


def plan_lock(code: str, folder: Path, tools: Toolchain) -> LockPlan:
    """Write a file that imports the same modules, and plan its resolution; none is an empty lock."""
    modules = modules_of(code)
    if not modules:
        return LockPlan(requirements="", lock="")
    write_modules(folder, modules)
    header = "".join(f"// {module}\n" for module in modules)
    return LockPlan(requirements=header, command=cache_command(folder, tools, f"--lock={LOCK}"))


def read_lock(plan: LockPlan, folder: Path) -> str:
    """The plan's modules and Deno's lock of them; raises LeftoverRefused."""
    if plan.lock is not None:
        return plan.lock
    left = read_leftover(folder / LOCK, MAX_LOCK_BYTES).decode("utf-8", "replace")
    return plan.requirements + left.replace(chr(0), chr(0xFFFD))


def explain_failure(output: str) -> str:
    """Deno's sentences without its progress."""
    lines = [line.strip() for line in _COLOUR.sub("", output).splitlines()]
    return "\n".join(line.removeprefix("error: ") for line in lines if line and not _NOISE.match(line))


def plan_install(lock: str, folder: Path, tools: Toolchain) -> InstallPlan:
    """Plan the install of a lock; raises RequirementRejected for one that is none of Deno's."""
    target = lock_folder(lock, tools) or tools.cache / "deno"
    if is_installed(lock, tools):
        return InstallPlan(target=target)
    modules, text = split(lock)
    aside = aside_of(target)
    (aside / LOCK).write_text(text, encoding="utf-8")
    write_modules(folder, modules)
    (folder / LOCK).write_text(text, encoding="utf-8")
    return InstallPlan(target=target, aside=aside, command=cache_command(folder, tools, f"--lock={LOCK}", "--frozen"))


def is_installed(lock: str, tools: Toolchain) -> bool:
    """Whether the lock's modules are there, or it has none; errors as `plan_install` has them."""
    folder = lock_folder(lock, tools)
    if folder is None:
        return True
    split(lock)  # which raises
    return folder.exists()


def split(lock: str) -> tuple[list[str], str]:
    """The modules that a lock is for, and Deno's own text; raises RequirementRejected."""
    lines = lock.splitlines(keepends=True)
    heads = [found[1] for line in lines if (found := _HEADER.fullmatch(line.strip()))]
    text = "".join(line for line in lines if not line.startswith("//"))
    try:
        found = json.loads(text)
        modules = heads or [*found.get("specifiers", {}), *found.get("remote", {})]
    except (ValueError, AttributeError, TypeError) as problem:
        raise RequirementRejected("The lock is none that Deno wrote.") from problem
    return [checked(module) for module in modules], text


def write_modules(folder: Path, modules: list[str]) -> None:
    """A file that imports each module."""
    (folder / MODULES).write_text("".join(f"import {json.dumps(module)};\n" for module in modules), encoding="utf-8")


def installed_at(lock: str, tools: Toolchain) -> Path:
    """Where the modules of a lock live once they are installed."""
    identity = f"{tools.runtime(RUNTIME)}\n{lock}"
    return tools.cache / "deno" / hashlib.sha256(identity.encode()).hexdigest()


def lock_folder(lock: str, tools: Toolchain) -> Path | None:
    """The folder that holds the lock, once its modules are there; None for an empty lock."""
    return installed_at(lock, tools) if lock.strip() else None


def store_of(tools: Toolchain) -> Path:
    """The folder of all modules that were ever installed."""
    return tools.cache / "deno" / "store"


def cache_command(folder: Path, tools: Toolchain, *options: str) -> Command:
    """A `deno cache` of the modules into the store; it executes none of them."""
    program, store = tools.runtime(RUNTIME), store_of(tools)
    for kind in KINDS:
        (store / kind).mkdir(parents=True, exist_ok=True)
    return Command(
        argv=(str(program), "cache", "--no-config", "--node-modules-dir=none", "--allow-import", *options, MODULES),
        env={"DENO_DIR": str(store), "DENO_NO_UPDATE_CHECK": "1", "NO_COLOR": "1", **CERTIFICATES},
        cwd=folder,
        readable=(program.resolve().parent,),
        writable=(store,),
        network=Network.REGISTRY,
        needs_proc=True,
    )
