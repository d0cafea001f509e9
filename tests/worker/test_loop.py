"""The worker's loop with a source that hangs, loses answers or is slow."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from uuid import uuid4

from windlass.errors import DatabaseUnavailable
from windlass.jobs.model import ClaimedJob, Completion, JobKind, Status
from windlass.jobs.pull import Exchange, Front, Held
from windlass.settings import load
from windlass.worker import loop
from windlass.worker.execute import Verdict
from windlass.worker.loop import Worker


def claimed() -> ClaimedJob:
    return ClaimedJob(
        id=uuid4(), epoch=1, workspace_id="main", kind=JobKind.PREVIEW, path=None, hash=None, language="bash",
        code="", lock=None, schema=None, entrypoint=None, args=b"{}", timeout=None, tag="bash", environment=(),
        created_by="admin", permissioned_as="u/admin", email="admin@windmill.dev", parent_job=None, root_job=None,
        trigger_path=None, trigger_kind=None, scheduled_for=datetime.now(UTC),
    )  # fmt: skip


def verdict(job) -> Verdict:
    return Verdict(completion=Completion(job_id=job.id, epoch=job.epoch, status=Status.SUCCESS, result=b"1"))


class Heart:
    """Leases that never end."""

    def __init__(self):
        self.leases = {}

    def hold(self, key, holder, *, since):
        self.leases[key] = holder

    def drop(self, key):
        self.leases.pop(key, None)

    def ask(self):
        pass

    async def run(self, _owner):
        await asyncio.Event().wait()


class Source:
    """Hands out its jobs and remembers what came home."""

    info = SimpleNamespace(name="w", tags=("bash",), tier="B")

    def __init__(self, *jobs):
        self.jobs = list(jobs)
        self.batches = []

    async def exchange(self, completions, slots, *, is_wide=False, front=None):
        taken, self.jobs = self.jobs[:slots], self.jobs[slots:]
        if completions:
            self.batches.append([item.job_id for item in completions])
        accepted = frozenset(item.job_id for item in completions)
        return Exchange(accepted=accepted, claimed=taken, is_contended=False, front=None)

    async def release_unknown(self, held):
        pass

    async def ping(self, **_state):
        pass

    async def goodbye(self):
        pass


class HangingSource(Source):
    """A database that takes nothing back."""

    async def release(self, _held):
        await asyncio.Event().wait()


class Executor:
    """Jobs that run until `goes_on` is set, or until they are lost; then `lost` is set."""

    def __init__(self):
        self.running, self.cleaned = [], []
        self.started, self.lost, self.goes_on = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def execute(self, job, _slot, control):
        control.kill = self.lost.set
        self.control = control
        self.running.append(job)
        self.started.set()
        await self.goes_on.wait()
        return verdict(job)

    async def clean_up(self, job):
        self.cleaned.append(job)

    async def close(self):
        return


class Listener:
    async def run(self):
        await asyncio.Event().wait()

    @asynccontextmanager
    async def subscribe(self, _channel):
        yield asyncio.Event()


@asynccontextmanager
async def working(source, executor, **settings):
    """A worker with these parts, stopped at the end."""
    settings = load(**{"drain_timeout": 0, "sleep_queue": 10} | settings)
    worker = Worker(settings=settings, source=source, executor=executor, heart=Heart(), listener=Listener())
    running = asyncio.create_task(worker.run())
    async with asyncio.timeout(10):
        yield worker
    running.cancel()
    await asyncio.wait([running])


async def until(look):
    while not look():
        await asyncio.sleep(0.001)


async def test_a_lost_attempt_is_killed_and_its_lease_is_dropped():
    executor, job = Executor(), claimed()
    async with working(Source(job), executor) as worker:
        await executor.started.wait()
        worker.lose([(job.id, 1), (uuid4(), 1)], "test")
        assert executor.lost.is_set() and executor.control.is_lost
        assert worker._heart.leases == {}


async def test_an_attempt_that_has_ended_may_still_come_home_when_its_lease_ends():
    source, executor, job = Source(job := claimed()), Executor(), job
    async with working(source, executor) as worker:
        await executor.started.wait()
        async with worker._turn:  # the statement is not on its way yet
            executor.goes_on.set()
            await until(lambda: worker._ended)
            worker.lose([(job.id, 1)], "test")
        await until(lambda: source.batches)
    assert source.batches == [[job.id]] and not executor.control.is_lost


async def test_a_worker_stops_although_the_database_takes_nothing_back(monkeypatch):
    monkeypatch.setattr(loop, "FAREWELL_S", 0.05)
    executor = Executor()
    settings = load(drain_timeout=0)
    worker = Worker(settings=settings, source=HangingSource(claimed()), executor=executor, heart=Heart(),
                    listener=Listener())  # fmt: skip
    running = asyncio.create_task(worker.run())
    await executor.started.wait()
    worker.stop()
    async with asyncio.timeout(5):
        await running


class SlowSource(Source):
    """Answers when it is told to."""

    def __init__(self, *jobs):
        super().__init__(*jobs)
        self.asked, self.answers = asyncio.Event(), asyncio.Event()

    async def exchange(self, completions, slots, *, is_wide=False, front=None):
        self.asked.set()
        await self.answers.wait()
        return await super().exchange(completions, slots)


async def test_what_ends_while_a_statement_is_on_its_way_goes_home_together_with_the_next():
    jobs = [claimed() for _ in range(4)]
    source, executor = SlowSource(*jobs), Executor()
    source.answers.set()
    async with working(source, executor, worker_slots=4) as worker:
        await until(lambda: len(executor.running) == 4)
        async with worker._turn:
            executor.goes_on.set()
            await until(lambda: len(worker._ended) == 4)
        await until(lambda: len(executor.cleaned) == 4)
    assert [set(batch) for batch in source.batches] == [{job.id for job in jobs}]


async def test_a_batch_is_cut_where_its_results_grow_too_big(monkeypatch):
    monkeypatch.setattr(loop, "BATCH_BYTES", 2)
    jobs = [claimed() for _ in range(5)]
    source, executor = Source(*jobs), Executor()
    async with working(source, executor, worker_slots=5) as worker:
        await until(lambda: len(executor.running) == 5)
        async with worker._turn:
            executor.goes_on.set()
            await until(lambda: len(worker._ended) == 5)
        await until(lambda: len(executor.cleaned) == 5)
    assert [len(batch) for batch in source.batches] == [2, 2, 1]


async def test_what_was_claimed_when_the_worker_was_told_to_stop_is_still_run():
    job = claimed()
    source, executor = SlowSource(job), Executor()
    executor.goes_on.set()
    settings = load(drain_timeout=5)
    worker = Worker(settings=settings, source=source, executor=executor, heart=Heart(), listener=Listener())
    running = asyncio.create_task(worker.run())
    await source.asked.wait()
    worker.stop()
    source.answers.set()
    async with asyncio.timeout(10):
        await running
    assert source.batches == [[job.id]]


class ForgetfulSource(Source):
    """Does what it is asked and then loses the answer, once, with the second statement."""

    def __init__(self, *jobs):
        super().__init__(*jobs)
        self.statements = 0
        self.released = []

    async def exchange(self, completions, slots, *, is_wide=False, front=None):
        self.statements += 1
        answer = await super().exchange(completions, slots)
        if self.statements == 2:
            raise DatabaseUnavailable("the answer was lost")
        return answer

    async def release_unknown(self, held):
        self.released.append(held)


async def test_after_a_lost_answer_outcomes_are_sent_again_and_unknown_claims_are_given_back_first(monkeypatch):
    monkeypatch.setattr(loop, "RETRY_S", 0.01)
    job, unknown = claimed(), claimed()
    source, executor = ForgetfulSource(job, unknown), Executor()
    async with working(source, executor, worker_slots=1):
        await executor.started.wait()
        executor.goes_on.set()
        await until(lambda: executor.cleaned)
    assert source.batches == [[job.id], [job.id]]
    assert source.released == [[Held(job_id=job.id, epoch=1)]]
    assert [item.id for item in executor.running] == [job.id]


class ContendedSource(Source):
    """Others hold what is due, for the first three statements."""

    def __init__(self, *jobs):
        super().__init__(*jobs)
        self.asked = []

    async def exchange(self, completions, slots, *, is_wide=False, front=None):
        self.asked.append(is_wide)
        if len(self.asked) <= 3:
            return Exchange(accepted=frozenset(), claimed=[], is_contended=True, front=None)
        return await super().exchange(completions, slots)


async def test_what_others_held_is_asked_for_again_soon_and_widely():
    source, executor = ContendedSource(claimed()), Executor()
    async with working(source, executor, sleep_queue=60_000):
        await executor.started.wait()
    assert source.asked[:4] == [False, True, True, True]


class LongQueue(Source):
    """Says where it found the jobs, and finds them elsewhere only when nobody says where to look."""

    def __init__(self, *jobs):
        super().__init__(*jobs)
        self.elsewhere = [claimed()]
        self.looks = []

    async def exchange(self, completions, slots, *, is_wide=False, front=None):
        self.looks.append(front)
        answer = await super().exchange(completions, slots)
        if front is None and not answer.claimed and self.elsewhere and slots:
            answer = replace(answer, claimed=[self.elsewhere.pop()])
        return replace(answer, front=FRONT if answer.claimed else None)


FRONT = Front(tags=["bash"], priorities=[0], since=datetime.now(UTC), since_id=uuid4())


async def test_a_long_queue_is_claimed_from_its_front_and_at_its_end_everything_is_looked_at_at_once(monkeypatch):
    monkeypatch.setattr(loop, "FRONT_S", 3600)
    source, executor = LongQueue(claimed(), claimed()), Executor()
    executor.goes_on.set()
    async with working(source, executor, worker_slots=1, sleep_queue=60_000):
        await until(lambda: len(executor.cleaned) == 3)
    assert source.looks[:4] == [None, FRONT, FRONT, None]


async def test_the_front_is_not_trusted_for_long(monkeypatch):
    monkeypatch.setattr(loop, "FRONT_S", 0)
    source, executor = LongQueue(claimed(), claimed()), Executor()
    executor.goes_on.set()
    async with working(source, executor, worker_slots=1, sleep_queue=60_000):
        await until(lambda: len(executor.cleaned) == 3)
    assert source.looks[:3] == [None, None, None]


class FirstEnds(Executor):
    """The first attempt ends when it is told to, the second runs on."""

    def __init__(self):
        super().__init__()
        self.both = asyncio.Event()

    async def execute(self, job, slot, control):
        if job.epoch == 2:
            self.both.set()
            await asyncio.Event().wait()
        return await super().execute(job, slot, control)


async def test_the_end_of_a_lost_attempt_leaves_the_next_one_of_the_same_job_its_slot_and_its_lease():
    executor, first = FirstEnds(), claimed()
    async with working(Source(first, replace(first, epoch=2)), executor, worker_slots=2) as worker:
        await executor.both.wait()
        worker.lose([(first.id, 1)], "test")
        assert len(worker._free_slots()) == 0
        executor.goes_on.set()
        await until(lambda: executor.cleaned)
        assert [attempt.job.epoch for attempt in worker._attempts.values()] == [2]
        assert list(worker._heart.leases) == [(first.id, 2)]
