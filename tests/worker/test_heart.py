"""Leases with a database that hangs, and with a worker's loop that does."""

import asyncio
import threading
from types import SimpleNamespace
from uuid import uuid4

import pytest

from windlass.db.pool import Line
from windlass.jobs.pull import CancelRequest, Held, Lease
from windlass.worker import heart as heart_module
from windlass.worker.heart import Heart, clock

JOB = uuid4()
KEY = (JOB, 1)
HOLDER = SimpleNamespace(held=Held(job_id=JOB, epoch=1))


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

    async def dedicated(self, **_options):
        self.made.append(Connection())
        return self.made[-1]


class Owner:
    """Stands where the worker is, and does as it is told."""

    def __init__(self, heart):
        self.heart = heart
        self.lost, self.canceled = asyncio.Event(), asyncio.Event()

    def lose(self, keys, reason):
        self.reason = reason
        for key in keys:
            self.heart.drop(key)
        self.lost.set()

    def cancel(self, key, request):
        self.request = (key, request)
        self.canceled.set()


def answering(monkeypatch, answer):
    """The heartbeat's statement is this function of the connection."""

    async def beat(tx, _held):
        return await answer(tx.connection)

    monkeypatch.setattr(heart_module, "beat", beat)


async def for_ever(_connection):
    await asyncio.Event().wait()


def make_heart(*, interval=0.02, patience=60.0, sever=lambda: None, database=None):
    line = Line(database or Connections(), timeout=10, session={})
    return Heart(line, interval=interval, patience=patience, sever=sever)


async def run_until(heart, owner, event):
    running = asyncio.create_task(heart.run(owner))
    try:
        async with asyncio.timeout(10):
            await event.wait()
    finally:
        running.cancel()
        await asyncio.wait([running])


async def test_an_attempt_is_lost_before_the_reaper_may_hand_it_on_even_while_a_heartbeat_hangs(monkeypatch):
    answering(monkeypatch, for_ever)
    heart = make_heart(interval=30, patience=0.3)
    owner = Owner(heart)
    begun = clock()
    heart.hold(KEY, HOLDER, since=begun)
    heart.ask()
    await run_until(heart, owner, owner.lost)
    assert owner.reason == "the lease could not be renewed"
    assert 0.3 <= clock() - begun < 2


async def test_a_lease_that_is_renewed_is_kept(monkeypatch):
    beats = []
    enough = asyncio.Event()
    home = asyncio.get_running_loop()

    async def answer(_connection):
        beats.append(clock())
        if beats[-1] - beats[0] > 1:
            home.call_soon_threadsafe(enough.set)
        return {KEY: Lease(is_renewed=True, cancel=None)}

    answering(monkeypatch, answer)
    heart = make_heart(patience=0.4)
    owner = Owner(heart)
    heart.hold(KEY, HOLDER, since=clock())
    await run_until(heart, owner, enough)
    assert not owner.lost.is_set()


async def test_a_lease_whose_row_is_held_by_somebody_ends_in_time(monkeypatch):
    async def answer(_connection):
        return {KEY: Lease(is_renewed=False, cancel=None)}

    answering(monkeypatch, answer)
    heart = make_heart(patience=0.3)
    owner = Owner(heart)
    heart.hold(KEY, HOLDER, since=clock())
    await run_until(heart, owner, owner.lost)
    assert owner.reason == "the lease could not be renewed"


async def test_what_the_answer_does_not_name_is_lost(monkeypatch):
    async def answer(_connection):
        return {}

    answering(monkeypatch, answer)
    heart = make_heart()
    owner = Owner(heart)
    heart.hold(KEY, HOLDER, since=clock())
    await run_until(heart, owner, owner.lost)
    assert "another attempt" in owner.reason


async def test_a_cancel_arrives_as_soon_as_it_is_asked_for(monkeypatch):
    request = CancelRequest(by="admin", reason="why")

    async def answer(_connection):
        return {KEY: Lease(is_renewed=True, cancel=request)}

    answering(monkeypatch, answer)
    heart = make_heart(interval=30)
    owner = Owner(heart)
    heart.hold(KEY, HOLDER, since=clock())
    running = asyncio.create_task(heart.run(owner))
    await asyncio.sleep(0)  # the thread runs
    heart.ask()
    async with asyncio.timeout(5):
        await owner.canceled.wait()
    running.cancel()
    assert owner.request == (KEY, request)


async def test_a_heartbeat_that_hangs_costs_its_connection_and_the_next_one_arrives(monkeypatch):
    database, arrived, home = Connections(), asyncio.Event(), asyncio.get_running_loop()

    async def answer(connection):
        if connection is database.made[0]:
            await asyncio.Event().wait()
        home.call_soon_threadsafe(arrived.set)
        return {KEY: Lease(is_renewed=True, cancel=None)}

    answering(monkeypatch, answer)
    heart = make_heart(database=database)
    heart.hold(KEY, HOLDER, since=clock())
    await run_until(heart, Owner(heart), arrived)
    assert len(database.made) == 2 and database.made[0].is_terminated


async def test_a_heart_that_fails_says_so_to_the_worker(monkeypatch):
    async def answer(_connection):
        raise ZeroDivisionError

    answering(monkeypatch, answer)
    heart = make_heart()
    heart.hold(KEY, HOLDER, since=clock())
    with pytest.raises(ExceptionGroup):
        async with asyncio.timeout(5):
            await heart.run(Owner(heart))


def test_jobs_end_without_the_worker_s_loop_when_that_does_not_react(monkeypatch):
    answering(monkeypatch, for_ever)
    monkeypatch.setattr(heart_module, "REACTION_S", 0.1)
    severed = threading.Event()
    heart = make_heart(patience=0.2, sever=severed.set)

    async def block():
        running = asyncio.create_task(heart.run(Owner(heart)))
        await asyncio.sleep(0)
        heart.hold(KEY, HOLDER, since=clock())
        is_severed = severed.wait(10)  # holds the loop up, as a fault of ours might
        running.cancel()
        return is_severed

    assert asyncio.run(block())
