"""The fault catalogue, scaled down to what every change can wait for; `make chaos SCALE=1` plays it whole."""

import random

import pytest

from chaos.figures import SCENARIOS
from chaos.play import numbers, play_one, world_with_server

pytestmark = pytest.mark.slow

SCALE = 0.01
PLAYED_WHOLE = {"R7"}
"""By `test_failpoints.py`, border by border."""


@pytest.fixture(scope="module")
def world():
    with world_with_server() as world:
        yield world


@pytest.mark.parametrize("number", [number for number in numbers() if number not in PLAYED_WHOLE])
def test_every_promise_is_kept(world, number, capsys):
    seed = random.randrange(10**6)
    with capsys.disabled():
        print(f"\n{number} with seed {seed}", flush=True)
        played = play_one(SCENARIOS[number], world, seed=seed, scale=SCALE)
        print(played, flush=True)
    assert played.is_kept, str(played)
