"""Run scripts as a worker would: prepare, execute, read the result; without a sandbox, or warm in a real one."""

import asyncio
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from windlass.languages.base import Command, Language, Outcome, Toolchain, Warm
from windlass.settings import load
from windlass.worker import runtimes
from windlass.worker.launcher.client import INTERPRETER, Exit, Launcher, Limits, WarmProcess, can_run_warm

CLIENT = Path(__file__).resolve().parents[2] / "clients" / "python"
RUNTIMES_HOME = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "windlass-tests"
SECONDS = 120


@dataclass(frozen=True, kw_only=True)
class Run:
    """One finished job."""

    outcome: Outcome
    stdout: str
    stderr: str
    exit_code: int
    folder: Path

    @property
    def value(self) -> object:
        """The result of a job that must have succeeded."""
        assert self.outcome.success, self.outcome.result.decode()
        return json.loads(self.outcome.result)

    @property
    def error(self) -> dict:
        """The error of a job that must have failed."""
        assert not self.outcome.success, self.outcome.result.decode()
        return json.loads(self.outcome.result)["error"]


@functools.cache
def provisioned_runtimes() -> Mapping[str, Path]:
    """Bun and Deno, brought from the registry once and kept for later runs."""
    settings = load(home=RUNTIMES_HOME)
    return {name: runtimes.install(name, settings) for name in runtimes.CATALOGUE}


def toolchain(cache: Path) -> Toolchain:
    """This machine's interpreters, and a cache of the test's own."""
    beside = Path(sys.executable).parent / "uv"
    uv = str(beside) if beside.exists() else shutil.which("uv")
    bash = shutil.which("bash")
    assert uv and bash, "these tests need uv and bash"
    return Toolchain(
        python=Path(sys.executable),
        uv=Path(uv),
        cache=cache,
        client=CLIENT,
        bash=Path(bash),
        runtimes=provisioned_runtimes(),
    )


def execute(command: Command, environment: Mapping[str, str]) -> subprocess.CompletedProcess[bytes]:
    """Run a command with its own variables laid over `environment`."""
    return subprocess.run(
        command.argv,
        cwd=command.cwd,
        env={**environment, **command.env},
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=SECONDS,
        check=False,
    )


def run_language(
    language: Language,
    code: str,
    args: Mapping[str, object] | None = None,
    *,
    tools: Toolchain,
    lock: str = "",
    entrypoint: str = "main",
) -> Run:
    """One job in a new folder below the cache."""
    folder = new_folder(tools)
    schema = language.signature(code, entrypoint).schema
    raw = json.dumps(args or {}).encode()
    command = language.prepare(folder, code, lock, raw, entrypoint, schema, tools)
    done = execute(command, {"PATH": os.defpath, "HOME": str(folder)})
    return Run(
        outcome=language.read_result(folder, done.stdout, done.returncode),
        stdout=done.stdout.decode("utf-8", "replace"),
        stderr=done.stderr.decode("utf-8", "replace"),
        exit_code=done.returncode,
        folder=folder,
    )


@dataclass(frozen=True, kw_only=True)
class Warmth:
    """A launcher, and the warm processes that it started for the jobs of tests, by what they have loaded."""

    launcher: Launcher
    processes: dict[str, WarmProcess]

    async def process_for(self, warm: Warm, jobs: Path) -> WarmProcess:
        """The warm process for such jobs, started where none is alive."""
        found = self.processes.get(warm.key)
        if found is None or not found.is_alive:
            folder = Path(tempfile.mkdtemp(prefix="w", dir=jobs))
            slot = 32 + len(self.processes)
            found = await self.launcher.warm(warm, folder=folder, limits=Limits(), slot=slot)
            assert isinstance(found, WarmProcess)
            await found.until_ready()
            self.processes[warm.key] = found
        return found


async def run_sandboxed(
    warmth: Warmth,
    language: Language,
    code: str,
    args: Mapping[str, object] | None = None,
    *,
    tools: Toolchain,
    lock: str = "",
    entrypoint: str = "main",
    variables: Mapping[str, str] | None = None,
) -> Run:
    """One job in the sandbox, in a fork of a warm process unless its code asks for a cold start."""
    tools = replace(tools, python=Path(INTERPRETER[0]))
    warm = language.warm(code, lock, tools)
    process = await warmth.process_for(warm, new_folder(tools).parent) if warm is not None else None
    folder = new_folder(tools) if process is None else Path(tempfile.mkdtemp(dir=process.folder))
    (folder / "tmp").mkdir()
    schema = language.signature(code, entrypoint).schema
    raw = json.dumps(args or {}).encode()
    command = language.prepare(folder, code, lock, raw, entrypoint, schema, tools)
    base = {"PATH": os.defpath, "HOME": str(folder), "TMPDIR": str(folder / "tmp"), "LANG": "C.UTF-8"}
    command = replace(command, env=base | dict(variables or {}) | dict(command.env))
    is_warm = process is not None and can_run_warm(command)
    running = await (process.run(command) if is_warm else warmth.launcher.launch(command, limits=Limits(), slot=0))
    async with asyncio.timeout(SECONDS):
        stdout, stderr, ended = await asyncio.gather(running.stdout.read(), running.stderr.read(), running.wait())
    return Run(
        outcome=language.read_result(folder, stdout, _exit_code(ended)),
        stdout=stdout.decode("utf-8", "replace"),
        stderr=stderr.decode("utf-8", "replace"),
        exit_code=_exit_code(ended),
        folder=folder,
    )


def _exit_code(ended: Exit) -> int:
    assert ended.killed_by is None, ended
    return -ended.signal if ended.signal is not None else ended.code or 0


@dataclass(frozen=True, kw_only=True)
class Resolution:
    """A lock, or the resolver's sentence about why there is none."""

    lock: str
    error: str


def resolve(language: Language, code: str, tools: Toolchain) -> Resolution:
    """Resolve a script's dependencies with this machine's registry settings."""
    folder = new_folder(tools)
    plan = language.lock_plan(code, folder, tools)
    if plan.command is None:
        return Resolution(lock=language.read_lock(plan, folder), error="")
    done = execute(plan.command, os.environ)
    if done.returncode:
        return Resolution(lock="", error=language.lock_error((done.stdout + done.stderr).decode()))
    return Resolution(lock=language.read_lock(plan, folder), error="")


def install(language: Language, lock: str, tools: Toolchain) -> Path:
    """Install a lock and return where it is."""
    plan = language.install_plan(lock, new_folder(tools), tools)
    if plan.command is not None:
        done = execute(plan.command, os.environ)
        assert done.returncode == 0, done.stderr.decode()
        language.finish_install(plan)
    return plan.target


def new_folder(tools: Toolchain) -> Path:
    """An empty job folder."""
    jobs = tools.cache / "jobs"
    jobs.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(dir=jobs))
