"""A worker with the product's loop, source and heart, whose jobs are sleeps in this process instead of sandboxes.

The jobs write to the oracle. Their arguments: `seconds` to sleep, `poison` to kill the worker, `hold` seconds to block
its event loop, `says` for the log. Arguments with references are filled in first, and a deployment's job has a lock.
"""

import asyncio
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson

from chaos.oracle import Pen
from windlass import telemetry, tiers
from windlass.auth.tokens import JobClaim, sign_job
from windlass.commands import databases
from windlass.commands.worker import make_worker
from windlass.db.pool import Database
from windlass.jobs import failures
from windlass.jobs.model import ClaimedJob, Completion, JobKind, Status
from windlass.jobs.pull import Held
from windlass.scripts.deploy import Lock
from windlass.settings import load
from windlass.worker.execute import Control, Verdict
from windlass.worker.logs import JobLog
from windlass.worker.loop import Worker
from windlass.worker.source import SqlSource

PULSE_S = 0.02


@dataclass(kw_only=True)
class Nap:
    """A job that runs: what the loop may stop."""

    is_over: asyncio.Event = field(default_factory=asyncio.Event)

    def kill(self) -> None:
        """End it now."""
        self.is_over.set()

    async def terminate(self, _grace: float) -> None:
        """End it now too: a nap has nothing to tidy up."""
        self.is_over.set()

    async def sleep(self, seconds: float) -> bool:
        """Whether the nap ended by itself."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.is_over.wait(), max(seconds, 0))
        return not self.is_over.is_set()


@dataclass(frozen=True, kw_only=True)
class StubExecutor:
    """Takes the place of the sandbox."""

    pen: Pen
    source: SqlSource
    database: Database

    async def execute(self, job: ClaimedJob, _slot: int, control: Control) -> Verdict:
        """Sleep as long as the arguments say, with a sign of life at each pulse."""
        log = JobLog(self.database, Held(job_id=job.id, epoch=job.epoch), limit=10_000)
        await log.open()
        is_done = await self._live(job, control, log)
        rest = None if control.is_lost else await log.take()
        await log.close()
        return Verdict(completion=replace(_completion(job, control, is_done=is_done), log=rest), lock=_lock_of(job))

    async def clean_up(self, _job: ClaimedJob) -> None:
        """Nothing was written."""

    async def close(self) -> None:
        """Nothing is kept ready."""

    async def _live(self, job: ClaimedJob, control: Control, log: JobLog) -> bool:
        nap, name = Nap(), str(job.id)
        control.running = nap  # pyright: ignore[reportAttributeAccessIssue]
        self.pen.write("start", name, job.epoch)
        asked = orjson.loads(await self.source.interpolate(job, self._token(job)))
        log.write(asked.get("says", ""))
        if asked.get("poison"):
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(asked.get("hold", 0))
        is_done = not control.is_stopped and await self._nap(nap, name, job.epoch, asked.get("seconds", 0))
        self.pen.write("end" if is_done else "stopped", name, job.epoch)
        return is_done

    def _token(self, job: ClaimedJob) -> str:
        return sign_job(self.source.job_key, JobClaim(job_id=job.id, epoch=job.epoch))

    async def _nap(self, nap: Nap, job: str, epoch: int, seconds: float) -> bool:
        until = time.monotonic() + seconds
        while await nap.sleep(min(PULSE_S, until - time.monotonic())):
            if time.monotonic() >= until:
                return True
            self.pen.write("alive", job, epoch)
        return False


def _lock_of(job: ClaimedJob) -> Lock | None:
    if job.kind is not JobKind.DEPENDENCIES or job.hash is None:
        return None
    return Lock(workspace=job.workspace_id, number=job.hash, lock="", error=None)


def _completion(job: ClaimedJob, control: Control, *, is_done: bool) -> Completion:
    status, result = Status.SUCCESS, orjson.dumps({"attempt": job.epoch})
    if not is_done and control.cancel is not None:
        status, result = Status.CANCELED, failures.canceled(control.cancel.by, control.cancel.reason)
    return Completion(job_id=job.id, epoch=job.epoch, status=status, result=result)


async def run(notes: str) -> int:
    """One worker process with the settings of the environment, until SIGTERM."""
    settings = load()
    telemetry.configure(level=settings.rust_log, as_json=False, role="worker")
    database = databases.make_database(settings, databases.WORKER_POOL)
    await database.open()
    worker = await make_stub_worker(settings, database, Path(notes))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.stop)
    await worker.run()
    await database.close()
    return 0


async def make_stub_worker(settings: Any, database: Any, notes: Path) -> Worker:
    """The worker as `windlass worker` makes it, with the stub in the place of its executor."""
    launcher: Any = SimpleNamespace(sever=lambda: os.kill(os.getpid(), signal.SIGKILL), policy_hash=None)
    worker = await make_worker(settings, database, launcher, tiers.NONE)
    stub = StubExecutor(pen=Pen(notes), source=worker._source, database=database)
    worker._executor = stub  # pyright: ignore[reportAttributeAccessIssue]
    return worker
