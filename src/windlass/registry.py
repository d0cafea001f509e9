"""A registry of plug-ins behind an entry-point group: names cost no imports, plug-ins load on first use.

Built-ins come in by the same door as third parties: one line in `pyproject.toml`.
"""

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from windlass.errors import Misconfigured, NotFound


@cache
def _points(group: str) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=group)}


def names(group: str) -> tuple[str, ...]:
    """The sorted plug-in names of a group."""
    found = tuple(sorted(_points(group)))
    if not found:
        raise Misconfigured(f"no entry points in {group}: re-install the project (pip install -e .)")
    return found


def get(group: str, name: str) -> Any:
    """Load one plug-in, or raise NotFound with the names that exist."""
    point = _points(group).get(name)
    if point is None:
        raise NotFound(f"{name!r} is not in {group}; known: {', '.join(names(group))}")
    return point.load()
