"""The worker's loop: as many jobs as there are slots, claimed as soon as they are due, kept alive by heartbeats.

The wake flag is cleared before each pull, never after, so no news is lost; a slow poll is the net below. On SIGTERM the
worker claims nothing more, lets its jobs finish for a while, and gives the rest back to the queue.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

from windlass.db.listen import Listener
from windlass.db.pool import RETRY_S
from windlass.errors import DatabaseUnavailable
from windlass.jobs.failures import canceled, failure
from windlass.jobs.model import ClaimedJob, Completion, Status
from windlass.jobs.pull import CancelRequest, Held
from windlass.jobs.wait import CANCEL, QUEUED
from windlass.settings import Settings
from windlass.telemetry import get_logger
from windlass.worker.execute import Control, Executor, Verdict
from windlass.worker.source import Heart, SqlSource

log = get_logger("worker")
CHANNELS = (QUEUED, CANCEL)
PING_S = 5.0
FAREWELL_S = 5.0  # what was killed reports back at once; one that hangs must not hold the exit


@dataclass(kw_only=True)
class Attempt:
    """A job in a slot."""

    job: ClaimedJob
    slot: int
    control: Control = field(default_factory=Control)
    is_settling: bool = False

    @property
    def key(self) -> tuple[UUID, int]:
        """What tells it from another attempt of its job, which may come while this one still ends."""
        return self.job.id, self.job.epoch

    @property
    def held(self) -> Held:
        """What the heartbeat renews."""
        return Held(job_id=self.job.id, epoch=self.job.epoch, mem_peak=self.control.mem_peak)


class Worker:
    """One worker process."""

    def __init__(self, *, settings: Settings, source: SqlSource, executor: Executor, heart: Heart, listener: Listener):
        self._settings = settings
        self._source = source
        self._executor = executor
        self._heart = heart
        self._listener = listener
        self._attempts: dict[tuple[UUID, int], Attempt] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._hurried = asyncio.Event()
        self._executed = 0
        self._is_pull_in_doubt = False
        self._renewed_at = 0.0

    def stop(self) -> None:
        """Drain: claim no more, finish what runs, then `run` returns."""
        self._stopping.set()
        self._wake.set()

    def interrupt(self) -> None:
        """What Ctrl-C does: the first drains, the second gives back what runs, at once."""
        if self._stopping.is_set():
            self._hurried.set()
        self.stop()

    async def run(self) -> None:
        """Work until `stop`."""
        self._renewed_at = asyncio.get_running_loop().time()
        work = (self._listener.run(), self._relay_news(), self._watch_cancels(), self._beat(), self._watch_leases(),
                self._ping())  # fmt: skip
        duties = [asyncio.create_task(duty) for duty in work]
        log.info("worker registered", WORKER_GROUP=self._settings.worker_group, worker=self._source.info.name,
                 tags=",".join(self._source.info.tags), tier=self._source.info.tier)  # fmt: skip
        for duty in duties:
            duty.add_done_callback(self._end_with)
        try:
            while not self._stopping.is_set():
                await self._fill_slots()
            await self._drain()
        finally:
            for duty in duties:
                duty.cancel()
            await asyncio.gather(*duties, return_exceptions=True)
            self._heart.close()
            with suppress(DatabaseUnavailable):
                await self._source.goodbye()

    def _end_with(self, duty: asyncio.Task[None]) -> None:
        """A worker without heartbeats or news is worse than none: stop, and be started again."""
        if not duty.cancelled():
            log.error("a duty of the worker ended", exc_info=duty.exception())
            self.stop()

    async def _fill_slots(self) -> None:
        self._wake.clear()
        free = self._free_slots()
        claimed = await self._pull(len(free)) if free else []
        for job, slot in zip(claimed, free, strict=False):
            self._start(job, slot)
        if free and len(claimed) == len(free):
            return  # there may be more as soon as a slot is free
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), self._settings.sleep_queue / 1000)

    async def _pull(self, slots: int) -> list[ClaimedJob]:
        try:
            if self._is_pull_in_doubt:
                await self._source.release_unknown([attempt.job.id for attempt in self._attempts.values()])
            self._is_pull_in_doubt = True
            claimed = await self._source.pull(slots)
            self._is_pull_in_doubt = False
            return claimed
        except DatabaseUnavailable:
            await asyncio.sleep(RETRY_S)
            return []

    def _free_slots(self) -> list[int]:
        taken = {attempt.slot for attempt in self._attempts.values()}
        return [slot for slot in range(self._settings.worker_slots) if slot not in taken]

    def _start(self, job: ClaimedJob, slot: int) -> None:
        attempt = Attempt(job=job, slot=slot)
        self._attempts[attempt.key] = attempt
        task = asyncio.create_task(self._attend(attempt))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _attend(self, attempt: Attempt) -> None:
        job = attempt.job
        try:
            verdict = await self._executor.execute(job, attempt.slot, attempt.control)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - the one supervisor: a fault of ours must not take the worker with it
            log.error("the worker failed a job", job_id=str(job.id), exc_info=error)
            verdict = _internal_error(job, error)
        await self._bring_home(attempt, verdict)

    async def _bring_home(self, attempt: Attempt, verdict: Verdict) -> None:
        attempt.is_settling = True
        try:
            if attempt.control.is_lost:
                log.warning("attempt was fenced, its result is dropped", job_id=str(attempt.job.id))
            elif not await self._source.settle(verdict.completion, verdict.lock):
                log.warning("attempt was fenced at its end", job_id=str(attempt.job.id))
        finally:
            self._executed += 1
            self._attempts.pop(attempt.key, None)
            await self._executor.clean_up(attempt.job)
            self._wake.set()

    async def _relay_news(self) -> None:
        async with self._listener.subscribe(QUEUED) as queued:
            while True:
                await queued.wait()
                queued.clear()
                self._wake.set()

    async def _watch_cancels(self) -> None:
        async with self._listener.subscribe(CANCEL) as asked:
            while True:
                await asked.wait()
                asked.clear()
                with suppress(DatabaseUnavailable):
                    await self._renew()

    async def _beat(self) -> None:
        loop, interval = asyncio.get_running_loop(), self._settings.heartbeat_interval
        while True:
            await asyncio.sleep(interval)
            asked_at = loop.time()
            try:
                await asyncio.wait_for(self._renew(), interval)
                self._renewed_at = asked_at
            except (DatabaseUnavailable, TimeoutError) as error:
                silent = round(loop.time() - self._renewed_at, 1)
                log.warning("heartbeat failed", seconds=silent, reason=repr(error.__cause__ or error))

    async def _watch_leases(self) -> None:
        """Stop what runs without a lease while it is still ours: no heartbeat that hangs may delay this."""
        loop, patience = asyncio.get_running_loop(), self._settings.zombie_job_timeout * 0.8
        while True:
            await asyncio.sleep(patience / 24)
            if self._attempts and loop.time() - self._renewed_at > patience:
                self._lose(list(self._attempts.values()), "the lease could not be renewed")

    async def _renew(self) -> None:
        """Renew every lease; stop what is canceled, drop what is no longer ours."""
        attempts = list(self._attempts.values())
        if not attempts:
            return
        answers = await self._heart.beat([attempt.held for attempt in attempts])
        still_here = [attempt for attempt in attempts if attempt.key in self._attempts]
        gone = [item for item in still_here if item.job.id not in answers and not item.is_settling]
        self._lose(gone, "another attempt holds the job, or somebody ended it")
        for attempt in still_here:
            request = answers.get(attempt.job.id)
            if request is not None and attempt.control.cancel is None:
                attempt.control.cancel = request
                attempt.control.stop()

    def _lose(self, attempts: list[Attempt], reason: str) -> None:
        for attempt in attempts:
            if not attempt.control.is_lost:
                log.warning("stopping an attempt", job_id=str(attempt.job.id), reason=reason)
                attempt.control.is_lost = True
                attempt.control.kill()

    async def _ping(self) -> None:
        while True:
            with suppress(DatabaseUnavailable):
                await self._source.ping(draining=self._stopping.is_set(), jobs_executed=self._executed)
            await asyncio.sleep(PING_S)

    async def _drain(self) -> None:
        if not self._tasks:
            return
        log.info("draining", jobs=len(self._tasks), seconds=self._settings.drain_timeout)
        with suppress(DatabaseUnavailable):
            await self._source.ping(draining=True, jobs_executed=self._executed)
        await self._wait_for_jobs()
        await asyncio.gather(*(self._give_back(attempt) for attempt in list(self._attempts.values())))
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=FAREWELL_S)

    async def _wait_for_jobs(self) -> None:
        ended = asyncio.create_task(asyncio.wait(self._tasks))
        hurried = asyncio.create_task(self._hurried.wait())
        await asyncio.wait({ended, hurried}, timeout=self._settings.drain_timeout, return_when=asyncio.FIRST_COMPLETED)
        for task in (ended, hurried):
            task.cancel()

    async def _give_back(self, attempt: Attempt) -> None:
        attempt.control.is_lost = True
        attempt.control.kill()
        request = attempt.control.cancel
        with suppress(DatabaseUnavailable, TimeoutError):
            async with asyncio.timeout(FAREWELL_S):
                if request is None:
                    await self._source.release(attempt.held)
                else:
                    await self._source.settle(_canceled(attempt.job, request))


def _canceled(job: ClaimedJob, request: CancelRequest) -> Completion:
    result = canceled(request.by, request.reason)
    return Completion(job_id=job.id, epoch=job.epoch, status=Status.CANCELED, result=result)


def _internal_error(job: ClaimedJob, error: Exception) -> Verdict:
    result = failure("InternalError", f"the worker could not run this job: {type(error).__name__}: {error}")
    return Verdict(completion=Completion(job_id=job.id, epoch=job.epoch, status=Status.FAILURE, result=result))
