"""The transitions of a job, broken at each border: R7."""

import random
from collections.abc import Sequence

from chaos.crossings import CROSSINGS, cross, every_case
from chaos.figures import Figure, scaled, scenario
from chaos.world import World


@scenario("R7", "something breaks at the border of a transaction")
def borders_break(world: World, chance: random.Random, scale: float) -> Sequence[Figure]:
    """Every border with each stage and each action, as often as the scale says; below scale 1 a sample of them."""
    cases = every_case()
    chosen = chance.sample(cases, min(len(cases), scaled(len(cases), scale, 12)))
    violations = [found for case in chosen for found in cross(world, *case).violations]
    for violation in violations[:10]:
        print(f"    {violation}", flush=True)
    return [
        Figure(name="borders", value=len(CROSSINGS)),
        Figure(name="cases", value=len(chosen)),
        Figure(name="violations", value=len(violations), most=0),
    ]
