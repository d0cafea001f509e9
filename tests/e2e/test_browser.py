"""The 60-second tour in a real browser, against a real `windlass standalone`, light and dark."""

import json
import subprocess
from pathlib import Path

import pytest

from support.processes import free_port, running, temporary_home

FRONTEND = Path(__file__).parents[2] / "frontend"
FIND_NODE = FRONTEND.parent / "scripts" / "find-node"
PICTURES = Path(__file__).parents[2] / "test-results" / "browser"
SLOWEST_LOG_LINE_MS = 300

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_new_user_takes_the_tour(scheme):
    node = Path(subprocess.run([FIND_NODE], capture_output=True, text=True, check=True).stdout.strip(), "node")
    with temporary_home() as home:
        with running("standalone", home, port=free_port()) as windlass:
            tour = subprocess.run(
                [node, "e2e/tour.mjs", f"http://localhost:{windlass.port}", scheme, str(PICTURES / scheme)],
                cwd=FRONTEND, capture_output=True, text=True, timeout=240, check=False,
            )  # fmt: skip
    assert tour.returncode == 0, tour.stderr
    figures = json.loads(tour.stdout)
    assert figures["log_lines"] >= 90
    median, slowest = figures["log_delay_p50_ms"], figures["log_delay_max_ms"]
    print(f"\nlog lines on the page after print: p50 {median} ms, max {slowest} ms")
    assert median <= SLOWEST_LOG_LINE_MS
