"""`make chaos`: play scenarios and print their figures. SCALE=1 plays the whole catalogue, which takes hours."""

import argparse
import datetime
import os
import platform
import random
import sys
from collections.abc import Sequence
from pathlib import Path

from chaos.play import Played, numbers, play

PAGE = """# Chaos: figures of one run

{when} · {cpus} CPUs · Linux {kernel} · Python {python} · `make chaos SEED={seed} SCALE={scale:g}`

| | fault | figures | kept | seconds |
|---|---|---|---|---|
{rows}
"""


def main() -> int:
    """Play the chosen scenarios with one seed; 1 when a promise was broken."""
    options = _parser().parse_args()
    chosen = options.only.split(",") if options.only else numbers()
    print(f"seed {options.seed}, scale {options.scale:g}", flush=True)
    results = []
    for played in play(chosen, seed=options.seed, scale=options.scale):
        print(played, flush=True)
        results.append(played)
    if options.save:
        options.save.write_text(_page(results, options.seed, options.scale))
    return 0 if all(played.is_kept for played in results) else 1


def _page(results: Sequence[Played], seed: int, scale: float) -> str:
    rows = "\n".join(
        f"| {one.scenario.number} | {one.scenario.title} | {' · '.join(map(str, one.figures))} "
        f"| {'yes' if one.is_kept else 'NO'} | {one.seconds:.0f} |"
        for one in results
    )
    return PAGE.format(
        when=datetime.datetime.now(datetime.UTC).date(), cpus=os.cpu_count(), kernel=platform.release(),
        python=platform.python_version(), seed=seed, scale=scale, rows=rows,
    )  # fmt: skip


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="chaos", description="Plays the fault catalogue against real processes.")
    parser.add_argument(
        "--seed", type=int, default=random.randrange(10**6), help="the same seed makes the same choices"
    )
    parser.add_argument("--scale", type=float, default=0.02, help="1 is the whole catalogue, 0.02 a few minutes")
    parser.add_argument("--only", help="comma-separated numbers of scenarios, such as R1,R4")
    parser.add_argument("--save", type=Path, help="write the figures to this Markdown file")
    return parser


if __name__ == "__main__":
    sys.exit(main())
