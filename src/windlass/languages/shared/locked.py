"""What the plug-ins have in common whose packages are locked and then installed in one folder per lock."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

from windlass.languages.base import InstallPlan, LockPlan, Outcome, Toolchain
from windlass.languages.shared.installs import abandon, publish
from windlass.languages.shared.result_file import read_result_file


class Locks(Protocol):
    """The module `lock` of such a plug-in."""

    def plan_lock(self, code: str, folder: Path, tools: Toolchain) -> LockPlan:
        """See `Language.lock_plan`."""
        ...

    def read_lock(self, plan: LockPlan, folder: Path) -> str:
        """See `Language.read_lock`."""
        ...

    def explain_failure(self, output: str) -> str:
        """See `Language.lock_error`."""
        ...

    def is_installed(self, lock: str, tools: Toolchain) -> bool:
        """See `Language.is_installed`."""
        ...

    def plan_install(self, lock: str, folder: Path, tools: Toolchain) -> InstallPlan:
        """See `Language.install_plan`."""
        ...


@dataclass(frozen=True, kw_only=True)
class Locked:
    """The part of a plug-in that is about packages and the result file; `locks` is the plug-in's own module."""

    locks: ClassVar[Locks]
    has_lock: bool = True

    def lock_plan(self, code: str, folder: Path, tools: Toolchain) -> LockPlan:
        """Resolve what the code asks for; see `Language.lock_plan`."""
        return self.locks.plan_lock(code, folder, tools)

    def read_lock(self, plan: LockPlan, folder: Path) -> str:
        """The lock in one text."""
        return self.locks.read_lock(plan, folder)

    def lock_error(self, output: str) -> str:
        """The resolver's own sentences."""
        return self.locks.explain_failure(output)

    def is_installed(self, lock: str, tools: Toolchain) -> bool:
        """Whether the lock's folder is there, or none is needed."""
        return self.locks.is_installed(lock, tools)

    def install_plan(self, lock: str, folder: Path, tools: Toolchain) -> InstallPlan:
        """Install into the shared cache; see `Language.install_plan`."""
        return self.locks.plan_install(lock, folder, tools)

    def finish_install(self, plan: InstallPlan) -> None:
        """Publish the install atomically."""
        publish(plan)

    def abandon_install(self, plan: InstallPlan) -> None:
        """Drop what a failed install left aside."""
        abandon(plan)

    def read_result(self, folder: Path, stdout_tail: bytes, exit_code: int) -> Outcome:
        """`result.json`, judged by the exit code; a process that left none failed unless it exited with 0."""
        return read_result_file(folder, exit_code)
