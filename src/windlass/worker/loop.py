"""The worker's loop: as many jobs as there are slots, claimed as soon as they are due, their outcomes brought home.

One pump speaks with the queue: each of its statements settles whatever has ended and claims for the slots that are
free, and what comes while one is on its way goes with the next. The wake flag is cleared before each statement, never
after, so no news is lost; a slow poll is the net below. On SIGTERM the worker claims nothing more, lets its jobs finish
for a while, and gives the rest back to the queue.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import accumulate

import asyncpg

from windlass.db.listen import Listener
from windlass.db.pool import RETRY_S
from windlass.errors import DatabaseUnavailable
from windlass.jobs.failures import failure
from windlass.jobs.model import ClaimedJob, Completion, Status
from windlass.jobs.pull import CancelRequest, Exchange, Front, Held
from windlass.jobs.wait import CANCEL, QUEUED
from windlass.settings import Settings
from windlass.telemetry import get_logger
from windlass.worker.execute import Control, Executor, Verdict
from windlass.worker.heart import Heart, Key, clock
from windlass.worker.source import SqlSource

log = get_logger("worker")
CHANNELS = (QUEUED, CANCEL)
PING_S = 5.0
FAREWELL_S = 5.0  # what was killed reports back at once; one that hangs must not hold the exit
BATCH_BYTES = 16 * 1024**2
FRONT_S = 0.05  # what is due elsewhere, or was due earlier, waits no longer than this
CONTENDED_S = 0.002  # the commit of another worker that was in the way takes about as long; doubled each time


@dataclass(kw_only=True, eq=False)
class Attempt:
    """A job in a slot. `completion` is its outcome on the way home, `settled` tells whether that was accepted."""

    job: ClaimedJob
    slot: int
    settled: asyncio.Future[bool]
    control: Control = field(default_factory=Control)
    completion: Completion | None = None

    @property
    def key(self) -> Key:
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
        self._attempts: dict[Key, Attempt] = {}
        self._ended: list[Attempt] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._hurried = asyncio.Event()
        self._executed = 0
        self._contended = 0
        self._front: Front | None = None
        self._looked_at = 0.0
        self._is_in_doubt = False

    def stop(self) -> None:
        """Drain: claim no more, finish what runs, then `run` returns."""
        self._stopping.set()

    def interrupt(self) -> None:
        """What Ctrl-C does: the first drains, the second gives back what runs, at once."""
        if self._stopping.is_set():
            self._hurried.set()
        self.stop()

    async def run(self) -> None:
        """Work until `stop`."""
        work = (self._listener.run(), self._relay_news(), self._relay_cancels(), self._heart.run(self), self._ping(),
                self._pump())  # fmt: skip
        duties = [asyncio.create_task(duty) for duty in work]
        log.info("worker registered", WORKER_GROUP=self._settings.worker_group, worker=self._source.info.name,
                 tags=",".join(self._source.info.tags), tier=self._source.info.tier)  # fmt: skip
        for duty in duties:
            duty.add_done_callback(self._end_with)
        try:
            await self._stopping.wait()
            await self._drain()
        finally:
            for duty in duties:
                duty.cancel()
            await asyncio.gather(*duties, return_exceptions=True)
            await self._executor.close()
            with suppress(DatabaseUnavailable):
                await self._source.goodbye()

    def _end_with(self, duty: asyncio.Task[None]) -> None:
        """A worker without heartbeats or news is worse than none: stop, and be started again."""
        if not duty.cancelled():
            log.error("a duty of the worker ended", exc_info=duty.exception())
            self.stop()

    async def _pump(self) -> None:
        while True:
            self._wake.clear()
            try:
                async with self._turn:
                    self._contended = self._contended + 1 if await self._exchange() else 0
            except DatabaseUnavailable:
                await asyncio.sleep(RETRY_S)
            except asyncpg.PostgresError as error:
                log.error("the queue refuses", exc_info=error)
                await asyncio.sleep(RETRY_S)
            else:
                await self._news(self._patience())

    def _patience(self) -> float:
        net = self._settings.sleep_queue / 1000
        return min(net, CONTENDED_S * 2 ** min(self._contended, 10)) if self._contended else net

    async def _news(self, patience: float) -> None:
        """Return when something has happened, or when it is time to look all the same."""
        net = asyncio.get_running_loop().call_later(patience, self._wake.set)
        await self._wake.wait()
        net.cancel()

    async def _exchange(self) -> bool:
        """One statement; True when others held what could have been claimed."""
        ended, slots = self._batch(), self._free_slots()
        if not ended and not slots:
            return False
        if self._is_in_doubt:
            await self._source.release_unknown([attempt.held for attempt in self._attempts.values()])
        self._is_in_doubt, asked_at = True, clock()
        outcomes = [attempt.completion for attempt in ended if attempt.completion is not None]
        front = self._known_front()
        answer = await self._source.exchange(outcomes, len(slots), is_wide=self._contended > 0, front=front)
        self._is_in_doubt = False
        self._note_front(answer, len(slots), front, asked_at)
        self._part_with(ended, answer)
        for job, slot in zip(answer.claimed, slots, strict=False):
            self._start(job, slot, asked_at)
        return answer.is_contended

    def _known_front(self) -> Front | None:
        return self._front if clock() - self._looked_at < FRONT_S else None

    def _note_front(self, answer: Exchange, slots: int, used: Front | None, asked_at: float) -> None:
        """While each claim fills every slot, the next one starts where it found them; else it looks everywhere."""
        if slots == 0:
            return
        if used is None:
            self._looked_at = asked_at
        is_full = len(answer.claimed) == slots
        self._front = answer.front if is_full else None
        if used is not None and not is_full:
            self._wake.set()

    def _batch(self) -> list[Attempt]:
        """What has ended, oldest first, as far as it fits in one statement."""
        sizes = accumulate(len(attempt.completion.result) for attempt in self._ended if attempt.completion is not None)
        return self._ended[: max(1, sum(size <= BATCH_BYTES for size in sizes))]

    def _free_slots(self) -> list[int]:
        if self._stopping.is_set():
            return []
        taken = {attempt.slot for attempt in self._attempts.values() if attempt.completion is None}
        return [slot for slot in range(self._settings.worker_slots) if slot not in taken]

    def _part_with(self, ended: list[Attempt], answer: Exchange) -> None:
        del self._ended[: len(ended)]  # what ended meanwhile stands behind them
        for attempt in ended:
            self._forget(attempt)
            if not attempt.settled.done():
                attempt.settled.set_result(attempt.job.id in answer.accepted)

    def _forget(self, attempt: Attempt) -> None:
        self._heart.drop(attempt.key)
        self._attempts.pop(attempt.key, None)

    def _start(self, job: ClaimedJob, slot: int, asked_at: float) -> None:
        attempt = Attempt(job=job, slot=slot, settled=asyncio.get_running_loop().create_future())
        self._attempts[attempt.key] = attempt
        self._heart.hold(attempt.key, attempt, since=asked_at)
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
        try:
            await self._bring_home(attempt, verdict)
        finally:
            self._executed += 1
            self._forget(attempt)
            await self._executor.clean_up(job)

    async def _bring_home(self, attempt: Attempt, verdict: Verdict) -> None:
        if attempt.control.is_lost:
            log.warning("attempt was fenced, its result is dropped", job_id=str(attempt.job.id))
            self._wake.set()  # its slot is free, and no statement has claimed for it
        elif not await self._settle(attempt, verdict):
            log.warning("attempt was fenced at its end", job_id=str(attempt.job.id))

    async def _settle(self, attempt: Attempt, verdict: Verdict) -> bool:
        attempt.completion = verdict.completion
        if verdict.lock is not None:
            is_settled = await self._source.settle(verdict.completion, verdict.lock)
            self._wake.set()
            return is_settled
        self._ended.append(attempt)
        self._wake.set()
        return await attempt.settled

    async def _relay_news(self) -> None:
        async with self._listener.subscribe(QUEUED) as queued:
            while True:
                await queued.wait()
                queued.clear()
                self._wake.set()

    async def _relay_cancels(self) -> None:
        async with self._listener.subscribe(CANCEL) as asked:
            while True:
                await asked.wait()
                asked.clear()
                self._heart.ask()

    def lose(self, keys: list[Key], reason: str) -> None:
        """Stop attempts without a lease and drop what they bring; the heartbeat calls this. One that has ended already
        may still come home, when nobody has taken the job."""
        for key in keys:
            self._heart.drop(key)
            attempt = self._attempts.get(key)
            if attempt is not None and attempt.completion is None and not attempt.control.is_lost:
                log.warning("stopping an attempt", job_id=str(attempt.job.id), reason=reason)
                attempt.control.is_lost = True
                attempt.control.kill()

    def cancel(self, key: Key, request: CancelRequest) -> None:
        """End an attempt as somebody asked; the heartbeat calls this, again and again."""
        attempt = self._attempts.get(key)
        if attempt is not None and attempt.control.cancel is None:
            attempt.control.cancel = request
            attempt.control.stop()

    async def _ping(self) -> None:
        while True:
            with suppress(DatabaseUnavailable):
                await self._source.ping(draining=self._stopping.is_set(), jobs_executed=self._executed)
            await asyncio.sleep(PING_S)

    async def _drain(self) -> None:
        await self._let_the_last_claim_arrive()
        if not self._tasks:
            return
        log.info("draining", jobs=len(self._attempts), seconds=self._settings.drain_timeout)
        with suppress(DatabaseUnavailable):
            await self._source.ping(draining=True, jobs_executed=self._executed)
        await self._wait_for_jobs()
        await asyncio.gather(*(self._give_back(attempt) for attempt in list(self._attempts.values())))
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=FAREWELL_S)

    async def _let_the_last_claim_arrive(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL_S), self._turn:
                pass

    async def _wait_for_jobs(self) -> None:
        ended = asyncio.create_task(asyncio.wait(self._tasks))
        hurried = asyncio.create_task(self._hurried.wait())
        await asyncio.wait({ended, hurried}, timeout=self._settings.drain_timeout, return_when=asyncio.FIRST_COMPLETED)
        for task in (ended, hurried):
            task.cancel()

    async def _give_back(self, attempt: Attempt) -> None:
        if attempt.completion is not None:
            return  # it ended by itself, and its outcome is on the way
        attempt.control.is_lost = True
        attempt.control.kill()
        with suppress(DatabaseUnavailable, TimeoutError):
            async with asyncio.timeout(FAREWELL_S):
                await self._source.release(attempt.held)


def _internal_error(job: ClaimedJob, error: Exception) -> Verdict:
    result = failure("InternalError", f"the worker could not run this job: {type(error).__name__}: {error}")
    return Verdict(completion=Completion(job_id=job.id, epoch=job.epoch, status=Status.FAILURE, result=result))
