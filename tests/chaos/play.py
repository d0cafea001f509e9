"""Plays scenarios: each has its own chance, made of the seed and its number, so that one can be repeated alone."""

import random
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass

from chaos import crashes, databases, jobs, loads, transitions
from chaos.figures import SCENARIOS, Figure, Scenario
from chaos.world import World, running_world

CATALOGUE = (crashes, databases, jobs, loads, transitions)


@dataclass(frozen=True, kw_only=True)
class Played:
    """A scenario with what it measured."""

    scenario: Scenario
    figures: Sequence[Figure]
    seconds: float

    @property
    def is_kept(self) -> bool:
        """Whether every promise was kept."""
        return all(figure.is_kept for figure in self.figures)

    def __str__(self) -> str:
        state = "ok    " if self.is_kept else "BROKEN"
        figures = " · ".join(map(str, self.figures))
        return f"{self.scenario.number:4} {state} {self.seconds:4.0f} s  {self.scenario.title}: {figures}"


def numbers() -> list[str]:
    """Every scenario, in the order of the catalogue."""
    return sorted(SCENARIOS, key=lambda number: int(number[1:]))


def play(chosen: Iterable[str], *, seed: int, scale: float) -> Iterator[Played]:
    """Play scenarios one after the other; those that allow it share a world."""
    with ExitStack() as stack:
        shared: World | None = None
        for scenario in (SCENARIOS[number] for number in chosen):
            if not scenario.alone:
                shared = shared or stack.enter_context(world_with_server())
            yield play_one(scenario, shared, seed=seed, scale=scale)


def play_one(scenario: Scenario, shared: World | None, *, seed: int, scale: float) -> Played:
    """Play a scenario in the shared world, or in one of its own."""
    began = time.monotonic()
    chance = random.Random(f"{seed} {scenario.number}")
    with running_world() if scenario.alone or shared is None else nullcontext(shared) as world:
        figures = scenario.play(world, chance, scale)
    return Played(scenario=scenario, figures=figures, seconds=time.monotonic() - began)


@contextmanager
def world_with_server() -> Iterator[World]:
    """The world that most scenarios share."""
    with running_world() as world:
        world.start_server()
        yield world
