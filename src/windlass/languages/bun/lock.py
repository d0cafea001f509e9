"""Resolve a script's packages with Bun, and install a lock into the shared cache; used by the plug-in.

A lock is `package.json`, the line `//bun.lock`, and Bun's own lock. It is installed in `<cache>/bun/<digest>`, where
the digest covers the lock and the program; that is filled aside and renamed, so that whoever sees it sees it whole.
"""

import hashlib
import json
import re
from pathlib import Path

from windlass.languages.base import Command, InstallPlan, LockPlan, Network, RequirementRejected, Toolchain
from windlass.languages.bun.packages import check_name, check_version, dependencies_of
from windlass.languages.shared.installs import aside_of
from windlass.languages.shared.leftovers import read_leftover

RUNTIME = "bun"
MAX_LOCK_BYTES = 8 * 2**20
BORDER = "//bun.lock\n"
NOTHING = "<empty>"

_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_NOISE = re.compile(r"(?:bun install v|Resolving|Resolved|Saved lockfile|\[\d)")


def plan_lock(code: str, folder: Path, tools: Toolchain) -> LockPlan:
    """Write `package.json` and plan the resolution; nothing to resolve is an empty lock."""
    found = dependencies_of(code)
    if not found:
        return LockPlan(requirements="", lock="")
    text = json.dumps({"dependencies": found}, indent=2) + "\n"
    (folder / "package.json").write_text(text, encoding="utf-8")
    return LockPlan(requirements=text, command=install_command(folder, tools, folder, "--lockfile-only"))


def read_lock(plan: LockPlan, folder: Path) -> str:
    """The plan's `package.json` and what Bun made of it; raises LeftoverRefused."""
    if plan.lock is not None:
        return plan.lock
    left = read_leftover(folder / "bun.lock", MAX_LOCK_BYTES).decode("utf-8", "replace")
    return f"{plan.requirements}{BORDER}{left.replace(chr(0), chr(0xFFFD))}"


def explain_failure(output: str) -> str:
    """Bun's sentences without its progress."""
    lines = [line.strip() for line in _COLOUR.sub("", output).splitlines()]
    return "\n".join(line.removeprefix("error: ") for line in lines if line and not _NOISE.match(line))


def plan_install(lock: str, folder: Path, tools: Toolchain) -> InstallPlan:
    """Plan the install of a lock; raises RequirementRejected for one that asks for more than npm packages."""
    target = packages_folder(lock, tools) or tools.cache / "bun"
    if is_installed(lock, tools):
        return InstallPlan(target=target)
    manifest, packages = split(lock)
    aside = aside_of(target)
    (aside / "package.json").write_text(manifest, encoding="utf-8")
    (aside / "bun.lock").write_text(packages, encoding="utf-8")
    options = ("--frozen-lockfile", "--linker", "hoisted", "--backend", "copyfile")
    return InstallPlan(target=target, aside=aside, command=install_command(folder, tools, aside, *options))


def is_installed(lock: str, tools: Toolchain) -> bool:
    """Whether the lock's packages are there, or it has none; errors as `plan_install` has them."""
    folder = packages_folder(lock, tools)
    return folder is None or folder.exists()


def split(lock: str) -> tuple[str, str]:
    """A checked `package.json` and Bun's lock, both empty without packages; raises RequirementRejected."""
    manifest, _, packages = lock.partition(BORDER)
    if not packages.strip() or packages.strip() == NOTHING:
        return "", ""
    return checked(manifest), packages


def checked(manifest: str) -> str:
    """The `package.json` with its dependencies alone; raises RequirementRejected unless they are packages of npm."""
    try:
        found = json.loads(manifest)["dependencies"]
        kept = {check_name(name): check_version(name, version) for name, version in found.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise RequirementRejected("The lock does not begin with a package.json that lists `dependencies`.") from problem
    return json.dumps({"dependencies": kept})


def installed_at(lock: str, tools: Toolchain) -> Path:
    """Where the packages of a lock live once they are installed."""
    identity = f"{tools.runtime(RUNTIME)}\n{lock}"
    return tools.cache / "bun" / hashlib.sha256(identity.encode()).hexdigest()


def packages_folder(lock: str, tools: Toolchain) -> Path | None:
    """The folder that holds `node_modules` for a job with this lock; None for a lock without packages."""
    return installed_at(lock, tools) if split(lock)[1] else None


def install_command(folder: Path, tools: Toolchain, where: Path, *options: str) -> Command:
    """A `bun install` in `where` that runs no package's scripts and may reach the registry."""
    program, cache = tools.runtime(RUNTIME), tools.cache / "bun" / "downloads"
    cache.mkdir(parents=True, exist_ok=True)
    fixed = ("install", "--cwd", str(where), "--ignore-scripts", "--no-progress", "--no-summary")
    return Command(
        argv=(str(program), *fixed, *options),
        env={"BUN_INSTALL_CACHE_DIR": str(cache), "NO_COLOR": "1"},
        cwd=folder,
        readable=(program.resolve().parent,),
        writable=(cache,) if where == folder else (cache, where),
        network=Network.REGISTRY,
        needs_proc=True,
    )
