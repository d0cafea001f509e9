"""TypeScript run by Bun: packages from npm by `bun install`, one process a job; the plug-in is `language`.

A job's process executes `wrapper.mjs` and `shared/typescript/job`; the other files read scripts and install packages.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from windlass.languages.base import (
    Command,
    RequirementRejected,
    Signature,
    Toolchain,
    Warm,
    WarmMode,
)
from windlass.languages.bun import lock as locks
from windlass.languages.bun.packages import without_versions
from windlass.languages.shared.header import asks_for_cold, network_of
from windlass.languages.shared.locked import Locked, Locks
from windlass.languages.shared.typescript.script import JOB_FOLDER, TEMPLATE, write_job
from windlass.languages.shared.typescript.signature import COMMENT, read_signature

HERE = Path(__file__).resolve().parent
WRAPPER = HERE / "wrapper.mjs"


@dataclass(frozen=True, kw_only=True)
class Bun(Locked):
    """Scripts for Bun, the default for TypeScript."""

    locks: ClassVar[Locks] = locks
    name: str = "bun"
    extension: str = "ts"
    comment: str = COMMENT
    editor_mode: str = "typescript"
    tag: str = "bun"
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
        """Write the job's files and link its packages; raises EntrypointRejected or RuntimeMissing."""
        write_job(folder, code, args, entrypoint, schema, runs=as_bun_reads(code))
        packages = locks.packages_folder(lock, tools)
        if packages is not None:
            (folder / "node_modules").symlink_to(packages / "node_modules")
        return Command(
            argv=(*start(tools), str(folder)),
            env={},
            cwd=folder,
            readable=readable(packages, tools),
            network=network_of(code, COMMENT),
            needs_proc=True,
        )

    def warm(self, code: str, lock: str, tools: Toolchain, *, resident: bool = False) -> Warm | None:
        """A process that has Bun and our runner loaded; one for each lock, since its packages must be readable."""
        if asks_for_cold(code, COMMENT) or resident:
            return None
        packages = locks.packages_folder(lock, tools)
        return Warm(
            mode=WarmMode.ONCE,
            key=f"{tools.runtime(locks.RUNTIME)} {packages.name if packages else ''}",
            argv=start(tools),
            readable=readable(packages, tools),
            network=network_of(code, COMMENT),
            needs_proc=True,
        )


def as_bun_reads(code: str) -> str:
    """The code with plain package names; one with an import that Bun refuses is left for Bun to refuse."""
    try:
        return without_versions(code)
    except RequirementRejected:
        return code


def start(tools: Toolchain) -> tuple[str, ...]:
    """The command of a process that runs a job; nothing is installed while it does."""
    return (str(tools.runtime(locks.RUNTIME)), "--no-install", str(WRAPPER))


def readable(packages: Path | None, tools: Toolchain) -> tuple[Path, ...]:
    """What such a process reads beside the job's folder."""
    program = tools.runtime(locks.RUNTIME).resolve().parent
    return (HERE, JOB_FOLDER, program, *((packages,) if packages else ()))


language = Bun()
