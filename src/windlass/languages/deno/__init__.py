"""TypeScript run by Deno: modules from npm, JSR and by https, one process a job; the plug-in is `language`.

A job's process executes `wrapper.mjs` and `shared/typescript/job`; the other files read scripts and install modules.
Deno's own permissions are all given: the sandbox around the process decides.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from windlass.languages.base import (
    Command,
    Signature,
    Toolchain,
    Warm,
    WarmMode,
)
from windlass.languages.deno import lock as locks
from windlass.languages.shared.header import asks_for_cold, network_of
from windlass.languages.shared.locked import Locked, Locks
from windlass.languages.shared.typescript.script import JOB_FOLDER, TEMPLATE, write_job
from windlass.languages.shared.typescript.signature import COMMENT, read_signature

HERE = Path(__file__).resolve().parent
WRAPPER = HERE / "wrapper.mjs"
# Deno writes notes beside its modules even when it only runs, so each process has a folder for them, and the store is
# linked into it before Deno starts, which is when it looks where its modules really are.
NOTES = "deno"
ENVIRONMENT = {"DENO_DIR": NOTES, "DENO_NO_UPDATE_CHECK": "1", "NO_COLOR": "1", **locks.CERTIFICATES}
LINKER = f'mkdir {NOTES} && ln -s "$1" "$2" {NOTES}/ && shift 2 && exec "$@"'
OPTIONS = ("--allow-all", "--no-prompt", "--no-config", "--cached-only", "--no-code-cache", "--node-modules-dir=none")


@dataclass(frozen=True, kw_only=True)
class Deno(Locked):
    """Scripts for Deno."""

    locks: ClassVar[Locks] = locks
    name: str = "deno"
    extension: str = "ts"
    comment: str = COMMENT
    editor_mode: str = "typescript"
    tag: str = "deno"
    template: str = TEMPLATE
    needs: tuple[str, ...] = (locks.RUNTIME,)

    def signature(self, code: str, entrypoint: str = "main") -> Signature:
        """The arguments of `entrypoint`; see `Language.signature`."""
        return read_signature(code, entrypoint)

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
        """Write the job's files; raises EntrypointRejected or RuntimeMissing."""
        write_job(folder, code, args, entrypoint, schema, runs=code)
        lock_folder = locks.lock_folder(lock, tools)
        if lock_folder is not None:
            link_modules(folder, tools)
        return Command(
            argv=(*start(lock_folder, tools), str(folder)),
            env=ENVIRONMENT,
            cwd=folder,
            readable=readable(lock_folder, tools),
            network=network_of(code, COMMENT),
            needs_proc=True,
        )

    def warm(self, code: str, lock: str, tools: Toolchain, *, resident: bool = False) -> Warm | None:
        """A process that has Deno, our runner and the lock loaded."""
        if asks_for_cold(code, COMMENT) or resident:
            return None
        lock_folder = locks.lock_folder(lock, tools)
        return Warm(
            mode=WarmMode.ONCE,
            key=f"{tools.runtime(locks.RUNTIME)} {lock_folder.name if lock_folder else ''}",
            argv=(*linked(tools), *start(lock_folder, tools)) if lock_folder else start(None, tools),
            env=ENVIRONMENT,
            readable=readable(lock_folder, tools),
            network=network_of(code, COMMENT),
            needs_proc=True,
        )


def start(lock_folder: Path | None, tools: Toolchain) -> tuple[str, ...]:
    """The command of a process that runs a job; nothing is downloaded while it does."""
    lock = ("--frozen", f"--lock={lock_folder / locks.LOCK}") if lock_folder else ("--no-lock",)
    return (str(tools.runtime(locks.RUNTIME)), "run", *OPTIONS, *lock, str(WRAPPER))


def link_modules(folder: Path, tools: Toolchain) -> None:
    """Link the store into a job's folder."""
    (folder / NOTES).mkdir()
    for kind in locks.KINDS:
        (folder / NOTES / kind).symlink_to(locks.store_of(tools) / kind)


def linked(tools: Toolchain) -> tuple[str, ...]:
    """What to put before a command that starts in an empty folder, to have the store linked into that."""
    kinds = (str(locks.store_of(tools) / kind) for kind in locks.KINDS)
    return (str(tools.bash), "-c", LINKER, "deno", *kinds)


def readable(lock_folder: Path | None, tools: Toolchain) -> tuple[Path, ...]:
    """What such a process reads beside the job's folder."""
    program = tools.runtime(locks.RUNTIME).resolve().parent
    return (HERE, JOB_FOLDER, program, *((lock_folder, locks.store_of(tools)) if lock_folder else ()))


language = Deno()
