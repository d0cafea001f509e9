"""The fault catalogue, scaled down to what every change can wait for; `make chaos SCALE=1` plays it whole."""

import random

import pytest

from chaos.figures import SCENARIOS
from chaos.play import numbers, play

pytestmark = pytest.mark.slow

SCALE = 0.01


@pytest.mark.parametrize("number", numbers(), ids=lambda number: f"{number}-{SCENARIOS[number].title}")
def test_every_promise_is_kept_when(number, capsys):
    seed = random.randrange(10**6)
    with capsys.disabled():
        print(f"\nseed {seed}", flush=True)
        for played in play([number], seed=seed, scale=SCALE):
            print(played, flush=True)
            assert played.is_kept, str(played)
