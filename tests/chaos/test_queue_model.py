"""The queue's real SQL against a small model, in every order that chance finds: people, two workers, a reaper and time.

Time is injected: `advance` makes the database's stamps older. `CHAOS_EXAMPLES=2000` looks longer; a failure prints what
repeats it.
"""

import asyncio
import os
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from support.api import make_world, open_database
from support.runs import enqueue
from windlass.auth.permissions import Principal
from windlass.db.pool import Transaction
from windlass.errors import Conflict
from windlass.flows.cancel import cancel
from windlass.flows.settle import settle, settle_and_pull
from windlass.jobs import pull
from windlass.jobs.model import Completion, JobKind, Status
from windlass.jobs.pull import Claim, Exchange, Held, Lease
from windlass.jobs.rescue import RescuePolicy
from windlass.maintenance.reaper import reap

pytestmark = pytest.mark.slow

EXAMPLES, STEPS = int(os.environ.get("CHAOS_EXAMPLES", "100")), 60
MAX_ATTEMPTS, SILENCE_S, CROWD = 3, 10, 4
POLICY = RescuePolicy(restart=True, max_attempts=MAX_ATTEMPTS)
ADMIN = Principal(email="admin@windmill.dev", username="admin", role="admin", workspace="main")
IDS = [UUID(int=number) for number in range(1, 4)]
"""What callers choose when they want a request to count once."""
AGE = """
UPDATE job_queue
SET last_ping = last_ping - make_interval(secs => $1), scheduled_for = scheduled_for - make_interval(secs => $1)
"""
PLACES = """
SELECT j.id, q.running, q.epoch, q.worker, c.status, c.epoch AS last_epoch
FROM job j LEFT JOIN job_queue q USING (id) LEFT JOIN job_completed c USING (id)
"""


@dataclass(kw_only=True)
class Job:
    """What the model knows of a job. `due` and `heard` count on the model's clock."""

    number: int
    priority: int
    tag: str
    due: float
    restarts: bool
    place: str = "waiting"  # waiting, running, ended
    epoch: int = 0
    worker: str = ""
    heard: float = 0.0
    canceled: bool = False
    drained: int = 0
    ended_as: str = ""

    def end(self, status: str) -> None:
        """It is over."""
        self.place, self.ended_as = "ended", status

    def give_back(self) -> bool:
        """Whoever comes next may have it, unless it is to be canceled."""
        if not self.canceled:
            self.place, self.worker = "waiting", ""
        return not self.canceled


@dataclass(kw_only=True)
class Model:
    """The queue as it should be."""

    jobs: dict[UUID, Job] = field(default_factory=dict)
    now: float = 0.0

    def to_claim(self, tags: str, slots: int, without: Set[UUID] = frozenset()) -> list[UUID]:
        """What a claim must take; `without` those whose ends come in the same statement."""
        due = [(id, job) for id, job in self.jobs.items()
               if job.place == "waiting" and job.tag in tags and job.due <= self.now and id not in without]  # fmt: skip
        due.sort(key=lambda item: (-item[1].priority, item[1].due, item[1].number))
        return [id for id, _ in due[:slots]]

    def is_held(self, id: UUID, epoch: int) -> bool:
        """Whether an attempt is the running one."""
        job = self.jobs[id]
        return job.place == "running" and job.epoch == epoch

    def running(self) -> list[tuple[UUID, Job]]:
        """What some worker holds."""
        return [(id, job) for id, job in self.jobs.items() if job.place == "running"]

    def zombies(self) -> list[Job]:
        """Whose workers have been silent for too long."""
        return [job for job in self.jobs.values() if job.place == "running" and self.now - job.heard >= SILENCE_S]


def has_room(queue: Any) -> bool:
    """Whether another job makes it more interesting: in a small crowd they meet more often."""
    return sum(job.place != "ended" for job in queue.model.jobs.values()) < CROWD


def has_attempts(queue: Any) -> bool:
    """Whether anything was ever claimed."""
    return bool(queue.attempts)


class Queue(RuleBasedStateMachine):
    """One step after the other, each compared with the model."""

    database: Any = None
    runner: Any = None
    workers = st.sampled_from(["w1", "w2"])
    tags = st.sampled_from(["a", "b", "ab"])

    def do(self, work: Any) -> Any:
        return self.runner.run(work)

    @initialize()
    def empty(self):
        self.model = Model()
        self.epochs: dict[UUID, int] = {}
        self.attempts: list[tuple[UUID, int]] = []
        self.do(self._execute("DELETE FROM job"))

    def attempt(self, data):
        """One of a job that has not ended, current or stale; sometimes another."""
        alive = [(id, epoch) for id, epoch in self.attempts if self.model.jobs[id].place != "ended"]
        running = [(id, job.epoch) for id, job in self.model.running()]
        return data.draw(st.sampled_from(running + alive[::-1] + self.attempts[-1:]))

    def job(self, data):
        """Mostly one that has not ended."""
        alive = [id for id, job in self.model.jobs.items() if job.place != "ended"]
        return data.draw(st.sampled_from(alive[::-1] + list(self.model.jobs)[-1:]))

    @precondition(has_room)
    @rule(priority=st.integers(0, 2), tag=st.sampled_from("ab"), delay=st.sampled_from([0, 0, 0, 5]),
          restarts=st.sampled_from([True, True, False]))  # fmt: skip
    def enqueue(self, priority, tag, delay, restarts):
        id = self.do(self._push(restarts, tag=tag, priority=priority, scheduled_in_secs=delay))
        self._born(id, priority, tag, delay, restarts)

    @precondition(has_room)
    @rule(chosen=st.sampled_from(IDS))
    def enqueue_once(self, chosen):
        if chosen in self.model.jobs:
            with pytest.raises(Conflict):
                self.do(self._push(True, tag="a", job_id=chosen))
        else:
            assert self.do(self._push(True, tag="a", job_id=chosen)) == chosen
            self._born(chosen, 0, "a", 0, True)

    def _born(self, id, priority, tag, delay, restarts):
        self.model.jobs[id] = Job(number=len(self.model.jobs), priority=priority, tag=tag, due=self.model.now + delay,
                                  restarts=restarts)  # fmt: skip

    @rule(worker=workers, tags=tags, slots=st.integers(1, 3))
    def claim(self, worker, tags, slots):
        expected = self.model.to_claim(tags, slots)
        self._claimed(worker, self.do(self._claim(worker, tags, slots)), expected)

    def _claimed(self, worker, claimed, expected):
        assert {job.id for job in claimed} == set(expected)
        for job in claimed:
            known = self.model.jobs[job.id]
            known.place, known.epoch, known.worker, known.heard = "running", known.epoch + 1, worker, self.model.now
            assert job.epoch == known.epoch, "each claim counts"
            assert known.epoch - known.drained <= (MAX_ATTEMPTS if known.restarts else 1), "the budget is kept"
            self.attempts.append((job.id, job.epoch))

    @rule(worker=workers, tags=tags, slots=st.integers(1, 3))
    def claim_whose_answer_is_lost(self, worker, tags, slots):
        known = {
            id: job.epoch for id, job in self.model.jobs.items() if job.worker == worker and job.place == "running"
        }
        self.claim(worker, tags, slots)
        self.do(self._release_unknown(worker, known))
        for id, job in self.model.jobs.items():
            if job.worker == worker and job.place == "running" and id not in known:
                job.drained += job.give_back()

    @precondition(has_attempts)
    @rule(data=st.data(), count=st.integers(1, 4))
    def beat(self, data, count):
        some = list({self.attempt(data) for _ in range(count)})
        held = {id for id, epoch in some if self.model.is_held(id, epoch)}
        answers = self.do(self._beat(some))
        assert {id for id, _ in answers} == held
        for (id, _), lease in answers.items():
            assert lease.is_renewed
            assert (lease.cancel is not None) == self.model.jobs[id].canceled
            self.model.jobs[id].heard = self.model.now

    @precondition(has_attempts)
    @rule(data=st.data())
    def complete(self, data):
        self._end(*self.attempt(data))

    def _end(self, id, epoch):
        assert self.do(self._complete(id, epoch)) is (id in self._accepted([(id, epoch)]))

    @precondition(has_attempts)
    @rule(data=st.data(), count=st.integers(1, 4), worker=workers, tags=tags, slots=st.integers(0, 3))
    def complete_many_and_claim(self, data, count, worker, tags, slots):
        some = list(dict.fromkeys(self.attempt(data) for _ in range(count)))
        expected = self._accepted(some)
        claimable = self.model.to_claim(tags, slots, without={id for id, _ in some})
        answer = self.do(self._exchange(some, worker, tags, slots))
        assert answer.accepted == expected
        self._claimed(worker, answer.claimed, claimable)

    def _accepted(self, attempts):
        """Which of these completions count; the model has them ended then."""
        found = set()
        for id, epoch in attempts:
            job = self.model.jobs[id]
            if job.place != "ended" and job.epoch == epoch:
                found.add(id)
                job.end("success")
        return found

    @precondition(lambda self: self.model.jobs)
    @rule(data=st.data(), force=st.booleans())
    def cancel(self, data, force):
        self._stop(self.job(data), force)

    @precondition(lambda self: self.model.running())
    @rule(data=st.data(), then=st.sampled_from(["release", "fall silent", "complete", "force"]))
    def cancel_a_running_one(self, data, then):
        id, job = data.draw(st.sampled_from(self.model.running()))
        self._stop(id, False)
        match then:
            case "release":
                self._give_back(id, job.epoch)
            case "fall silent":
                self.advance(SILENCE_S)
                self.reap()
            case "complete":
                self._end(id, job.epoch)
            case _:
                self._stop(id, True)

    def _stop(self, id, force):
        job = self.model.jobs[id]
        assert self.do(self._cancel(id, force)) is (job.place != "ended")
        if job.place == "running" and not force:
            job.canceled = True
        elif job.place != "ended":
            job.end("canceled")

    @precondition(has_attempts)
    @rule(data=st.data())
    def release(self, data):
        self._give_back(*self.attempt(data))

    def _give_back(self, id, epoch):
        self.do(self._release(id, epoch))
        if self.model.is_held(id, epoch):
            job = self.model.jobs[id]
            job.drained += job.give_back()

    @rule(seconds=st.sampled_from([1, 4, SILENCE_S]))
    def advance(self, seconds):
        self.model.now += seconds
        self.do(self._execute(AGE, float(seconds)))

    @rule()
    def reap(self):
        zombies = self.model.zombies()
        assert self.do(reap(self.database, silence=SILENCE_S, policy=POLICY)) == len(zombies)
        for job in zombies:
            if job.canceled:
                job.end("canceled")
            elif job.epoch >= MAX_ATTEMPTS or not job.restarts:
                job.end("failure")
            else:
                job.give_back()

    @rule(worker=workers)
    def crash_and_begin_again(self, worker):
        """A worker dies, its leases run out, and all that waits is claimed again."""
        self.advance(SILENCE_S)
        self.reap()
        self.claim(worker, "ab", 3)

    @invariant()
    def the_tables_say_the_same_as_the_model(self):
        if not hasattr(self, "model"):
            return
        rows = self.do(self._fetch(PLACES))
        assert {row["id"] for row in rows} == set(self.model.jobs), "what was enqueued is there, and nothing else"
        for row in rows:
            self._compare(row, self.model.jobs[row["id"]])

    def _compare(self, row, job):
        assert (row["running"] is None) == (row["status"] is not None), "in exactly one place"
        place = "ended" if row["status"] else "running" if row["running"] else "waiting"
        assert (place, row["status"] or "") == (job.place, job.ended_as)
        epoch = row["last_epoch"] if row["status"] else row["epoch"]
        assert epoch == job.epoch >= self.epochs.get(row["id"], 0), "the epoch never goes back"
        self.epochs[row["id"]] = epoch
        if place == "running":
            assert row["worker"] == job.worker

    async def _push(self, restarts: bool, **request: Any) -> UUID:
        async with self.database.system() as tx:
            id = await enqueue(tx, kind=JobKind.PREVIEW, code="1", language="bash", **request)
            await tx.connection.execute("UPDATE job SET retry_on_crash = $2 WHERE id = $1", id, restarts)
            return id

    async def _claim(self, worker: str, tags: str, slots: int) -> list[Any]:
        async with self.database.system_statement() as tx:
            return await pull.pull(tx, Claim(worker=worker, tags=tuple(tags), slots=slots))

    async def _exchange(self, ended: Sequence[tuple[UUID, int]], worker: str, tags: str, slots: int) -> Exchange:
        claim = Claim(worker=worker, tags=tuple(tags), slots=slots)
        async with self.database.system_statement() as tx:
            return await settle_and_pull(tx, [_success(id, epoch) for id, epoch in ended], claim)

    async def _release_unknown(self, worker: str, known: dict[UUID, int]) -> None:
        held = [Held(job_id=id, epoch=epoch) for id, epoch in known.items()]
        async with self.database.system_statement() as tx:
            await pull.release_unknown(tx, worker=worker, held=held)

    async def _beat(self, attempts: Sequence[tuple[UUID, int]]) -> dict[tuple[UUID, int], Lease]:
        async with self.database.system_statement() as tx:
            return await pull.beat(tx, [Held(job_id=id, epoch=epoch) for id, epoch in attempts])

    async def _complete(self, id: UUID, epoch: int) -> bool:
        async with self.database.system() as tx:
            return await settle(tx, _success(id, epoch))

    async def _cancel(self, id: UUID, force: bool) -> bool:
        async with self.database.system() as tx:
            return await cancel(Transaction(connection=tx.connection, actor=ADMIN), id, reason="why", force=force)

    async def _release(self, id: UUID, epoch: int) -> None:
        async with self.database.system() as tx:
            await pull.release(tx, Held(job_id=id, epoch=epoch))

    async def _execute(self, statement: str, *values: object) -> None:
        async with self.database.system() as tx:
            await tx.connection.execute(statement, *values)

    async def _fetch(self, statement: str) -> list[Any]:
        async with self.database.system() as tx:
            return await tx.connection.fetch(statement)


def _success(id: UUID, epoch: int) -> Completion:
    return Completion(job_id=id, epoch=epoch, status=Status.SUCCESS, result=b"1")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(database):
    """A database with a workspace."""
    await make_world(database)
    return database


def test_the_queue_agrees_with_the_model_in_every_order(urls, world):
    with asyncio.Runner() as runner:
        Queue.database, Queue.runner = open_database(urls), runner
        runner.run(Queue.database.open())
        try:
            run_state_machine_as_test(Queue, settings=settings(
                max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None, print_blob=True,
                suppress_health_check=list(HealthCheck),
            ))  # fmt: skip
        finally:
            runner.run(Queue.database.close())
