"""`windlass worker`: one worker process with its sandbox."""

import asyncio
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from windlass import tiers
from windlass.commands import databases
from windlass.db.listen import Listener
from windlass.db.pool import Database, Line
from windlass.jobs.model import DEPENDENCY_TAG
from windlass.jobs.workers import WorkerInfo
from windlass.languages import registry as languages
from windlass.processes import deny_tracing
from windlass.settings import Settings
from windlass.telemetry import get_logger
from windlass.worker import heart
from windlass.worker.execute import Executor, limits_of
from windlass.worker.heart import Heart
from windlass.worker.launcher.client import Launcher
from windlass.worker.launcher.probe import Probe, find_open, measure
from windlass.worker.loop import CHANNELS, Worker
from windlass.worker.source import SqlSource
from windlass.worker.toolchain import toolchain
from windlass.worker.zygotes import END_OF_NUMBERS, Zygotes

log = get_logger("windlass")
EXIT_REFUSED = 78
MEASURED_EVERY_S = 3600.0
PATIENCE = 0.7
"""The part of a lease after which a worker that could not renew it ends its jobs; the rest is for a busy machine."""


async def run(settings: Settings) -> int:
    """One worker process."""
    deny_tracing()
    if settings.run_update_ca_certificate_at_start:
        await _refresh_certificates(settings.run_update_ca_certificate_path)
    (settings.home / "jobs").mkdir(parents=True, exist_ok=True)
    (settings.home / "cache").mkdir(parents=True, exist_ok=True)
    launcher = Launcher(
        ladder=settings.sandbox_tiers,
        registries=settings.registries,
        upstream=settings.upstream_proxy,
        accept_unsandboxed=settings.accepts_no_sandbox,
    )
    await launcher.start()
    try:
        measured = await measure(
            launcher, folder=settings.home / "jobs", has_own_kernel=settings.sandbox_tier_s is not None
        )
        for tier, reasons in measured.passed_over.items():
            log.info("sandbox tier is not to be had here", tier=tier, reasons="; ".join(reasons))
        if not _may_start(settings, measured):
            return EXIT_REFUSED
        database = databases.make_database(settings, databases.WORKER_POOL)
        await database.open()
        worker = await make_worker(settings, database, launcher, measured.tier)
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, worker.stop)
        loop.add_signal_handler(signal.SIGINT, worker.interrupt)
        watch = asyncio.create_task(watch_sandbox(launcher, settings.home / "jobs", stop=worker.stop))
        await worker.run()
        watch.cancel()
        await database.close()
        return 0
    finally:
        await launcher.stop()


async def watch_sandbox(
    launcher: Launcher, folder: Path, *, stop: Callable[[], None], every: float = MEASURED_EVERY_S
) -> None:
    """Measure the sandbox again every so many seconds, and end the worker when it no longer holds; a worker that starts
    anew looks for a tier that does."""
    while not launcher.accept_unsandboxed:
        await asyncio.sleep(every)
        try:
            holes = await find_open(launcher, slot=END_OF_NUMBERS, folder=folder)
        except (OSError, TimeoutError) as error:
            holes = [f"it cannot be measured: {error}"]
        if holes:
            log.error("the sandbox no longer holds", tier=launcher.tier, holes=holes)
            return stop()
    return None


async def _refresh_certificates(program: Path) -> None:
    """Take up a private certificate authority; without success the worker starts all the same, and says so."""
    try:
        refresh = await asyncio.create_subprocess_exec(program, stdout=asyncio.subprocess.DEVNULL)
        code = await refresh.wait()
    except OSError as error:
        log.warning("certificates were not refreshed", program=str(program), reason=str(error))
    else:
        if code != 0:
            log.warning("certificates were not refreshed", program=str(program), exit_code=code)


async def make_worker(settings: Settings, database: Database, launcher: Launcher, tier: str) -> Worker:
    """A worker of this process, ready to run."""
    name = f"wk-{settings.worker_group}-{socket.gethostname()}-{uuid4().hex[:8]}"
    info = WorkerInfo(name=name, instance=socket.gethostname(), group=settings.worker_group,
                      tags=settings.worker_tags or (*languages.names(), DEPENDENCY_TAG), slots=settings.worker_slots,
                      tier=tier, policy=launcher.policy_hash)  # fmt: skip
    source = SqlSource(database, info, max_attempts=settings.max_attempts, is_batching=settings.settle_batch)
    await source.open()
    zygotes = Zygotes(launcher=launcher, folder=settings.home / "jobs", limits=limits_of(settings),
                      slots=settings.worker_slots, budget_bytes=settings.zygote_memory_bytes,
                      idle_seconds=settings.zygote_idle_seconds)  # fmt: skip
    executor = Executor(settings=settings, database=database, source=source, launcher=launcher,
                        tools=toolchain(settings), zygotes=zygotes)  # fmt: skip
    return Worker(settings=settings, source=source, executor=executor, listener=Listener(database, CHANNELS),
                  heart=make_heart(settings, database, launcher.sever))  # fmt: skip


def make_heart(settings: Settings, database: Database, sever: Callable[[], None]) -> Heart:
    """The heartbeats of a worker: leases end well before the reaper takes their jobs."""
    line = Line(database, timeout=settings.heartbeat_interval, session=heart.SESSION)
    return Heart(
        line, interval=settings.heartbeat_interval, patience=PATIENCE * settings.zombie_job_timeout, sever=sever
    )


def _may_start(settings: Settings, measured: Probe) -> bool:
    if measured.tier == tiers.NONE and not _may_go_on(settings, measured.open):
        return False
    if tiers.rank(measured.tier) >= tiers.rank(settings.min_sandbox_tier):
        return True
    wanted = f"MIN_SANDBOX_TIER={settings.min_sandbox_tier}"
    print(f"windlass worker: SANDBOX REFUSED: tier {measured.tier} is below {wanted}", file=sys.stderr)
    return False


def _may_go_on(settings: Settings, holes: list[str]) -> bool:
    """Whether a worker may run jobs although the sandbox leaks; says so loudly either way."""
    if settings.accepts_no_sandbox:
        log.warning("JOBS RUN WITHOUT A SANDBOX: any script can read and change what this user can", holes=holes)
        return True
    print(f"windlass worker: SANDBOX REFUSED: {', '.join(holes)}\n"
          "hint: run `windlass doctor`; WM_UNSANDBOXED=i-accept starts without a sandbox", file=sys.stderr)  # fmt: skip
    return False
