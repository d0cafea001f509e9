"""Measure a fresh `windlass standalone` on this machine and print the figures: `make bench`, `python -m benchmarks`."""

import argparse
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmarks import endurance, layers, logs, queue, runs, submit, weight
from benchmarks.figures import HEADER, Figure, Samples
from benchmarks.instance import Instance, free_port, started
from benchmarks.machine import describe
from benchmarks.results import append

START_TARGET_MS = 3000
Case = Callable[[Instance], Iterator[Figure]]
CASES: dict[str, Case] = {
    "runs": runs.figures,
    "logs": logs.figures,
    "weight": weight.figures,
    "layers": layers.figures,
    "submit": submit.figures,
    "queue": queue.figures,
    "endurance": endurance.figures,
}


def main() -> None:
    """Print the machine and every figure as Markdown; with `--save` also append them to a file of results."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="windlass-bench-") as folder:
        home = Path(folder)
        home.chmod(0o711)  # PostgreSQL's account must be able to reach its folder
        text = "\n".join(
            _show(line) for line in _report(home, options.port or free_port(), [CASES[name] for name in options.only])
        )
    if options.save:
        append("windlass", text)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port for the measured server; default any free one")
    parser.add_argument("--only", nargs="+", choices=CASES, default=list(CASES), help="cases to measure; default all")
    parser.add_argument(
        "--save", action="store_true", help="append the figures to benchmarks/results/<date>-windlass.md"
    )
    return parser.parse_args()


def _report(home: Path, port: int, cases: Sequence[Case]) -> Iterator[str]:
    yield from describe()
    yield from ("", *HEADER)
    with started(home, port) as instance:
        yield Samples(name="first start, empty home, until ready", milliseconds=[instance.start_ms]).row()
    with started(home, port) as instance:
        again = Samples(
            name="second start until ready", milliseconds=[instance.start_ms], target=f"≤ {START_TARGET_MS} ms"
        )
        yield again.row()
        for case in cases:
            yield from (figure.row() for figure in case(instance))


def _show(line: str) -> str:
    print(line, flush=True)
    return line


if __name__ == "__main__":
    main()
