"""The queue's SQL: single promises, and a random walk of two workers against a small model."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from support.api import make_world, open_database
from support.runs import enqueue, until
from windlass.auth.permissions import Principal
from windlass.db.pool import Transaction
from windlass.errors import Conflict
from windlass.flows.cancel import cancel
from windlass.flows.settle import settle, settle_and_pull
from windlass.jobs import pull
from windlass.jobs.model import Completion, JobKind, LogChunk, Status
from windlass.jobs.pull import Claim, Held, Lease
from windlass.jobs.rescue import RescuePolicy
from windlass.maintenance.reaper import reap

MAX_ATTEMPTS = 3
POLICY = RescuePolicy(restart=True, max_attempts=MAX_ATTEMPTS)
ADMIN = Principal(email="admin@windmill.dev", username="admin", role="admin", workspace="main")
PLACES = """
SELECT j.id, q.running, q.epoch, q.worker, c.status, c.epoch AS last_epoch
FROM job j LEFT JOIN job_queue q USING (id) LEFT JOIN job_completed c USING (id)
"""
HUSH = "UPDATE job_queue SET last_ping = now() - interval '1 hour' WHERE id = $1 AND epoch = $2 AND running"


async def push(tx, *, tag="a", **request):
    return await enqueue(tx, kind=JobKind.PREVIEW, code="1", language="bash", tag=tag, **request)


async def pushed(database, **request):
    """A job in a transaction of its own, so that it is due later than the one before."""
    async with database.system() as tx:
        return await push(tx, **request)


async def claim(database, worker="w1", tags=("a",), slots=1):
    async with database.system_statement() as tx:
        return await pull.pull(tx, Claim(worker=worker, tags=tags, slots=slots))


async def complete(database, job_id, epoch, result=b"1"):
    async with database.system() as tx:
        return await settle(tx, Completion(job_id=job_id, epoch=epoch, status=Status.SUCCESS, result=result))


async def exchange(database, ended, worker="w1", tags=("a",), slots=0, is_wide=False, front=None, result=b"1", **other):
    """Settle attempts, by id and epoch, and claim in the same statement."""
    outcomes = [
        Completion(job_id=id, epoch=epoch, status=Status.SUCCESS, result=result, **other) for id, epoch in ended
    ]
    async with database.system_statement() as tx:
        return await settle_and_pull(
            tx, outcomes, Claim(worker=worker, tags=tags, slots=slots, is_wide=is_wide, front=front)
        )


async def ask_to_cancel(database, job_id, *, force=False):
    async with database.system() as tx:
        return await cancel(Transaction(connection=tx.connection, actor=ADMIN), job_id, reason="why", force=force)


async def outcome(database, job_id):
    async with database.system() as tx:
        return await tx.connection.fetchrow(
            "SELECT status, result::text, epoch, canceled_by FROM job_completed WHERE id = $1", job_id
        )


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(database):
    """A database with a workspace."""
    await make_world(database)
    return database


@pytest_asyncio.fixture(loop_scope="session")
async def queue(world):
    """The same with an empty queue."""
    async with world.system() as tx:
        await tx.connection.execute("DELETE FROM job")
    return world


async def test_a_claim_takes_the_highest_priority_first_and_then_the_oldest(queue):
    made = []
    for priority in (0, 5, 0, 5):
        async with queue.system() as tx:
            made.append(await push(tx, priority=priority))
    order = [(await claim(queue))[0].id for _ in made]
    assert order == [made[1], made[3], made[0], made[2]]
    assert await claim(queue) == []


async def test_a_claim_leaves_what_is_not_due_and_what_has_another_tag(queue):
    async with queue.system() as tx:
        await push(tx, scheduled_in_secs=3600)
        await push(tx, scheduled_for=datetime.now(UTC) + timedelta(hours=1))
        await push(tx, tag="b")
        past = await push(tx, scheduled_for=datetime.now(UTC) - timedelta(days=1))
    assert [job.id for job in await claim(queue, slots=9)] == [past]


async def test_of_two_workers_at_once_each_job_has_one(queue):
    async with queue.system() as tx:
        made = {await push(tx) for _ in range(40)}
    taken = await asyncio.gather(*(claim(queue, worker=f"w{n}", slots=7) for n in range(8)))
    ids = [job.id for batch in taken for job in batch]
    assert len(ids) == len(set(ids)) == 40 and set(ids) == made


async def test_a_second_push_with_the_same_id_is_a_conflict_and_pushes_nothing(queue):
    chosen = uuid4()
    async with queue.system() as tx:
        await push(tx, job_id=chosen)
    with pytest.raises(Conflict):
        async with queue.system() as tx:
            await push(tx, job_id=chosen)
    assert len(await claim(queue, slots=9)) == 1


async def test_a_push_that_is_rolled_back_was_never_there(queue):
    class Broken(Exception):
        pass

    with pytest.raises(Broken):
        async with queue.system() as tx:
            await push(tx)
            raise Broken
    assert await claim(queue) == []


async def test_a_stale_epoch_completes_nothing(queue):
    async with queue.system() as tx:
        job_id = await push(tx)
    (first,) = await claim(queue)
    async with queue.system() as tx:
        await pull.release(tx, Held(job_id=job_id, epoch=first.epoch))
    (second,) = await claim(queue, worker="w2")
    assert (first.epoch, second.epoch) == (1, 2)
    assert await complete(queue, job_id, 1, b'"stale"') is False
    assert await outcome(queue, job_id) is None
    assert await complete(queue, job_id, 2, b'"fresh"') is True
    assert await complete(queue, job_id, 2, b'"again"') is False
    assert (await outcome(queue, job_id))["result"] == '"fresh"'


async def test_of_a_batch_each_outcome_is_accepted_or_fenced_for_itself(queue):
    async with queue.system() as tx:
        made = {await push(tx) for _ in range(5)}
    held = [(job.id, job.epoch) for job in await claim(queue, slots=3)]
    stale, unknown = (held[0][0], 7), (uuid4(), 1)
    answer = await exchange(queue, [stale, unknown, held[1], held[2]], slots=4)
    assert answer.accepted == {held[1][0], held[2][0]}
    assert {job.id for job in answer.claimed} == made - {id for id, _ in held} and not answer.is_contended
    again = await exchange(queue, [held[1], held[2]])
    assert again.accepted == frozenset() and again.claimed == []


async def test_the_rest_of_a_log_and_the_labels_come_with_the_outcome(queue):
    async with queue.system() as tx:
        job_id = await push(tx)
    (job,) = await claim(queue)
    await exchange(
        queue, [(job_id, job.epoch)], labels=("a", 'b "c"'), log=LogChunk(start=0, content="the end \U0001f600")
    )
    async with queue.system() as tx:
        labels = await tx.connection.fetchval("SELECT labels FROM job_completed WHERE id = $1", job_id)
        chunk = await tx.connection.fetchrow("SELECT * FROM job_log WHERE job_id = $1", job_id)
    assert labels == ["a", 'b "c"']
    assert (chunk["start_offset"], chunk["end_offset"], chunk["content"]) == (0, 10, "the end \U0001f600")


async def test_a_fenced_outcome_leaves_no_log(queue):
    async with queue.system() as tx:
        job_id = await push(tx)
    await claim(queue)
    await exchange(queue, [(job_id, 9)], log=LogChunk(start=0, content="stale"))
    async with queue.system() as tx:
        assert await tx.connection.fetchval("SELECT count(*) FROM job_log WHERE job_id = $1", job_id) == 0


async def test_a_big_batch_is_told_in_few_notifications_that_name_every_job(queue, urls):
    async with queue.system() as tx:
        for _ in range(450):
            await push(tx)
    held = [(job.id, job.epoch) for job in await claim(queue, slots=450)]
    listener = await asyncpg.connect(urls.system)
    try:
        news: list[str] = []
        await listener.add_listener("job_done", lambda *event: news.append(str(event[-1])))
        await exchange(queue, held)
        await until(lambda: _later(sum(text.count(",") + 1 for text in news) >= 450))
    finally:
        await listener.close()
    assert len(news) == 3 and {UUID(id) for text in news for id in text.split(",")} == {id for id, _ in held}


async def test_news_of_a_single_short_outcome_carry_it_and_those_of_a_long_one_do_not(queue, urls):
    listener = await asyncpg.connect(urls.system)
    try:
        news: list[str] = []
        await listener.add_listener("job_done", lambda *event: news.append(str(event[-1])))
        expected = []
        for result in (b'{"a": "b, c"}', b'"' + b"x" * 4000 + b'"'):
            await pushed(queue)
            [job] = await claim(queue)
            await exchange(queue, [(job.id, job.epoch)], result=result)
            expected.append(f"{job.id} success {result.decode()}" if len(result) < 4000 else str(job.id))
        await until(lambda: _later(len(news) == 2))
    finally:
        await listener.close()
    assert news == expected


async def _later(answer):
    return answer


async def test_a_claim_passes_over_what_another_worker_is_about_to_take(queue):
    first = await pushed(queue)
    second = await pushed(queue)
    async with queue.system() as tx:
        await tx.connection.execute("SELECT 1 FROM job_queue WHERE id = $1 FOR UPDATE", first)
        one = await exchange(queue, [], slots=1)
        none = await exchange(queue, [], slots=1)
    assert [job.id for job in one.claimed] == [second] and not one.is_contended
    assert none.claimed == [] and none.is_contended


async def test_jobs_behind_a_locked_one_of_higher_priority_are_claimed_by_asking_widely(queue):
    first = await pushed(queue, priority=1)
    rest = [await pushed(queue), await pushed(queue)]
    async with queue.system() as tx:
        await tx.connection.execute("SELECT 1 FROM job_queue WHERE id = $1 FOR UPDATE", first)
        narrow = await exchange(queue, [], slots=1)
        wide = await exchange(queue, [], slots=1, is_wide=True)
    assert narrow.claimed == [] and narrow.is_contended
    assert [job.id for job in wide.claimed] == rest[:1] and not wide.is_contended


async def test_a_claim_from_the_front_goes_on_where_the_last_one_found_more(queue):
    old, high, low, newest = [await pushed(queue, priority=priority) for priority in (0, 1, 0, 0)]
    first = await exchange(queue, [], slots=2)
    assert {job.id for job in first.claimed} == {high, old}
    second = await exchange(queue, [], slots=1, front=first.front)
    assert [job.id for job in second.claimed] == [low]
    higher, of_another_tag = await pushed(queue, priority=7), await pushed(queue, tag="b")
    third = await exchange(queue, [], slots=5, tags=("a", "b"), front=second.front)
    assert [job.id for job in third.claimed] == [newest]
    rest = await exchange(queue, [], slots=5, tags=("a", "b"))
    assert [job.id for job in rest.claimed] == [higher, of_another_tag]
    assert rest.front is not None and (await exchange(queue, [], slots=5, front=rest.front)).front is None


async def test_a_heartbeat_does_not_wait_for_a_row_that_somebody_holds_and_says_so(queue):
    async with queue.system() as tx:
        job_id = await push(tx)
    await claim(queue)
    async with queue.system() as tx:
        await tx.connection.execute("SELECT 1 FROM job_queue WHERE id = $1 FOR UPDATE", job_id)
        async with queue.system_statement() as other:
            answers = await pull.beat(other, [Held(job_id=job_id, epoch=1)])
    assert answers == {(job_id, 1): Lease(is_renewed=False, cancel=None)}


async def test_of_many_completions_at_once_one_counts(queue):
    async with queue.system() as tx:
        job_id = await push(tx)
    (job,) = await claim(queue)
    answers = await asyncio.gather(*(complete(queue, job_id, job.epoch, str(n).encode()) for n in range(6)))
    assert sorted(answers) == [False] * 5 + [True]
    assert (await outcome(queue, job_id))["result"] == str(answers.index(True))


async def test_a_cancel_and_a_completion_at_once_leave_one_end(queue):
    for _ in range(10):
        async with queue.system() as tx:
            job_id = await push(tx)
        (job,) = await claim(queue)
        done, _ = await asyncio.gather(complete(queue, job_id, job.epoch), ask_to_cancel(queue, job_id, force=True))
        assert (await outcome(queue, job_id))["status"] == ("success" if done else "canceled")


async def test_a_heartbeat_answers_only_what_the_worker_still_holds(queue):
    async with queue.system() as tx:
        kept, lost, canceled = [await push(tx) for _ in range(3)]
    claimed = {job.id: job for job in await claim(queue, slots=3)}
    async with queue.system() as tx:
        await pull.release(tx, Held(job_id=lost, epoch=1))
    await ask_to_cancel(queue, canceled)
    async with queue.system_statement() as tx:
        held = [Held(job_id=id, epoch=job.epoch, mem_peak=5) for id, job in claimed.items()]
        answers = await pull.beat(tx, [*held, Held(job_id=kept, epoch=9)])
    assert set(answers) == {(kept, 1), (canceled, 1)}
    assert answers[kept, 1] == Lease(is_renewed=True, cancel=None)
    request = answers[canceled, 1].cancel
    assert request is not None and (request.by, request.reason) == ("admin", "why")


async def test_what_a_worker_claimed_without_learning_of_it_is_given_back(queue):
    async with queue.system() as tx:
        for _ in range(3):
            await push(tx)
    known, unknown, foreign = [(await claim(queue, worker))[0].id for worker in ("w1", "w1", "w2")]
    async with queue.system_statement() as tx:
        await pull.release_unknown(tx, worker="w1", held=[Held(job_id=known, epoch=1)])
    async with queue.system() as tx:
        rows = await tx.connection.fetch("SELECT id, running FROM job_queue")
    assert {row["id"]: row["running"] for row in rows} == {known: True, unknown: False, foreign: True}
    assert [(job.id, job.epoch) for job in await claim(queue, "w1")] == [(unknown, 2)]


async def test_a_canceled_attempt_that_its_worker_gives_back_does_not_start_again(queue):
    async with queue.system() as tx:
        job_id = await push(tx)
    (job,) = await claim(queue)
    await ask_to_cancel(queue, job_id)
    async with queue.system() as tx:
        await pull.release(tx, Held(job_id=job_id, epoch=job.epoch))
    assert await claim(queue) == []
    assert await reap(queue, silence=-1, policy=POLICY) == 1
    assert (await outcome(queue, job_id))["status"] == "canceled"


# The walk


@dataclass
class Job:
    """What the model knows of a job."""

    number: int
    priority: int
    tag: str
    place: str = "waiting"  # waiting, running, ended
    epoch: int = 0
    worker: str = ""
    silent: bool = False
    canceled: bool = False
    ended_as: str = ""


@dataclass
class Model:
    """The queue as it should be."""

    jobs: dict[UUID, Job] = field(default_factory=dict)

    def due(self, tags, slots, besides=()):
        """What a claim must take, besides what the same statement is told the end of."""
        waiting = [(id, job) for id, job in self.jobs.items()
                   if job.place == "waiting" and job.tag in tags and id not in besides]  # fmt: skip
        return {id for id, _ in sorted(waiting, key=lambda item: (-item[1].priority, item[1].number))[:slots]}

    def is_held(self, id, epoch):
        """Whether an attempt is the running one."""
        job = self.jobs[id]
        return job.place == "running" and job.epoch == epoch

    def is_unclaimed_since(self, id, epoch):
        """Whether the end of an attempt counts."""
        job = self.jobs[id]
        return job.place != "ended" and job.epoch == epoch


class Walk(RuleBasedStateMachine):
    """Two workers, some people and a reaper, one after the other in every order."""

    database = None
    runner = None
    ids = Bundle("ids")
    attempts = Bundle("attempts")
    workers = st.sampled_from(["w1", "w2"])

    def do(self, work):
        return self.runner.run(work)

    @initialize()
    def empty(self):
        self.model = Model()
        self.do(self._execute("DELETE FROM job"))

    @rule(target=ids, priority=st.integers(0, 2), tag=st.sampled_from("ab"))
    def enqueue(self, priority, tag):
        async def work():
            async with self.database.system() as tx:
                return await push(tx, tag=tag, priority=priority)

        id = self.do(work())
        self.model.jobs[id] = Job(number=len(self.model.jobs), priority=priority, tag=tag)
        return id

    @rule(target=attempts, worker=workers, tags=st.sampled_from(["a", "b", "ab"]), slots=st.integers(1, 3))
    def claim(self, worker, tags, slots):
        expected = self.model.due(tags, slots)
        claimed = self.do(claim(self.database, worker, tuple(tags), slots))
        assert {job.id for job in claimed} == expected
        for job in claimed:
            known = self.model.jobs[job.id]
            known.place, known.epoch, known.worker, known.silent = "running", known.epoch + 1, worker, False
            assert job.epoch == known.epoch
        return multiple(*((job.id, job.epoch) for job in claimed))

    @rule(some=st.lists(attempts, max_size=4, unique=True))
    def beat(self, some):
        async def work():
            async with self.database.system_statement() as tx:
                return await pull.beat(tx, [Held(job_id=id, epoch=epoch) for id, epoch in some])

        held = {(id, epoch) for id, epoch in some if self.model.is_held(id, epoch)}
        answers = self.do(work())
        assert set(answers) == held
        for (id, _), lease in answers.items():
            assert lease.is_renewed and (lease.cancel is not None) == self.model.jobs[id].canceled
            self.model.jobs[id].silent = False

    @rule(attempt=attempts)
    def complete(self, attempt):
        id, epoch = attempt
        job = self.model.jobs[id]
        expected = self.model.is_unclaimed_since(id, epoch)
        assert self.do(complete(self.database, id, epoch)) is expected
        if expected:
            job.place, job.ended_as = "ended", "success"

    @rule(
        target=attempts, ended=st.lists(attempts, max_size=4, unique=True), worker=workers,
        tags=st.sampled_from(["a", "b", "ab"]), slots=st.integers(0, 3),
    )  # fmt: skip
    def settle_and_claim(self, ended, worker, tags, slots):
        accepted = {id for id, epoch in ended if self.model.is_unclaimed_since(id, epoch)}
        expected = self.model.due(tags, slots, besides={id for id, _ in ended})
        answer = self.do(exchange(self.database, ended, worker, tuple(tags), slots))
        assert answer.accepted == accepted and not answer.is_contended
        assert {job.id for job in answer.claimed} == expected
        for id in accepted:
            self.model.jobs[id].place, self.model.jobs[id].ended_as = "ended", "success"
        for job in answer.claimed:
            known = self.model.jobs[job.id]
            known.place, known.epoch, known.worker, known.silent = "running", known.epoch + 1, worker, False
        return multiple(*((job.id, job.epoch) for job in answer.claimed))

    @rule(id=ids, force=st.booleans())
    def cancel(self, id, force):
        job = self.model.jobs[id]
        assert self.do(ask_to_cancel(self.database, id, force=force)) is (job.place != "ended")
        if job.place == "running" and not force:
            job.canceled = True
        elif job.place != "ended":
            job.place, job.ended_as = "ended", "canceled"

    @rule(attempt=attempts)
    def release(self, attempt):
        async def work():
            async with self.database.system() as tx:
                await pull.release(tx, Held(job_id=attempt[0], epoch=attempt[1]))

        self.do(work())
        job = self.model.jobs[attempt[0]]
        if self.model.is_held(*attempt) and not job.canceled:
            job.place = "waiting"

    @rule(attempt=attempts)
    def fall_silent(self, attempt):
        self.do(self._execute(HUSH, *attempt))
        if self.model.is_held(*attempt):
            self.model.jobs[attempt[0]].silent = True

    @rule(target=attempts, attempt=attempts, tags=st.sampled_from(["a", "ab"]))
    def lose_and_claim_again(self, attempt, tags):
        self.fall_silent(attempt)
        self.reap()
        return self.claim("w2", tags, 3)

    @rule()
    def reap(self):
        zombies = [job for job in self.model.jobs.values() if job.place == "running" and job.silent]
        assert self.do(reap(self.database, silence=60, policy=POLICY)) == len(zombies)
        for job in zombies:
            if job.canceled or job.epoch >= MAX_ATTEMPTS:
                job.place, job.ended_as = "ended", "canceled" if job.canceled else "failure"
            else:
                job.place = "waiting"

    @invariant()
    def the_tables_say_the_same_as_the_model(self):
        if not hasattr(self, "model"):
            return
        rows = self.do(self._fetch(PLACES))
        assert {row["id"] for row in rows} == set(self.model.jobs)
        for row in rows:
            job = self.model.jobs[row["id"]]
            assert (row["running"] is None) == (row["status"] is not None), "in exactly one place"
            place = "ended" if row["status"] else "running" if row["running"] else "waiting"
            assert (place, row["status"] or "") == (job.place, job.ended_as)
            assert (row["last_epoch"] if row["status"] else row["epoch"]) == job.epoch
            if place == "running":
                assert row["worker"] == job.worker

    async def _execute(self, statement, *values):
        async with self.database.system() as tx:
            await tx.connection.execute(statement, *values)

    async def _fetch(self, statement):
        async with self.database.system() as tx:
            return await tx.connection.fetch(statement)


def test_two_workers_and_a_reaper_agree_with_the_model_in_every_order(urls, world):
    with asyncio.Runner() as runner:
        Walk.database, Walk.runner = open_database(urls), runner
        runner.run(Walk.database.open())
        try:
            run_state_machine_as_test(Walk, settings=settings(
                max_examples=200, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck),
            ))  # fmt: skip
        finally:
            runner.run(Walk.database.close())
