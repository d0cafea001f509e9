"""TypeScript run by Bun: packages from npm by `bun install`, one process a job; the plug-in is `language`.

A job's process executes `wrapper.mjs` and `shared/typescript/job`; the other files read scripts and install packages.
"""

from dataclasses import dataclass
from pathlib import Path

from windlass.languages.base import (
    Command,
    InstallPlan,
    LockPlan,
    Outcome,
    RequirementRejected,
    Signature,
    Toolchain,
    Warm,
    WarmMode,
)
from windlass.languages.bun import lock as locks
from windlass.languages.bun.packages import without_versions
from windlass.languages.shared.header import asks_for_cold, network_of
from windlass.languages.shared.installs import abandon, publish
from windlass.languages.shared.result_file import read_result_file
from windlass.languages.shared.typescript.script import JOB_FOLDER, TEMPLATE, write_job
from windlass.languages.shared.typescript.signature import COMMENT, read_signature

HERE = Path(__file__).resolve().parent
WRAPPER = HERE / "wrapper.mjs"


@dataclass(frozen=True, kw_only=True)
class Bun:
    """Scripts for Bun, the default for TypeScript."""

    name: str = "bun"
    extension: str = "ts"
    comment: str = COMMENT
    editor_mode: str = "typescript"
    tag: str = "bun"
    template: str = TEMPLATE
    has_lock: bool = True
    needs: tuple[str, ...] = (locks.RUNTIME,)

    def signature(self, code: str, entrypoint: str = "main") -> Signature:
        """The arguments of `entrypoint`; see `Language.signature`."""
        return read_signature(code, entrypoint)

    def lock_plan(self, code: str, folder: Path, tools: Toolchain) -> LockPlan:
        """Resolve the imports; see `Language.lock_plan`."""
        return locks.plan_lock(code, folder, tools)

    def read_lock(self, plan: LockPlan, folder: Path) -> str:
        """`package.json` and Bun's lock in one text."""
        return locks.read_lock(plan, folder)

    def lock_error(self, output: str) -> str:
        """Bun's own sentences."""
        return locks.explain_failure(output)

    def install_plan(self, lock: str, folder: Path, tools: Toolchain) -> InstallPlan:
        """Install into the shared cache; see `Language.install_plan`."""
        return locks.plan_install(lock, folder, tools)

    def finish_install(self, plan: InstallPlan) -> None:
        """Publish the install atomically."""
        publish(plan)

    def abandon_install(self, plan: InstallPlan) -> None:
        """Drop what a failed install left aside."""
        abandon(plan)

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

    def read_result(self, folder: Path, stdout_tail: bytes, exit_code: int) -> Outcome:
        """`result.json`, judged by the exit code."""
        return read_result_file(folder, exit_code)


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
