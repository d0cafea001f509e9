"""The comparison with other task systems: what it concludes, in which order it measures, what it installs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from benchmarks.peers import environments
from benchmarks.peers.__main__ import alternating
from benchmarks.peers.measurement import Amount, Measured
from benchmarks.peers.report import GOALS, lines
from benchmarks.peers.sides import SIDES, Side
from benchmarks.peers.targets import PROGRAMS, Drain, NotRunnable

AMOUNT = Amount(requests=10, jobs=100)


class _Steady:
    """A target that answers at once."""

    def run(self, n: int) -> int:
        return n + 1

    def drain(self, count: int) -> Drain:
        return Drain(enqueue_s=0.1, total_s=1.0)


@contextmanager
def _steady(folder: Path) -> Iterator[_Steady]:
    yield _Steady()


@contextmanager
def _absent(folder: Path) -> Iterator[_Steady]:
    raise NotRunnable("no such | program")
    yield


def _side(name: str, start=_steady) -> Side:
    return Side(name=name, title=name, version="1", isolation="none", start=start)


def _measured(name: str, p50: float, rate: float) -> Measured:
    drain = Drain(enqueue_s=0.0, total_s=AMOUNT.jobs / rate)
    return Measured(side=_side(name), latencies=[[p50] * 10], drains=[drain])


def test_each_goal_is_met_missed_or_not_measured():
    results = {
        "isolated": _measured("isolated", 2.0, 600),
        "celery": _measured("celery", 2.0, 500),
        "bwrap": _measured("bwrap", 10.0, 1),
    }
    rows = [row for row in lines(results, AMOUNT) if "≤" in row or "≥" in row]
    assert "| isolated p50 ≤ 1.5 × Celery | 1.00 × | met |" in rows
    assert "| isolated no-ops ≥ 1.0 × Celery | 1.20 × | met |" in rows
    assert "| isolated p50 ≥ 6 × below a cold start in bubblewrap | 5.00 × | **not met** |" in rows
    assert "| dedicated p50 ≤ 0.8 × Celery | | not measured |" in rows
    assert len(rows) == len(GOALS)


def test_a_measured_side_has_a_latency_for_each_request_and_a_rate():
    measured = Measured(side=_side("steady"))
    measured.repeat(AMOUNT)
    measured.repeat(AMOUNT)
    assert [len(samples) for samples in measured.latencies] == [AMOUNT.requests] * 2
    assert measured.rates(AMOUNT.jobs) == [100.0, 100.0]


def test_a_side_that_cannot_run_says_why_in_its_row():
    measured = Measured(side=_side("absent", _absent))
    measured.repeat(AMOUNT)
    row = next(row for row in lines({"absent": measured}, AMOUNT) if row.startswith("| absent"))
    assert "not run: no such / program" in row
    assert row.count("|") == 9


def test_a_wrong_answer_is_no_latency():
    class Wrong(_Steady):
        def run(self, n: int) -> int:
            return n

    @contextmanager
    def start(folder: Path) -> Iterator[_Steady]:
        yield Wrong()

    measured = Measured(side=_side("wrong", start))
    measured.repeat(AMOUNT)
    assert (measured.latencies, measured.reason) == ([], "answered 0 for 0")


def test_every_other_repeat_goes_backwards():
    first, second = Measured(side=_side("first")), Measured(side=_side("second"))
    order = [measured.side.name for _, measured in alternating([first, second], 3)]
    assert order == ["first", "second", "second", "first", "first", "second"]


@pytest.mark.parametrize("pinned", sorted(environments.REQUIREMENTS.glob("*.txt")), ids=lambda path: path.stem)
def test_the_versions_of_a_peer_are_pinned_without_addresses(pinned: Path):
    text = pinned.read_text()
    assert "://" not in text
    names = [line for line in text.splitlines() if not line.startswith("    --hash=sha256:")]
    assert names and all("==" in name for name in names)
    assert pinned.with_suffix(".in").exists()
    assert (PROGRAMS / f"serve_{pinned.stem}.py").exists()


def test_every_goal_is_about_sides_that_exist():
    names = {side.name for side in SIDES}
    assert all(names.issuperset(goal.sides) for goal in GOALS)
