"""The worker's loop with a database that hangs: leases end in time, and so does the worker."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from uuid import uuid4

import pytest

from windlass.errors import DatabaseUnavailable
from windlass.jobs.model import ClaimedJob, JobKind
from windlass.jobs.pull import CancelRequest
from windlass.settings import load
from windlass.worker import loop, source
from windlass.worker.loop import Worker
from windlass.worker.source import Heart

SILENCE = 2.4


def claimed() -> ClaimedJob:
    return ClaimedJob(
        id=uuid4(), epoch=1, workspace_id="main", kind=JobKind.PREVIEW, path=None, hash=None, language="bash",
        code="", lock=None, schema=None, entrypoint=None, args=b"{}", timeout=None, tag="bash", environment=(),
        created_by="admin", permissioned_as="u/admin", email="admin@windmill.dev", parent_job=None, root_job=None,
        trigger_path=None, trigger_kind=None, scheduled_for=datetime.now(UTC),
    )  # fmt: skip


class HangingHeart:
    async def beat(self, _held):
        await asyncio.Event().wait()

    def close(self):
        pass


class Source:
    """One job, and then a database that never answers."""

    info = SimpleNamespace(name="w", tags=("bash",), tier="B")

    def __init__(self):
        self.jobs = [claimed()]

    async def pull(self, _slots):
        return [self.jobs.pop()] if self.jobs else []

    async def ping(self, **_state):
        pass

    async def goodbye(self):
        pass

    async def release(self, _held):
        await asyncio.Event().wait()

    async def settle(self, _completion, _lock=None):
        await asyncio.Event().wait()


class Executor:
    """A job that runs until it is lost; when that is, stands in `lost`."""

    def __init__(self):
        self.started, self.lost = asyncio.Event(), asyncio.Event()

    async def execute(self, _job, _slot, control):
        control.kill = self.lost.set
        self.control = control
        self.started.set()
        await asyncio.Event().wait()


class Listener:
    async def run(self):
        await asyncio.Event().wait()

    @asynccontextmanager
    async def subscribe(self, _channel):
        yield asyncio.Event()


@pytest.fixture
def executor():
    return Executor()


@pytest.fixture
def worker(executor):
    settings = load(heartbeat_interval=0.7, zombie_job_timeout=SILENCE, drain_timeout=0)
    return Worker(settings=settings, source=Source(), executor=executor, heart=HangingHeart(), listener=Listener())


async def test_an_attempt_is_stopped_before_the_reaper_may_hand_it_on_even_while_a_heartbeat_hangs(worker, executor):
    running = asyncio.create_task(worker.run())
    await executor.started.wait()
    async with asyncio.timeout(SILENCE):
        await executor.lost.wait()
    assert executor.control.is_lost
    running.cancel()


@pytest.mark.parametrize("cancel", [None, CancelRequest(by="admin", reason=None)], ids=["release", "cancel"])
async def test_a_worker_stops_although_the_database_takes_nothing_back(worker, executor, monkeypatch, cancel):
    monkeypatch.setattr(loop, "FAREWELL_S", 0.05)
    running = asyncio.create_task(worker.run())
    await executor.started.wait()
    executor.control.cancel = cancel
    worker.stop()
    async with asyncio.timeout(5):
        await running


class Connection:
    def __init__(self):
        self.is_terminated = False

    def is_closed(self):
        return self.is_terminated

    def terminate(self):
        self.is_terminated = True


class Connections:
    """Hands out connections and remembers them."""

    def __init__(self):
        self.made = []

    async def dedicated(self):
        self.made.append(Connection())
        return self.made[-1]


async def test_a_heartbeat_that_hangs_costs_its_connection_and_the_next_one_arrives(monkeypatch):
    database = Connections()

    async def beat(tx, _held):
        if tx.connection is database.made[0]:
            await asyncio.Event().wait()
        return {"arrived": None}

    monkeypatch.setattr(source, "beat", beat)
    heart = Heart(database)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(heart.beat([]), 0.05)
    assert await heart.beat([]) == {"arrived": None}
    assert [connection.is_terminated for connection in database.made] == [True, False]


class ForgetfulSource(Source):
    """A database that claims a job and then breaks the connection before the answer, once."""

    def __init__(self):
        super().__init__()
        self.is_broken = True
        self.asked = []

    async def pull(self, slots):
        if self.is_broken:
            self.is_broken = False
            raise DatabaseUnavailable("the answer was lost")
        return await super().pull(slots)

    async def release_unknown(self, held):
        self.asked.append(held)


async def test_a_worker_gives_back_what_a_lost_answer_had_claimed_before_it_pulls_again(executor, monkeypatch):
    monkeypatch.setattr(loop, "RETRY_S", 0.01)
    settings = load(drain_timeout=0, sleep_queue=10)
    source = ForgetfulSource()
    worker = Worker(settings=settings, source=source, executor=executor, heart=HangingHeart(), listener=Listener())
    running = asyncio.create_task(worker.run())
    await executor.started.wait()
    assert source.asked == [[]]
    running.cancel()


class TwiceSource(Source):
    """Hands out two attempts of one job, as to a worker that lost it and claims it again."""

    def __init__(self):
        first = claimed()
        self.jobs = [replace(first, epoch=2), first]
        self.settled = []

    async def pull(self, _slots):
        return [self.jobs.pop()] if self.jobs else []

    async def settle(self, completion, _lock=None):
        self.settled.append(completion.epoch)
        return False


class FirstEnds(Executor):
    """The first attempt ends when it is told to, the second runs on."""

    def __init__(self):
        super().__init__()
        self.both, self.end_first, self.cleaned = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def execute(self, job, _slot, control):
        if job.epoch == 2:
            self.both.set()
            await asyncio.Event().wait()
        await self.end_first.wait()
        return loop._internal_error(job, ValueError("lost"))

    async def clean_up(self, _job):
        self.cleaned.set()


async def test_the_end_of_a_lost_attempt_leaves_the_next_one_of_the_same_job_its_slot_and_its_lease():
    executor = FirstEnds()
    settings = load(drain_timeout=0, sleep_queue=10, worker_slots=2)
    worker = Worker(
        settings=settings, source=TwiceSource(), executor=executor, heart=HangingHeart(), listener=Listener()
    )
    running = asyncio.create_task(worker.run())
    async with asyncio.timeout(5):
        await executor.both.wait()
        assert len(worker._free_slots()) == 0
        executor.end_first.set()
        await executor.cleaned.wait()
    assert [attempt.job.epoch for attempt in worker._attempts.values()] == [2]
    running.cancel()
