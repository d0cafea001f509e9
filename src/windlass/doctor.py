"""`windlass doctor`: is this machine fit? Each failure comes with the command that fixes it. Exit code 0 or 1."""

import asyncio
import re
import shutil
import subprocess
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import urlopen

from windlass.db import embedded
from windlass.db.migrate import MINIMUM_VERSION
from windlass.db.pool import GONE, connect
from windlass.errors import HomeInUse, WindlassError
from windlass.languages import registry as languages
from windlass.settings import Settings
from windlass.worker import runtimes
from windlass.worker.launcher.client import Launcher
from windlass.worker.launcher.probe import measure
from windlass.worker.toolchain import toolchain

TIMEOUT_S = 10
OLDEST_PYTHON = (3, 11)
PYTHON_FIX = "set PYTHON_PATH to a Python 3.11 or newer"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one check found; `fix` is a command or a sentence for a person."""

    name: str
    ok: bool
    detail: str
    fix: str = ""


async def examine(settings: Settings) -> int:
    """Run every check and print a line for each; 1 when one failed."""
    findings = [await check(settings) for check in CHECKS]
    for finding in findings:
        print(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.name:<10} {finding.detail}")
        if not finding.ok:
            print(f"      fix: {finding.fix}")
    return 0 if all(finding.ok for finding in findings) else 1


async def check_database(settings: Settings) -> Finding:
    """Does PostgreSQL answer, and is it new enough?"""
    if settings.database_url is None:
        return await _check_embedded(settings)
    try:
        connection = await connect(settings.database_url, role=None)
        version = connection.get_server_version().major * 10_000
        await connection.close()
    except GONE as error:
        return Finding(name="database", ok=False, detail=f"DATABASE_URL does not answer: {error}",
                       fix='pg_isready -d "$DATABASE_URL"')  # fmt: skip
    return Finding(name="database", ok=version >= MINIMUM_VERSION, detail=f"PostgreSQL {version // 10_000} answers",
                   fix="use PostgreSQL 14 or newer")  # fmt: skip


async def _check_embedded(settings: Settings) -> Finding:
    if not (settings.home / "postgres").exists():
        return Finding(name="database", ok=True, detail="embedded PostgreSQL, made at the first start")
    try:
        server = await embedded.start(settings.home)
        await server.stop()
    except HomeInUse:
        return Finding(name="database", ok=True, detail="embedded PostgreSQL is in use by a running windlass")
    except WindlassError as error:
        return Finding(name="database", ok=False, detail=str(error), fix=f"tail {settings.home}/logs/postgres.log")
    return Finding(name="database", ok=True, detail="embedded PostgreSQL starts")


async def check_runtimes(settings: Settings) -> Finding:
    """Are the executables that the languages need there?"""
    tools = toolchain(settings)
    missing = [str(tool) for tool in (tools.python, tools.uv, tools.bash) if not Path(tool).exists()]
    for name in languages.names():
        missing += [
            tool for tool in languages.get(name).needs if not _provided(tool, settings) and shutil.which(tool) is None
        ]
    if missing:
        fixes = sorted({_fix_of(Path(name).name) for name in missing})
        return Finding(name="runtimes", ok=False, detail=f"missing: {', '.join(sorted(set(missing)))}",
                       fix="; ".join(fixes))  # fmt: skip
    version = await asyncio.to_thread(
        subprocess.run, [tools.python, "--version"], capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    known = ", ".join(languages.names())
    return Finding(name="runtimes", ok=_is_new_enough(version.stdout), detail=f"{version.stdout.strip()}; {known}",
                   fix=PYTHON_FIX)  # fmt: skip


def _fix_of(missing: str) -> str:
    if missing.startswith("python"):
        return PYTHON_FIX
    if missing in runtimes.CATALOGUE:
        return f"windlass runtimes install {missing}"
    return "pip install uv" if missing == "uv" else f"apt-get install {missing}"


def _is_new_enough(answer: str) -> bool:
    found = re.match(r"Python (\d+)\.(\d+)", answer)
    return found is not None and (int(found[1]), int(found[2])) >= OLDEST_PYTHON


def _provided(tool: str, settings: Settings) -> bool:
    tools = toolchain(settings)
    if tool in runtimes.CATALOGUE:
        return tools.runtimes[tool].exists() if tool in tools.runtimes else settings.runtimes_on_first_use
    return tool in {"python", "python3", tools.python.name, "uv", "bash"}


async def check_sandbox(settings: Settings) -> Finding:
    """What does the sandbox really close here?"""
    launcher = Launcher(ladder=settings.sandbox_tiers, accept_unsandboxed=True)
    await launcher.start()
    try:
        with tempfile.TemporaryDirectory(prefix="windlass-doctor-") as folder:
            Path(folder).chmod(0o711)
            probe = await measure(launcher, folder=Path(folder))
    finally:
        await launcher.stop()
    stopped = f"tier {probe.tier}: {len(probe.closed)} attempts stopped"
    return Finding(
        name="sandbox", ok=probe.tier != "0", detail=f"open: {', '.join(probe.open)}" if probe.open else stopped,
        fix="use a kernel with Landlock (Linux 6.12 or newer, or root), see docs/operations/sandbox.md",
    )  # fmt: skip


async def check_base_url(settings: Settings) -> Finding:
    """Does the public URL lead to a Windlass?"""
    parts = urlsplit(settings.public_url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return Finding(name="base URL", ok=False, detail=f"{settings.public_url} is no http(s) URL",
                       fix="export BASE_URL=https://windlass.example.com")  # fmt: skip
    try:
        answer, is_ours = await asyncio.to_thread(_ask_version, settings.public_url)
    except OSError as error:
        detail = f"{settings.public_url} does not answer now ({error}); start Windlass to check it"
        return Finding(name="base URL", ok=True, detail=detail)
    return Finding(name="base URL", ok=is_ours, detail=f"{settings.public_url} answers {answer[:40]!r}",
                   fix="something else answers there: export BASE_URL=<the address that people use>")  # fmt: skip


def _ask_version(url: str) -> tuple[str, bool]:
    """The answer, and whether a Windlass gave it. Raises OSError when nobody answers."""
    try:
        with urlopen(f"{url}/api/version", timeout=3) as response:  # noqa: S310 - the scheme was checked
            return response.read(200).decode("utf-8", "replace"), "X-Windlass-Version" in response.headers
    except HTTPError as error:
        return f"{error.code} {error.reason}", False


async def check_disk(settings: Settings) -> Finding:
    """Is there room below home?"""
    folder = settings.home
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free // (1024 * 1024)
    enough = free >= settings.min_free_disk_space_mb
    return Finding(name="disk", ok=enough, detail=f"{free} MiB free below {settings.home}",
                   fix=f"free space, or move the state: --home /path (du -sh {settings.home}/*)")  # fmt: skip


CHECKS: tuple[Callable[[Settings], Awaitable[Finding]], ...] = (
    check_database,
    check_runtimes,
    check_sandbox,
    check_base_url,
    check_disk,
)
