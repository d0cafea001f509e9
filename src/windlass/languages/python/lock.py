"""Resolve a script's requirements with uv, and install a lock into the shared cache; used by the plug-in.

An installed lock lives in `<cache>/python/<digest>`, where the digest covers the lock and the interpreter; it
is filled aside and renamed, so that whoever sees it sees it whole.
"""

import hashlib
import re
from pathlib import Path

from windlass.languages.base import Command, InstallPlan, LockPlan, Network, Toolchain
from windlass.languages.python.interpreter import describe
from windlass.languages.python.requirements import checked, requirements_of
from windlass.languages.shared.installs import aside_of
from windlass.languages.shared.leftovers import read_leftover

MAX_LOCK_BYTES = 8 * 2**20

_HASH = re.compile(r"\s--hash=sha256:[0-9a-f]{64}(?=\s|$)")
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_TREE = re.compile(r"^[\s×╰├─▶│╭╮╯┬┴┼]+")
_NEW_SENTENCE = re.compile(r"\s*(?:[×├╰╭]|(?:error|cause|hint):)")
_LABEL = re.compile(r"(?:error|cause): ")
_NOISE = re.compile(
    r"(?:Using |Resolved |Downloading |Building |Built |Creating |Updating |Updated |warning: |DEBUG |TRACE )"
)


def plan_lock(code: str, folder: Path, tools: Toolchain) -> LockPlan:
    """Write `requirements.in` and plan the resolution; nothing to resolve is an empty lock."""
    lines = requirements_of(code)
    if not lines:
        return LockPlan(requirements="", lock="")
    text = f"# py: {describe(tools.python).version}\n" + "".join(f"{line}\n" for line in lines)
    (folder / "requirements.in").write_text(text, encoding="utf-8")
    options = ("--generate-hashes", "--no-header", "--no-annotate", "--no-emit-index-url")
    argv = (*uv(tools, "compile"), *options, "--output-file", "lock.txt", "requirements.in")
    return LockPlan(requirements=text, command=resolver_command(argv, folder, tools))


def read_lock(plan: LockPlan, folder: Path) -> str:
    """The plan's lock text, headed by the Python version it was made for; raises LeftoverRefused."""
    if plan.lock is not None:
        return plan.lock
    header, _, _ = plan.requirements.partition("\n")
    left = read_leftover(folder / "lock.txt", MAX_LOCK_BYTES).decode("utf-8", "replace")
    return f"{header}\n{left.replace(chr(0), chr(0xFFFD))}"


def explain_failure(output: str) -> str:
    """The resolver's sentences, one on a line, without its drawing, its labels and its progress."""
    sentences: list[str] = []
    for line in _COLOUR.sub("", output).splitlines():
        text = _TREE.sub("", line).strip()
        if not text or _NOISE.match(text):
            continue
        if not sentences or _NEW_SENTENCE.match(line):
            sentences.append(_LABEL.sub("", text))
        else:
            sentences[-1] += f" {text}"
    return "\n".join(sentences)


def plan_install(lock: str, folder: Path, tools: Toolchain) -> InstallPlan:
    """Plan the install of a lock; raises RequirementRejected for a line that is no pinned package."""
    lines = lock_lines(lock)
    target = installed_at(lock, tools)
    if is_installed(lock, tools):
        return InstallPlan(target=target)
    aside = aside_of(target)
    (folder / "lock.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    hashes = ("--require-hashes",) if all(_HASH.search(line) for line in lines) else ()
    options = ("--no-deps", "--compile-bytecode", "--link-mode", "copy", *hashes)
    argv = (*uv(tools, "install"), *options, "--target", str(aside), "--requirements", "lock.txt")
    return InstallPlan(target=target, aside=aside, command=resolver_command(argv, folder, tools, aside))


def tidy(plan: InstallPlan) -> None:
    """Remove the lock file that uv leaves behind, writable by everybody."""
    if plan.aside is not None:
        (plan.aside / ".lock").unlink(missing_ok=True)


def is_installed(lock: str, tools: Toolchain) -> bool:
    """Whether the lock's packages are there, or it has none; errors as `plan_install` has them."""
    return not lock_lines(lock) or installed_at(lock, tools).exists()


def installed_at(lock: str, tools: Toolchain) -> Path:
    """Where the packages of a lock live once they are installed."""
    identity = "\n".join([describe(tools.python).identity, *lock_lines(lock)])
    return tools.cache / "python" / hashlib.sha256(identity.encode()).hexdigest()


def site_folders(lock: str, tools: Toolchain) -> list[Path]:
    """The folders that a job with this lock imports from; none for a lock without packages."""
    return [installed_at(lock, tools)] if lock_lines(lock) else []


def lock_lines(lock: str) -> list[str]:
    """One line for each package, its hashes included; raises RequirementRejected for anything else."""
    joined = re.sub(r"\\\r?\n", " ", lock)
    lines = [re.sub(r"(?:^|\s)#.*", "", line).strip() for line in joined.splitlines()]
    return [checked_lock_line(" ".join(line.split())) for line in lines if line]


def checked_lock_line(line: str) -> str:
    """The line itself; raises RequirementRejected unless it is a requirement and its hashes."""
    checked(_HASH.sub("", line).strip())
    return line


def uv(tools: Toolchain, verb: str) -> tuple[str, ...]:
    """How both uv commands begin."""
    return (
        str(tools.uv),
        "pip",
        verb,
        "--quiet",
        "--no-progress",
        "--color",
        "never",
        "--python",
        str(tools.python),
    )


def resolver_command(argv: tuple[str, ...], folder: Path, tools: Toolchain, *writable: Path) -> Command:
    """A uv process that may reach registries and the shared download cache."""
    cache = tools.cache / "uv"
    cache.mkdir(parents=True, exist_ok=True)
    return Command(
        argv=argv,
        env={"UV_CACHE_DIR": str(cache), "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1"},
        cwd=folder,
        readable=(tools.uv.resolve().parent, *describe(tools.python).folders),
        writable=(cache, *writable),
        network=Network.REGISTRY,
    )
