"""What a scenario measured, against what was promised; and the list of scenarios."""

import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chaos.history import Report
from chaos.world import World


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One number. `most` and `least` are what is allowed; without either it is only told."""

    name: str
    value: float
    unit: str = ""
    most: float | None = None
    least: float | None = None

    @property
    def is_kept(self) -> bool:
        """Whether the promise was kept."""
        return (self.most is None or self.value <= self.most) and (self.least is None or self.value >= self.least)

    def __str__(self) -> str:
        bounds = [("≤", self.most), ("≥", self.least)]
        limit = "".join(f" ({sign} {bound:.4g})" for sign, bound in bounds if bound is not None)
        return f"{self.name} {self.value:.4g}{' ' * bool(self.unit)}{self.unit}{limit}{'' if self.is_kept else ' ✗'}"


Play = Callable[[World, random.Random, float], Sequence[Figure]]


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One row of the fault catalogue. `alone` asks for a world of its own, without a server."""

    number: str
    title: str
    play: Play
    alone: bool


SCENARIOS: dict[str, Scenario] = {}


def scenario(number: str, title: str, *, alone: bool = False) -> Callable[[Play], Play]:
    """Puts a function `(world, chance, scale) -> figures` on the list."""

    def add(play: Play) -> Play:
        SCENARIOS[number] = Scenario(number=number, title=title, play=play, alone=alone)
        return play

    return add


def scaled(full: float, scale: float, least: int) -> int:
    """So many of `full`, but never less than what still shows something."""
    return max(least, round(full * scale))


def judged(report: Report, replay: tuple[int, int] | None = None) -> list[Figure]:
    """The figures that every run must keep."""
    for violation in report.violations[:10]:
        print(f"    {violation}", flush=True)
    figures = [
        Figure(name="jobs", value=report.jobs),
        Figure(name="lost", value=report.lost, most=0),
        Figure(name="ended twice", value=report.doubled, most=0),
        Figure(name="violations", value=len(report.violations), most=0),
        Figure(name="started again", value=report.restarts),
    ]
    if replay is not None:
        sent, refused = replay
        figures.append(Figure(name="late ends refused", value=refused, unit=f"of {sent}", least=sent))
    return figures


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of all lie; 0 of none."""
    if len(values) < 2:
        return values[0] if values else 0.0
    return statistics.quantiles(values, n=1000, method="inclusive")[min(998, round(share * 1000) - 1)]
