"""Measure Windlass and its peers in one session: `make bench-peers`, `python -m benchmarks.peers`.

Peers are installed below `.peers/` on first use. Each repeat starts and stops every side; every other repeat goes
through them backwards, so that no side always runs first on a cold machine or last on a warm one.
"""

import argparse
import signal
import sys
from collections.abc import Iterator, Sequence

from benchmarks.machine import describe
from benchmarks.peers import report
from benchmarks.peers.measurement import Amount, Measured
from benchmarks.peers.sides import SIDES, Side
from benchmarks.results import append


def main() -> None:
    """Print the machine and the tables as Markdown. A peer that cannot run is told in its row, and is no failure."""
    options = _options()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what was started is stopped again
    amount = Amount(requests=options.requests, jobs=options.jobs)
    head = list(describe())
    results = _measure(_chosen(options), amount, options.repeats)
    text = "\n".join([*head, _method(amount, options.repeats), "", *report.lines(results, amount)])
    print(text)
    if options.save:
        append("peers", text)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    names = [side.name for side in SIDES]
    parser.add_argument("--only", nargs="+", choices=names, default=(), help="sides to measure; default the quick ones")
    parser.add_argument("--slow", action="store_true", help="also those that take seconds for a job")
    parser.add_argument("--repeats", type=int, default=3, help="how often each side is started and measured")
    parser.add_argument("--requests", type=int, default=200, help="runs over HTTP in a repeat")
    parser.add_argument("--jobs", type=int, default=1000, help="jobs of a drain in a repeat")
    parser.add_argument("--save", action="store_true", help="append the tables to benchmarks/results/<date>-peers.md")
    return parser.parse_args()


def _chosen(options: argparse.Namespace) -> Sequence[Side]:
    if options.only:
        return [side for side in SIDES if side.name in options.only]
    return [side for side in SIDES if options.slow or not side.slow]


def _measure(sides: Sequence[Side], amount: Amount, repeats: int) -> dict[str, Measured]:
    results = {side.name: Measured(side=side) for side in sides}
    for number, measured in alternating(list(results.values()), repeats):
        print(f"repeat {number + 1} of {repeats}: {measured.side.title}", file=sys.stderr, flush=True)
        measured.repeat(amount)
    return results


def alternating(all_measured: list[Measured], repeats: int) -> Iterator[tuple[int, Measured]]:
    """Everything once a repeat, forwards and backwards by turns."""
    for number in range(repeats):
        yield from ((number, measured) for measured in (all_measured if number % 2 == 0 else reversed(all_measured)))


def _method(amount: Amount, repeats: int) -> str:
    return (
        f"* {repeats} repeats in alternating order, medians of them in the tables; each of {amount.requests} runs over"
        f" HTTP, one after another, then {amount.jobs} no-ops from the first submission to the last end"
    )


if __name__ == "__main__":
    main()
