"""One job from claim to outcome: open folder -> interpolate -> prepare -> run -> read result -> judge.

Each step is short; a step that cannot go on raises `JobFault`, which is the job's failure and not the worker's. Nothing
of the user's runs outside the launcher, in any phase.
"""

import asyncio
import errno
import hashlib
import itertools
import os
import shutil
import signal
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from windlass.auth.tokens import JobClaim, sign_job
from windlass.db.pool import Database
from windlass.errors import WindlassError
from windlass.jobs import failures
from windlass.jobs.model import ClaimedJob, Completion, JobKind, LogChunk, Status
from windlass.jobs.pull import CancelRequest, Held
from windlass.languages import registry as languages
from windlass.languages.base import Command, Language, LanguageError, Network, Toolchain
from windlass.scripts.deploy import Lock
from windlass.settings import Settings
from windlass.telemetry import get_logger
from windlass.worker import environment, runtimes
from windlass.worker.launcher.client import Exit, KilledBy, Launcher, LaunchError, Limits, Running, can_run_warm
from windlass.worker.logs import JobLog, Output
from windlass.worker.source import SqlSource
from windlass.worker.zygotes import Seat, Zygotes

log = get_logger("execute")
INSTALL_TIMEOUT_S = 600
FRESH_LOCK_S = 3600
GRACE_S = 2.0
FEW_FILES, FEW_BYTES = 16, 16 * 1024 * 1024
JOB_FILE_BYTES = 2 * 1024**3
INSTALL_FILE_BYTES = 8 * 1024**3
_DISK_FULL = {errno.ENOSPC, errno.EDQUOT}


class JobFault(Exception):
    """The job cannot succeed; `name` and the message become its error."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


@dataclass(kw_only=True)
class Control:
    """How the loop steers a running attempt: `cancel` with a reason, `is_lost` when it is no longer ours."""

    cancel: CancelRequest | None = None
    is_lost: bool = False
    mem_peak: int | None = None  # KiB
    met_full_disk: bool = False
    running: Running | None = None
    ended: Exit | None = None

    def stop(self) -> None:
        """End the process that runs now, if any; politely first."""
        if self.running is not None:
            running = self.running
            task = asyncio.ensure_future(running.terminate(GRACE_S))
            task.add_done_callback(lambda done: done.exception() if not done.cancelled() else None)

    def kill(self) -> None:
        """End the process that runs now, if any, at once."""
        if self.running is not None:
            self.running.kill()

    @property
    def is_stopped(self) -> bool:
        """Whether the attempt must not go on."""
        return self.is_lost or self.cancel is not None


@dataclass(frozen=True, kw_only=True)
class Execution:
    """Everything the steps of one attempt share."""

    job: ClaimedJob
    slot: int
    folder: Path
    log: JobLog
    control: Control
    language: Language
    tools: Toolchain
    seat: Seat | None = None
    """The warm process that the code runs in; `folder` is then below its own."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The outcome of an attempt and, for the dependency job of a deployment, the lock to write."""

    completion: Completion
    lock: Lock | None = None


@dataclass(kw_only=True)
class Executor:
    """Runs attempts on one worker."""

    settings: Settings
    database: Database
    source: SqlSource
    launcher: Launcher
    tools: Toolchain
    zygotes: Zygotes
    installing: dict[Path, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))
    providing: asyncio.Lock = field(default_factory=asyncio.Lock)
    warm_folders: dict[tuple[UUID, int], Path] = field(default_factory=dict)

    async def execute(self, job: ClaimedJob, slot: int, control: Control) -> Verdict:
        """Run an attempt to its end; every fault of the job is in the verdict."""
        held = Held(job_id=job.id, epoch=job.epoch)
        log = JobLog(self.database, held, limit=self.settings.max_log_chars)
        folder = self._folder(job)
        try:
            await log.open()
            success, result, lock = await self._outcome(job, slot, folder, log, control)
            rest = None if control.is_lost else await log.take()
        finally:
            await log.close()
        return Verdict(completion=_completion(job, control, success=success, result=result, log=rest), lock=lock)

    async def clean_up(self, job: ClaimedJob) -> None:
        """Remove what an attempt left on disk; call it once the outcome is home, so that nobody waits for it."""
        for folder in (self._folder(job), self.warm_folders.pop((job.id, job.epoch), None)):
            if folder is not None and not self.settings.keep_job_dir:
                await _remove(folder)

    async def close(self) -> None:
        """End what was kept ready for jobs."""
        await self.zygotes.close()

    def _folder(self, job: ClaimedJob) -> Path:
        return self.settings.home / "jobs" / f"{job.id}-{job.epoch}"

    async def _outcome(
        self, job: ClaimedJob, slot: int, folder: Path, log: JobLog, control: Control
    ) -> tuple[bool, bytes, Lock | None]:
        try:
            return await self._steps(job, slot, folder, log, control)
        except JobFault as fault:
            return False, failures.failure(fault.name, str(fault)), _failed_lock(job, str(fault))

    async def _steps(
        self, job: ClaimedJob, slot: int, folder: Path, log: JobLog, control: Control
    ) -> tuple[bool, bytes, Lock | None]:
        try:
            language = languages.get(job.language)
            execution = Execution(
                job=job, slot=slot, folder=folder, log=log, control=control, language=language,
                tools=await self._tools_of(job.workspace_id, language, log),
            )  # fmt: skip
            if job.kind is JobKind.DEPENDENCIES:
                lock = await self._resolve(execution)
                return True, orjson.dumps({"lock": lock}), _good_lock(job, lock)
            return *await self._run_code(execution), None
        except (LanguageError, WindlassError) as error:
            raise JobFault(type(error).__name__, str(error)) from error
        except LaunchError as error:
            raise JobFault("SandboxError", str(error)) from error
        except OSError as error:
            if error.errno not in _DISK_FULL:
                raise
            raise JobFault("DiskFull", f"the worker's disk is full: {error}") from error

    async def _run_code(self, execution: Execution) -> tuple[bool, bytes]:
        job, language, folder = execution.job, execution.language, execution.folder
        args = await self.source.interpolate(job, self._token(job))
        lock = job.lock if job.lock is not None else await self._resolve_or_remember(execution)
        if lock and not language.is_installed(lock, execution.tools):
            await self._install(execution, lock)
        schema = orjson.loads(job.schema) if job.schema else language.signature(job.code).schema
        with self._seated(execution, lock) as execution:
            folder = execution.folder
            _open_folder(folder)
            command = language.prepare(folder, job.code, lock, args, job.entrypoint or "main", schema, execution.tools)
            variables = environment.of_job(job, folder, self.settings, self.source.job_key)
            timeout = job.timeout or self.settings.job_default_timeout
            ended, tail = await self._run(execution, command, variables, timeout=timeout)
            return self._judge(execution, ended, tail)

    @contextmanager
    def _seated(self, execution: Execution, lock: str) -> Iterator[Execution]:
        """The execution in a folder below that of a warm process, where one is idle."""
        job = execution.job
        warm = execution.language.warm(job.code, lock, execution.tools, resident=self._is_dedicated(job))
        # The relay to the registries is a process beside the job, which a sweep would take.
        if warm is not None and warm.network is not Network.REGISTRY:
            seat = self.zygotes.take(job.workspace_id, warm)
        else:
            seat = None
        if seat is None:
            yield execution
            return
        folder = self.warm_folders[job.id, job.epoch] = seat.folder / execution.folder.name
        try:
            yield replace(execution, seat=seat, folder=folder)
        finally:
            self.zygotes.give_back(seat, execution.control.ended)

    def _is_dedicated(self, job: ClaimedJob) -> bool:
        return f"{job.workspace_id}:{job.path}" in self.settings.dedicated_worker and job.kind is JobKind.SCRIPT

    async def _tools_of(self, workspace: str, language: Language, log: JobLog) -> Toolchain:
        """The tools with the workspace's own cache: an install runs code, which may write what the next one trusts."""
        if runtimes.lacking(language.needs, self.tools):
            async with self.providing:
                self.tools = await runtimes.provide(language.needs, self.tools, self.settings, log.write)
        return replace(self.tools, cache=self.tools.cache / workspace)

    def _token(self, job: ClaimedJob) -> str:
        return sign_job(self.source.job_key, JobClaim(job_id=job.id, epoch=job.epoch))

    async def _resolve_or_remember(self, execution: Execution) -> str:
        """A lock for code that has none yet (a preview): remembered for an hour, so that a second Test is quick."""
        _open_folder(execution.folder)
        plan = execution.language.lock_plan(execution.job.code, execution.folder, execution.tools)
        if plan.command is None:
            return plan.lock or ""
        digest = hashlib.sha256(f"{execution.language.name}\0{plan.requirements}".encode()).hexdigest()
        remembered = execution.tools.cache / "locks" / f"{digest}.txt"
        if remembered.exists() and time.time() - remembered.stat().st_mtime < FRESH_LOCK_S:
            return remembered.read_text()
        lock = await self._resolve(execution)
        remembered.parent.mkdir(parents=True, exist_ok=True)
        draft = remembered.with_suffix(f".{execution.job.id}")
        draft.write_text(lock)
        draft.replace(remembered)
        return lock

    async def _resolve(self, execution: Execution) -> str:
        """The lock of the job's code; the resolver's own sentence when there is none."""
        language = execution.language
        _open_folder(execution.folder)
        plan = language.lock_plan(execution.job.code, execution.folder, execution.tools)
        if plan.command is None:
            return plan.lock or ""
        execution.log.write("--- resolving dependencies ---\n")
        await self._tool(execution, plan.command, "LockError")
        lock = language.read_lock(plan, execution.folder)
        execution.log.write(lock + "\n")
        return lock

    async def _install(self, execution: Execution, lock: str) -> None:
        _open_folder(execution.folder)
        plan = execution.language.install_plan(lock, execution.folder, execution.tools)
        if plan.command is None:
            return
        try:
            async with self.installing[plan.target]:
                if not plan.target.exists():  # another job may have installed it meanwhile
                    execution.log.write("--- installing dependencies ---\n")
                    await self._tool(execution, plan.command, "InstallError")
                    execution.language.finish_install(plan)
        finally:
            execution.language.abandon_install(plan)

    async def _tool(self, execution: Execution, command: Command, fault: str) -> None:
        """Run a resolver or installer; its output is the log, its complaint the fault."""
        variables = environment.base(execution.folder) | dict(self.settings.installer_environment)
        ended, output = await self._run(execution, command, variables, timeout=INSTALL_TIMEOUT_S, is_tool=True)
        if ended.code != 0:
            text = output.decode("utf-8", "replace")
            raise JobFault(fault, execution.language.lock_error(text) or f"ended with {ended.code or ended.signal}")

    async def _run(
        self,
        execution: Execution,
        command: Command,
        variables: dict[str, str],
        *,
        timeout: float,
        is_tool: bool = False,
    ) -> tuple[Exit, bytes]:
        """Run a command in the sandbox to its end and return how it ended, and the tail of its output."""
        if execution.control.is_stopped:
            raise JobFault("Canceled", "the job was stopped before it started")
        command = replace(command, env=variables | dict(command.env))
        out, err = Output(execution.log, keeps_tail=True), Output(execution.log, keeps_tail=True)
        try:
            ended = await self._run_warm(execution, command, timeout, out, err)
            if ended is None:
                ended = await self._attend(execution, await self._launch(execution, command), timeout, out, err)
        except TimeoutError as error:
            what = "installing its packages" if is_tool else "the job"
            raise JobFault("Timeout", f"{what} ran longer than its limit of {timeout:g} seconds") from error
        return ended, out.tail + (err.tail if is_tool else b"")

    async def _run_warm(
        self, execution: Execution, command: Command, timeout: float, out: Output, err: Output
    ) -> Exit | None:
        """How the command ended in the warm process; None where it did not begin."""
        if execution.seat is None or not can_run_warm(command):
            return None
        try:
            running = await execution.seat.run(command)
            return await self._attend(execution, running, timeout, out, err)
        except LaunchError as error:
            log.warning("a job starts cold", job_id=str(execution.job.id), reason=str(error))
            return None

    async def _attend(self, execution: Execution, running: Running, timeout: float, out: Output, err: Output) -> Exit:
        """Wait for the end of a job, with its output in the log. Raises TimeoutError when it had to be ended."""
        control = execution.control
        control.running = running
        if control.is_stopped:
            control.stop()
        running.stdout.pour_into(out.feed)
        running.stderr.pour_into(err.feed)
        try:
            async with asyncio.timeout(timeout):
                ended = await running.wait()
        except TimeoutError:
            control.ended = await running.terminate(GRACE_S)
            raise
        finally:
            control.running = None
            for pipe, output in ((running.stdout, out), (running.stderr, err)):
                pipe.finish()
                output.finish()
        control.ended = ended
        control.mem_peak = max(control.mem_peak or 0, ended.max_rss_bytes // 1024)
        control.met_full_disk = failures.DISK_IS_FULL in err.tail
        return ended

    async def _launch(self, execution: Execution, command: Command) -> Running:
        limits = limits_of(self.settings, command)
        return await self.launcher.launch(command, limits=limits, slot=execution.slot)

    def _judge(self, execution: Execution, ended: Exit, tail: bytes) -> tuple[bool, bytes]:
        _check_end(ended, self.settings)
        code = ended.code if ended.code is not None else 128 + (ended.signal or 0)
        outcome = execution.language.read_result(execution.folder, tail, code)
        if len(outcome.result) > self.settings.max_result_bytes:
            limit = self.settings.max_result_bytes // 1024
            raise JobFault("ResultTooLarge", f"the result has {len(outcome.result)} bytes, the limit is {limit} KiB")
        try:
            orjson.loads(outcome.result)
        except orjson.JSONDecodeError as error:
            raise JobFault("InvalidResult", f"the result is not JSON: {error}") from error
        return outcome.success, outcome.result if outcome.success else _with_reason(
            outcome.result, ended, execution.control
        )


def limits_of(settings: Settings, command: Command | None = None) -> Limits:
    """What a command may use, or a job where none is given."""
    memory, disk = settings.job_memory_mb, settings.job_disk_mb
    installs = command is not None and bool(command.writable)
    return Limits(
        memory_bytes=memory * 1024 * 1024 if memory else None,
        processes=settings.job_processes,
        disk_bytes=disk * 1024 * 1024 if disk else None,
        file_size_bytes=INSTALL_FILE_BYTES if installs else JOB_FILE_BYTES,
    )


async def _remove(folder: Path) -> None:
    """Remove a folder; beside the loop only where that could take long."""
    if not _remove_small(folder):
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _remove_small(folder: Path) -> bool:
    """Remove what a plain job leaves: a few files, and an empty folder for temporary ones. False for anything else."""
    try:
        with os.scandir(folder) as entries:
            names = list(itertools.islice(entries, FEW_FILES + 1))
        if len(names) > FEW_FILES or sum(entry.stat(follow_symlinks=False).st_size for entry in names) > FEW_BYTES:
            return False
        for entry in names:
            (os.rmdir if entry.is_dir(follow_symlinks=False) else os.unlink)(entry.path)
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _open_folder(folder: Path) -> None:
    """Make the folder anew, before the worker writes there what the next phase needs. What an earlier one left could be
    a link, and lead the worker's own pen out of the folder; so what cannot be removed is an error.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / environment.TEMPORARY).mkdir()
    folder.chmod(0o700)


def _check_end(ended: Exit, settings: Settings) -> None:
    match ended.killed_by:
        case KilledBy.MEMORY:
            raise JobFault("OutOfMemory", f"the job used more than its limit of {settings.job_memory_mb} MiB")
        case KilledBy.PROCESSES:
            raise JobFault("TooManyProcesses", f"the job started more than {settings.job_processes} processes")
        case KilledBy.CPU:
            raise JobFault("CpuLimit", "the job used more processor time than its limit")
        case KilledBy.DISK:
            raise JobFault("DiskFull", f"the job wrote more than its limit of {settings.job_disk_mb} MiB")
        case KilledBy.LAUNCHER_LOST:
            raise JobFault("SandboxError", "the sandbox's supervisor was killed")
        case _:
            return


def _with_reason(result: bytes, ended: Exit, control: Control) -> bytes:
    """Why a script failed that no limit of ours has ended: the disk itself was full, or a signal came."""
    if control.met_full_disk or failures.DISK_IS_FULL in result or ended.signal == signal.SIGXFSZ:
        return failures.with_reason(result, "DiskFull")
    is_stranger = ended.signal is not None and ended.killed_by is None
    return failures.with_reason(result, "Killed") if is_stranger else result


def _completion(job: ClaimedJob, control: Control, *, success: bool, result: bytes, log: LogChunk | None) -> Completion:
    status = Status.SUCCESS if success else Status.FAILURE
    if control.cancel is not None and not success:
        status, result = Status.CANCELED, failures.canceled(control.cancel.by, control.cancel.reason)
    return Completion(
        job_id=job.id,
        epoch=job.epoch,
        status=status,
        result=result,
        mem_peak=control.mem_peak,
        labels=_labels(result),
        log=log,
    )


def _labels(result: bytes) -> tuple[str, ...]:
    """The labels that a script gives its run by the key `wm_labels` of its result."""
    if b'"wm_labels"' not in result:
        return ()
    value: Any = orjson.loads(result)
    labels = value.get("wm_labels") if isinstance(value, dict) else None
    given = labels[:20] if isinstance(labels, list) else ()
    return tuple(str(label)[:100].replace("\x00", "\ufffd") for label in given)


def _good_lock(job: ClaimedJob, lock: str) -> Lock | None:
    return None if job.hash is None else Lock(workspace=job.workspace_id, number=job.hash, lock=lock, error=None)


def _failed_lock(job: ClaimedJob, error: str) -> Lock | None:
    if job.kind is not JobKind.DEPENDENCIES or job.hash is None:
        return None
    return Lock(workspace=job.workspace_id, number=job.hash, lock=None, error=error)
