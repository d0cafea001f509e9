"""The tables: what each side gave, and the ratios between sides against their goals. Called by `__main__`."""

import statistics
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from benchmarks.figures import short
from benchmarks.peers.measurement import Amount, Measured

SIDES_HEADER = (
    "| side | version | isolation of a job | run p50 | of the repeats | p99 | no-ops | of the repeats |",
    "|---|---|---|---|---|---|---|---|",
)
GOALS_HEADER = ("| goal | measured | |", "|---|---|---|")

Results = Mapping[str, Measured]


@dataclass(frozen=True, kw_only=True)
class Goal:
    """A ratio between two figures of one session, and its limit."""

    text: str
    sides: tuple[str, ...]
    ratio: Callable[[Results, int], float]
    at_most: float = float("inf")
    at_least: float = 0.0
    drains: bool = False

    def row(self, results: Results, jobs: int) -> str:
        """The goal, what came out, and whether that is enough."""
        if not all(self._has(results, side) for side in self.sides):
            return f"| {self.text} | | not measured |"
        ratio = self.ratio(results, jobs)
        verdict = "met" if self.at_least <= ratio <= self.at_most else "**not met**"
        return f"| {self.text} | {ratio:.2f} × | {verdict} |"

    def _has(self, results: Results, side: str) -> bool:
        return side in results and bool(results[side].drains if self.drains else results[side].latencies)


def _quicker(text: str, ours: str, theirs: str, *, at_most: float) -> Goal:
    return Goal(
        text=text, sides=(ours, theirs), at_most=at_most, ratio=lambda found, _: found[ours].p50 / found[theirs].p50
    )


def _below(text: str, theirs: str, *, at_least: float) -> Goal:
    return Goal(
        text=text,
        sides=("isolated", theirs),
        at_least=at_least,
        ratio=lambda found, _: found[theirs].p50 / found["isolated"].p50,
    )


def _drains(text: str, ours: str, theirs: str, *, at_least: float) -> Goal:
    def ratio(found: Results, jobs: int) -> float:
        return statistics.median(found[ours].rates(jobs)) / statistics.median(found[theirs].rates(jobs))

    return Goal(text=text, sides=(ours, theirs), at_least=at_least, ratio=ratio, drains=True)


GOALS = (
    _quicker("isolated p50 ≤ 1.5 × Celery", "isolated", "celery", at_most=1.5),
    _below("isolated p50 ≥ 6 × below a cold start in bubblewrap", "bwrap", at_least=6),
    _below("isolated p50 ≥ 300 × below Prefect", "prefect", at_least=300),
    _below("isolated p50 ≥ 300 × below Airflow", "airflow", at_least=300),
    _quicker("dedicated p50 ≤ 0.8 × Celery", "dedicated", "celery", at_most=0.8),
    Goal(
        text="dedicated p99 ≤ 4 × its p50",
        sides=("dedicated",),
        at_most=4,
        ratio=lambda found, _: found["dedicated"].p99 / found["dedicated"].p50,
    ),
    _drains("isolated no-ops ≥ 1.0 × Celery", "isolated", "celery", at_least=1),
    _drains("dedicated no-ops ≥ 4 × Celery", "dedicated", "celery", at_least=4),
    _drains("dedicated no-ops ≥ 3 × Procrastinate", "dedicated", "procrastinate", at_least=3),
    _drains("dedicated no-ops ≥ 5 × DBOS", "dedicated", "dbos", at_least=5),
    _drains("dedicated no-ops ≥ 0.5 × PGQueuer", "dedicated", "pgqueuer", at_least=0.5),
)


def lines(results: Results, amount: Amount) -> Iterator[str]:
    """Both tables as Markdown."""
    yield from SIDES_HEADER
    yield from (_row(measured, amount) for measured in results.values())
    yield from ("", *GOALS_HEADER)
    yield from (goal.row(results, amount.jobs) for goal in GOALS)


def _row(measured: Measured, amount: Amount) -> str:
    side = measured.side
    cells = [side.title, side.version, side.isolation, *_latency(measured), *_throughput(measured, amount.jobs)]
    if measured.reason:
        cells[3] = f"not run: {measured.reason}".replace("|", "/")
    return f"| {' | '.join(cells)} |"


def _latency(measured: Measured) -> list[str]:
    if not measured.latencies:
        return [""] * 3
    p50s = " – ".join(short(value) for value in (min(measured.p50s), max(measured.p50s)))
    return [f"{short(measured.p50)} ms", p50s, f"{short(measured.p99)} ms"]


def _throughput(measured: Measured, jobs: int) -> list[str]:
    rates = measured.rates(jobs)
    if not rates:
        return [""] * 2
    return [f"{statistics.median(rates):,.0f} /s", f"{min(rates):,.0f} – {max(rates):,.0f}"]
