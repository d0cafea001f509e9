"""Plays scenarios: each has its own chance, made of the seed and its number, so that one can be repeated alone."""

import random
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from chaos import crashes, databases, jobs, loads
from chaos.figures import SCENARIOS, Figure, Scenario
from chaos.world import World, running_world

CATALOGUE = (crashes, databases, jobs, loads)


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
            if scenario.alone:
                with running_world() as world:
                    yield _play(scenario, world, seed, scale)
            else:
                shared = shared or _with_server(stack.enter_context(running_world()))
                yield _play(scenario, shared, seed, scale)


def _with_server(world: World) -> World:
    world.start_server()
    return world


def _play(scenario: Scenario, world: World, seed: int, scale: float) -> Played:
    began = time.monotonic()
    figures = scenario.play(world, random.Random(f"{seed} {scenario.number}"), scale)
    return Played(scenario=scenario, figures=figures, seconds=time.monotonic() - began)
