"""Python scripts: signature from the syntax tree, locks by uv, one process a job; the plug-in is `language`.

A job's process executes `wrapper.py` and `windlass_job/`; the other files read scripts and install packages.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from windlass.languages.base import (
    Command,
    InstallPlan,
    Signature,
    Toolchain,
    Warm,
    WarmMode,
    check_entrypoint,
)
from windlass.languages.python import lock as locks
from windlass.languages.python.interpreter import compile_for, describe
from windlass.languages.python.signature import read_signature, undefined_resource_types
from windlass.languages.shared.header import asks_for_cold, network_of
from windlass.languages.shared.locked import Locked, Locks

HERE = Path(__file__).resolve().parent
WRAPPER = HERE / "wrapper.py"
ZYGOTE = HERE / "zygote.py"
TEMPLATE = '''def main(name: str = "world", times: int = 1):
    """Greet somebody.

    Args:
        name: Who is greeted
        times: How often
    """
    for _ in range(times):
        print(f"Hello, {name}!")
    return {"greeted": name, "times": times}
'''


@dataclass(frozen=True, kw_only=True)
class Python(Locked):
    """Scripts in Python 3, run by the worker's own interpreter."""

    locks: ClassVar[Locks] = locks
    name: str = "python3"
    extension: str = "py"
    comment: str = "#"
    editor_mode: str = "python"
    tag: str = "python3"
    template: str = TEMPLATE
    needs: tuple[str, ...] = ("python3", "uv")

    def signature(self, code: str, entrypoint: str = "main") -> Signature:
        """The arguments of `entrypoint`; see `Language.signature`."""
        return read_signature(code, entrypoint)

    def finish_install(self, plan: InstallPlan) -> None:
        """Publish the install atomically, without what uv leaves in it."""
        locks.tidy(plan)
        super().finish_install(plan)

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
        """Write `script.py`, `args.json` and `job.json`; raises EntrypointRejected."""
        compile_for(tools.python, HERE / "windlass_job")
        sites = locks.site_folders(lock, tools)
        job = {
            "entrypoint": check_entrypoint(entrypoint),
            "file": "script.py",
            "module": "script",
            "path": [*map(str, sites), str(tools.client)],
            "sites": [str(site) for site in sites if any(site.glob("*.pth"))],
            "resources": undefined_resource_types(code),
        }
        (folder / "script.py").write_text(code, encoding="utf-8", errors="replace", newline="")
        (folder / "args.json").write_bytes(args or b"{}")
        (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
        return Command(
            argv=(*_start(tools), str(WRAPPER), str(folder / "job.json")),
            env={},
            cwd=folder,
            readable=_readable(sites, tools),
            network=network_of(code),
        )

    def warm(self, code: str, lock: str, tools: Toolchain, *, resident: bool = False) -> Warm | None:
        """A process that forks for jobs with this lock, or keeps the script loaded."""
        if asks_for_cold(code):
            return None
        sites = locks.site_folders(lock, tools)
        settings = json.dumps({"path": [*map(str, sites), str(tools.client)], "resident": resident})
        return Warm(
            mode=WarmMode.RESIDENT if resident else WarmMode.FORK,
            key=f"{tools.python} {settings} {code if resident else ''}",
            argv=(*_start(tools), str(ZYGOTE), str(WRAPPER), settings),
            readable=_readable(sites, tools),
            network=network_of(code),
        )


def _start(tools: Toolchain) -> tuple[str, ...]:
    return (str(tools.python), "-I", "-S", "-X", "utf8")


def _readable(sites: list[Path], tools: Toolchain) -> tuple[Path, ...]:
    return (HERE, tools.client, *sites, *describe(tools.python).folders)


language = Python()
