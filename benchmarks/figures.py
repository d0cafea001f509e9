"""How a figure is counted and shown: a row of a Markdown table."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

HEADER = ("| figure | n | p50 | p99 | target |", "|---|---|---|---|---|")


class Figure(Protocol):
    """Something measured."""

    def row(self) -> str:
        """The figure as a row of the table under `HEADER`."""
        ...


@dataclass(frozen=True, kw_only=True)
class Samples:
    """Durations in milliseconds."""

    name: str
    milliseconds: Sequence[float]
    target: str = ""

    def row(self) -> str:
        """Median and 99th percentile."""
        p50, p99 = (f"{short(percentile(self.milliseconds, share))} ms" for share in (50, 99))
        return f"| {self.name} | {len(self.milliseconds)} | {p50} | {p99} | {self.target} |"


@dataclass(frozen=True, kw_only=True)
class Single:
    """One number with its unit."""

    name: str
    value: float
    unit: str
    n: int = 1
    target: str = ""

    def row(self) -> str:
        """The number where medians stand."""
        return f"| {self.name} | {self.n} | {short(self.value)} {self.unit} | | {self.target} |"


def percentile(values: Sequence[float], share: int) -> float:
    """The value that `share` percent of the values do not exceed."""
    if len(values) == 1:
        return values[0]
    return statistics.quantiles(values, n=100, method="inclusive")[share - 1]


def short(value: float) -> str:
    """With about three digits that count."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
