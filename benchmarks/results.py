"""Keeps measured figures below `benchmarks/results/`. Called by both `__main__`s for `--save`."""

from datetime import UTC, datetime
from pathlib import Path

FOLDER = Path(__file__).with_name("results")


def append(kind: str, text: str) -> None:
    """Add a section under the time of day to the file of today and of this kind."""
    FOLDER.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    with (FOLDER / f"{now:%Y-%m-%d}-{kind}.md").open("a") as file:
        file.write(f"## {now:%H:%M} UTC\n\n{text}\n\n")
