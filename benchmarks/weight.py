"""Memory of the processes after the other benchmarks, and the size of the first page's code."""

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import windlass
from benchmarks.figures import Figure, Single
from benchmarks.instance import Instance

STATIC = Path(windlass.__file__).parent / "api" / "static"
FIRST_SCRIPTS = re.compile(r'(?:src|modulepreload"[^>]*href)="/(assets/[^"]+\.js)"')
ROLES = {"server": "< 150 MB", "worker": "< 80 MB"}
KIB_PER_MB = 1000 / 1.024


def figures(instance: Instance) -> Iterator[Figure]:
    """Resident memory of the server and the worker, and the JavaScript that the first page loads."""
    for pid in _children(instance.pid):
        role = next((role for role in ROLES if role in _command(pid)), None)
        if role is not None:
            yield Single(name=f"resident memory of the {role}", value=_resident_mb(pid), unit="MB", target=ROLES[role])
            for child in _children(pid):
                yield Single(name=f"resident memory of a child of the {role}", value=_resident_mb(child), unit="MB")
    if (STATIC / "index.html").exists():
        yield Single(name="first page's JavaScript, gzip", value=_first_scripts_kb(), unit="kB", target="≤ 250 kB")


def _first_scripts_kb() -> float:
    names = FIRST_SCRIPTS.findall((STATIC / "index.html").read_text())
    return sum(len(gzip.compress((STATIC / name).read_bytes())) for name in names) / 1000


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _command(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")


def _resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / KIB_PER_MB
