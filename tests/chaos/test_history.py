"""The judge itself: it acquits a good run and finds each kind of wrong that is planted in one."""

import pytest

from chaos.history import Event, Rules, check
from chaos.oracle import Note, Pen, read

A, B = "job-a", "job-b"


def note(kind, epoch, at, job=A, pid=1):
    return Note(kind=kind, job=job, epoch=epoch, at=at, pid=pid)


def event(kind, epoch, status="", job=A):
    return Event(kind=kind, job=job, epoch=epoch, status=status)


def ran(epoch, begin, end, pid=1, job=A):
    return [note("start", epoch, begin, job, pid), note("end", epoch, end, job, pid)]


def ended(epoch, status="success", job=A):
    return [event("left", epoch, job=job), event("completed", epoch, status, job)]


def judge(notes, events, **rules):
    return check(notes, events, Rules(**({"accepted": [A]} | rules)))


PLAIN = [event("queued", 0), event("claimed", 1), *ended(1)]
AGAIN = [event("queued", 0), event("claimed", 1), event("released", 1), event("claimed", 2), *ended(2)]


def test_a_job_that_ran_once_and_ended_once_is_no_violation():
    report = judge(ran(1, 0.0, 1.0), PLAIN)
    assert (report.violations, report.lost, report.doubled, report.restarts, report.overlap_ms) == ([], 0, 0, 0, 0)


def test_a_job_that_was_started_again_after_its_first_attempt_died_is_no_violation():
    report = judge([note("start", 1, 0.0), *ran(2, 2.5, 3.0, pid=2)], AGAIN)
    assert (report.violations, report.restarts, report.overlap_ms) == ([], 1, 0)


def test_a_job_that_was_canceled_before_it_ran_is_no_violation():
    assert judge([], [event("queued", 0), *ended(0, "canceled")]).violations == []


def test_a_job_that_nobody_acknowledged_may_be_missing():
    assert judge(ran(1, 0.0, 1.0), PLAIN, accepted=[A]).lost == 0


def test_an_attempt_that_lives_on_into_the_next_is_measured():
    notes = [note("start", 1, 0.0), note("alive", 1, 2.6), *ran(2, 2.5, 3.0, pid=2)]
    assert judge(notes, AGAIN).overlap_ms == pytest.approx(100)


@pytest.mark.parametrize(
    ("events", "notes", "rules", "sentence"),
    [
        ([event("queued", 0)], [], {}, "never ended"),
        ([], [], {}, "never ended"),
        ([event("queued", 0), event("claimed", 1)], [note("start", 1, 0.0)], {}, "never ended"),
        ([*PLAIN, event("completed", 1, "success")], ran(1, 0, 1), {}, "ended 2 times"),
        ([*PLAIN, event("changed", 1, "failure")], ran(1, 0, 1), {}, "changed after its end"),
        ([*PLAIN, event("erased", 1)], ran(1, 0, 1), {}, "erased after its end"),
        ([*PLAIN, event("claimed", 2)], ran(1, 0, 1), {}, "claimed after its end"),
        ([*AGAIN[:-1], event("completed", 1, "success")], ran(1, 0, 1), {}, "ended by attempt 1, while attempt 2"),
        ([event("queued", 0), event("claimed", 1), event("claimed", 1), *ended(1)], ran(1, 0, 1), {}, "epochs [1, 1]"),
        ([event("queued", 0), event("claimed", 2), *ended(2)], ran(2, 0, 1), {}, "epochs [2]"),
        (AGAIN, ran(2, 0, 1), {"max_attempts": 1}, "claimed 2 times"),
        (AGAIN, ran(2, 0, 1), {"once": [A]}, "claimed 2 times"),
        (PLAIN, [*ran(1, 0, 1), note("start", 1, 2.0)], {}, "one of them twice"),
        (PLAIN, [*ran(1, 0, 1), note("start", 7, 2.0)], {}, "were claimed"),
        (PLAIN, [note("start", 1, 0.0)], {}, "without having come to its end"),
        (PLAIN, [*ran(1, 0, 1), note("start", 1, 0.0, job=B)], {}, "not in the database"),
    ],
)  # fmt: skip
def test_a_planted_violation_is_found(events, notes, rules, sentence):
    assert any(sentence in violation for violation in judge(notes, events, **rules).violations)


def test_notes_survive_their_writer_and_a_line_that_is_half_written_is_left_out(tmp_path):
    Pen(tmp_path).write("start", A, 1)
    Pen(tmp_path).write("end", A, 1)
    with (tmp_path / "other.log").open("w") as file:
        file.write("start job-b 1 0.5 77\nalive job-b 1 0.")
    found = read(tmp_path)
    assert [(item.kind, item.job, item.epoch) for item in found] == [("start", B, 1), ("start", A, 1), ("end", A, 1)]
    assert found[1].at <= found[2].at
