"""A job's log on its way to the database, with a database that is slow, away, or answers too late."""

import asyncio
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

import pytest

from windlass.errors import DatabaseUnavailable
from windlass.jobs.model import LogChunk
from windlass.jobs.pull import Held
from windlass.worker.logs import JobLog, Lane, Output

HELD = Held(job_id=uuid4(), epoch=1)


class Column:
    """What has arrived, by offset: a repeat of an offset changes nothing, as in the real table."""

    def __init__(self):
        self.chunks = {}
        self.arrived = asyncio.Event()
        self.goes_on = asyncio.Event()
        self.goes_on.set()
        self.loses_answers = 0

    async def append(self, _tx, _held, *, start, content):
        self.chunks.setdefault(start, content)
        self.arrived.set()
        await self.goes_on.wait()
        if self.loses_answers:
            self.loses_answers -= 1
            raise DatabaseUnavailable("the answer was lost")
        return start + len(content)

    @property
    def text(self):
        return "".join(content for _, content in sorted(self.chunks.items()))


class Statements:
    """A database that has nothing but connections."""

    @asynccontextmanager
    async def system_statement(self):
        yield None


@pytest.fixture
def column():
    return Column()


async def test_what_is_written_while_a_batch_is_on_its_way_is_sent_too(column):
    lane = Lane(append=column.append)
    lane.waiting.append("first ")
    column.goes_on.clear()
    flushing = asyncio.create_task(lane.flush(Statements(), HELD))
    await column.arrived.wait()
    lane.waiting.append("second")
    column.goes_on.set()
    await flushing
    assert column.text == "first second"


async def test_a_batch_whose_answer_was_lost_is_repeated_unchanged_and_what_follows_comes_after_it(column):
    lane = Lane(append=column.append)
    lane.waiting.append("first ")
    column.loses_answers = 1
    with suppress(DatabaseUnavailable):
        await lane.flush(Statements(), HELD)
    lane.waiting.append("second")
    await lane.flush(Statements(), HELD)
    assert column.text == "first second"
    assert lane.end == len("first second")


async def test_closing_lets_the_batch_on_its_way_arrive_and_sends_the_rest(column, monkeypatch):
    monkeypatch.setattr("windlass.worker.logs.logs.append", column.append)
    log = JobLog(Statements(), HELD, limit=1000)
    await log.open()
    column.goes_on.clear()
    log.write("first ")
    await column.arrived.wait()
    log.write("second")
    closing = asyncio.create_task(log.close())
    column.goes_on.set()
    await closing
    assert column.text == "first second"


async def test_beyond_the_limit_the_log_says_so_once_and_the_tail_is_still_kept(column, monkeypatch):
    monkeypatch.setattr("windlass.worker.logs.logs.append", column.append)
    log = JobLog(Statements(), HELD, limit=1024)
    await log.open()
    output = Output(log, keeps_tail=True)
    for _ in range(100):
        output.feed(b"x" * 100)
    output.feed(b"\nthe end")
    await log.close()
    assert column.text.startswith("x" * 1024 + "\n")
    assert column.text.count("the rest is dropped") == 1
    assert len(column.text) < 1100
    assert output.tail.endswith(b"the end")


async def test_a_short_log_is_handed_out_for_the_statement_that_settles_and_costs_none_of_its_own(column, monkeypatch):
    monkeypatch.setattr("windlass.worker.logs.logs.append", column.append)
    log = JobLog(Statements(), HELD, limit=1000)
    await log.open()
    log.write("short ")
    log.write("log")
    assert await log.take() == LogChunk(start=0, content="short log")
    await log.close()
    assert column.chunks == {}


async def test_what_follows_a_flushed_piece_is_handed_out_with_its_place(column, monkeypatch):
    monkeypatch.setattr("windlass.worker.logs.logs.append", column.append)
    log = JobLog(Statements(), HELD, limit=1000)
    await log.open()
    log.write("first ")
    await column.arrived.wait()
    log.write("second")
    assert await log.take() == LogChunk(start=6, content="second")
    await log.close()
    assert column.text == "first "


async def test_a_piece_that_may_have_arrived_is_repeated_by_itself_and_not_handed_out():
    lane = Lane(append=Column().append, batch="unsure", waiting=["more"])
    assert lane.take() is None


async def test_a_long_rest_goes_on_its_own(column, monkeypatch):
    monkeypatch.setattr("windlass.worker.logs.logs.append", column.append)
    log = JobLog(Statements(), HELD, limit=100_000)
    await log.open()
    log.write("x" * 50_000)
    assert await log.take() is None
    await log.close()
    assert column.text == "x" * 50_000
