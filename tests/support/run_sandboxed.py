"""Run scripts as a worker does, in the real sandbox: in a process of their own, or in one that was started ahead."""

import asyncio
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from support.run_language import SECONDS, Resolution, Run, new_folder
from windlass.languages.base import Command, Language, Toolchain, Warm
from windlass.settings import load
from windlass.tiers import NONE
from windlass.worker.launcher.client import Exit, Launcher, Limits
from windlass.worker.launcher.probe import measure


@dataclass(frozen=True, kw_only=True)
class Sandbox:
    """A launcher with an event loop of its own, for tests without one."""

    loop: asyncio.Runner
    launcher: Launcher
    tools: Toolchain

    def run(
        self,
        language: Language,
        code: str,
        args: Mapping[str, object] | None = None,
        *,
        lock: str = "",
        entrypoint: str = "main",
        variables: Mapping[str, str] | None = None,
        ahead: bool = False,
    ) -> Run:
        """One job; `ahead`: its process is up before the job's files are there, and gets the job by its input."""
        home = new_folder(self.tools)
        folder = home / "job" if ahead else home
        folder.mkdir(exist_ok=True)
        schema, raw = language.signature(code, entrypoint).schema, json.dumps(args or {}).encode()
        command = language.prepare(folder, code, lock, raw, entrypoint, schema, self.tools)
        command = replace(command, env=environment(folder) | dict(variables or {}) | dict(command.env))
        if ahead:
            message = {"argv": command.argv, "env": dict(command.env), "cwd": str(command.cwd)}
            return self._finish(
                language, self._waiting(language, code, lock, home), folder, json.dumps(message).encode()
            )
        return self._finish(language, command, folder, b"")

    def start(self, warm: Warm) -> "Ended":
        """A process that was started ahead and gets no job."""
        return self.loop.run(self._launch(waiting(warm, new_folder(self.tools)), b""))

    def _waiting(self, language: Language, code: str, lock: str, home: Path) -> Command:
        warm = language.warm(code, lock, self.tools)
        assert warm is not None
        return waiting(warm, home)

    def resolve(self, language: Language, code: str) -> Resolution:
        """Resolve a script's packages."""
        folder = new_folder(self.tools)
        plan = language.lock_plan(code, folder, self.tools)
        if plan.command is None:
            return Resolution(lock=language.read_lock(plan, folder), error="")
        ended = self._tool(plan.command)
        if ended.exit_code:
            return Resolution(lock="", error=language.lock_error(ended.stdout + ended.stderr))
        return Resolution(lock=language.read_lock(plan, folder), error="")

    def install(self, language: Language, lock: str) -> Path:
        """Install a lock and return where it is."""
        plan = language.install_plan(lock, new_folder(self.tools), self.tools)
        if plan.command is not None:
            ended = self._tool(plan.command)
            assert ended.exit_code == 0, ended.stdout + ended.stderr
            language.finish_install(plan)
        return plan.target

    def _tool(self, command: Command) -> "Ended":
        env = environment(command.cwd) | dict(load().installer_environment) | dict(command.env)
        return self.loop.run(self._launch(replace(command, env=env), b""))

    def _finish(self, language: Language, command: Command, folder: Path, stdin: bytes) -> Run:
        ended = self.loop.run(self._launch(command, stdin))
        return Run(
            outcome=language.read_result(folder, ended.stdout.encode(), ended.exit_code),
            stdout=ended.stdout,
            stderr=ended.stderr,
            exit_code=ended.exit_code,
            folder=folder,
        )

    async def _launch(self, command: Command, stdin: bytes) -> "Ended":
        running = await self.launcher.launch(command, limits=Limits(), slot=0, stdin=stdin)
        async with asyncio.timeout(SECONDS):
            stdout, stderr, end = await asyncio.gather(running.stdout.read(), running.stderr.read(), running.wait())
        return Ended(stdout=stdout.decode("utf-8", "replace"), stderr=stderr.decode(), exit_code=exit_code(end))


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What a process printed, and its exit code; negative for a signal."""

    stdout: str
    stderr: str
    exit_code: int


def told(command: Command) -> bytes:
    """A command as the line that a waiting process gets."""
    return json.dumps({"argv": command.argv, "env": dict(command.env), "cwd": str(command.cwd)}).encode() + b"\n"


def waiting(warm: Warm, home: Path) -> Command:
    """The command that starts a process ahead."""
    env = {"ONLY_OF_THE_WAITING": "1"} | dict(warm.env)
    return Command(argv=warm.argv, env=env, cwd=home, readable=warm.readable, network=warm.network)


@contextmanager
def sandbox(tools: Toolchain) -> Iterator[Sandbox]:
    """A running launcher, with the best layers that hold on this machine."""
    launcher = Launcher()
    with asyncio.Runner() as loop:
        loop.run(launcher.start())
        measured = loop.run(measure(launcher))
        assert measured.tier != NONE, measured.open
        yield Sandbox(loop=loop, launcher=launcher, tools=tools)
        loop.run(launcher.stop())


def environment(folder: Path) -> dict[str, str]:
    """The base environment of a process in `folder`."""
    (folder / "tmp").mkdir(exist_ok=True)
    return {"PATH": os.defpath, "HOME": str(folder), "TMPDIR": str(folder / "tmp"), "LANG": "C.UTF-8", "TZ": "UTC"}


def exit_code(end: Exit) -> int:
    """The exit code of a process that nothing killed for its limits; the negative signal that ended it."""
    assert end.killed_by is None, end
    return -end.signal if end.signal is not None else end.code or 0
