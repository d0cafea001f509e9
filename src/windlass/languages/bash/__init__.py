"""Bash scripts: arguments by position and by environment, the result from a file or the output's end.

The plug-in is `language`; `signature` reads the arguments, `arguments` hands them over, `results` finds the
result.
"""

from dataclasses import dataclass
from pathlib import Path

from windlass.languages.base import (
    Command,
    InstallPlan,
    LockPlan,
    Outcome,
    Signature,
    Toolchain,
    Warm,
    check_entrypoint,
)
from windlass.languages.bash.arguments import environment, positional_file
from windlass.languages.bash.results import find_result
from windlass.languages.bash.signature import read_parameters, read_signature
from windlass.languages.shared.header import network_of
from windlass.languages.shared.leftovers import LeftoverRefused
from windlass.languages.shared.outcomes import failed

# Arguments may be secrets and may be long: they come from a file, since a command line is visible to other
# processes and limited in length. `$0` and BASH_SOURCE agree, as they do for a script that is executed.
RUNNER = (
    "mapfile -d '' -t WINDLASS_POSITIONAL < ./positional; "
    'set -- "${WINDLASS_POSITIONAL[@]}"; unset WINDLASS_POSITIONAL; source ./main.sh'
)
TEMPLATE = """# Arguments are strings, in the order of their numbers.
name="${1:-world}"

echo "Hello, $name!"

# The last line, or a JSON object or array at the end, is the result.
echo "{\\"greeted\\": \\"$name\\"}"
"""


@dataclass(frozen=True, kw_only=True)
class Bash:
    """Scripts for bash 4.4 or newer."""

    name: str = "bash"
    extension: str = "sh"
    comment: str = "#"
    editor_mode: str = "shell"
    tag: str = "bash"
    template: str = TEMPLATE
    has_lock: bool = False
    needs: tuple[str, ...] = ("bash",)

    def signature(self, code: str, entrypoint: str = "main") -> Signature:
        """The declared arguments; a bash script is its own entry point."""
        return read_signature(code)

    def lock_plan(self, code: str, folder: Path, tools: Toolchain) -> LockPlan:
        """Nothing to resolve."""
        return LockPlan(requirements="", lock="")

    def read_lock(self, plan: LockPlan, folder: Path) -> str:
        """Always empty."""
        return plan.lock or ""

    def lock_error(self, output: str) -> str:
        """The output itself: there is no resolver."""
        return output.strip()

    def is_installed(self, lock: str, tools: Toolchain) -> bool:
        """Nothing ever is to be installed."""
        return True

    def install_plan(self, lock: str, folder: Path, tools: Toolchain) -> InstallPlan:
        """Nothing to install."""
        return InstallPlan(target=tools.cache / "bash")

    def finish_install(self, plan: InstallPlan) -> None:
        """Nothing was installed."""

    def abandon_install(self, plan: InstallPlan) -> None:
        """Nothing was installed."""

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
        """Write `main.sh`, `args.json` and the positional arguments; raises ArgumentRejected."""
        check_entrypoint(entrypoint)
        parameters = read_parameters(code)
        (folder / "main.sh").write_text(code.replace("\r\n", "\n"), "utf-8", "replace", newline="")
        (folder / "args.json").write_bytes(args or b"{}")
        (folder / "positional").write_bytes(positional_file(parameters, schema, args))
        return Command(
            argv=(str(tools.bash), "-c", RUNNER, "./main.sh"),
            env=environment(parameters, schema, args),
            cwd=folder,
            readable=(tools.bash.resolve().parent,),
            network=network_of(code),
        )

    def warm(self, code: str, lock: str, tools: Toolchain, *, resident: bool = False) -> Warm | None:
        """None: always cold."""
        return None

    def read_result(self, folder: Path, stdout_tail: bytes, exit_code: int) -> Outcome:
        """`result.json`, `result.out`, or the end of the output; every exit code but 0 is a failure."""
        try:
            return find_result(folder, stdout_tail, exit_code)
        except LeftoverRefused as refusal:
            return failed("ResultRefused", str(refusal))


language = Bash()
