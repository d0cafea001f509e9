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
WARM = "zygote.py"
KIB_PER_MB = 1000 / 1.024


def figures(instance: Instance) -> Iterator[Figure]:
    """Memory of the server, of the idle worker and of its warm processes, and the JavaScript of the first page.

    Memory that processes share counts by its share in each, where the kernel lets us see that.
    """
    server, worker = (_child(instance.pid, role) for role in ("server", "worker"))
    warm = [pid for pid in _descendants(worker) if any(WARM in word for word in _command(pid))]
    rest = [pid for pid in (worker, *_descendants(worker)) if pid not in warm]
    yield Single(name="memory of the server", value=_memory_mb(server), unit="MB", target="< 150 MB")
    yield Single(
        name="memory of the idle worker and its launcher", value=sum(map(_memory_mb, rest)), unit="MB", target="< 80 MB"
    )
    for pid in warm:
        yield Single(name="memory of an idle warm process", value=_memory_mb(pid), unit="MB", target="< 30 MB")
    if (STATIC / "index.html").exists():
        yield Single(name="first page's JavaScript, gzip", value=_first_scripts_kb(), unit="kB", target="≤ 250 kB")


def _first_scripts_kb() -> float:
    names = FIRST_SCRIPTS.findall((STATIC / "index.html").read_text())
    return sum(len(gzip.compress((STATIC / name).read_bytes())) for name in names) / 1000


def _child(pid: int, role: str) -> int:
    return next(child for child in _children(pid) if role in _command(child))


def _descendants(pid: int) -> Iterator[int]:
    for child in _children(pid):
        yield child
        yield from _descendants(child)


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def _command(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")


def _memory_mb(pid: int) -> float:
    try:
        text, name = Path(f"/proc/{pid}/smaps_rollup").read_text(), "Pss:"
    except PermissionError:  # a job's account is not ours, unless we are root
        text, name = Path(f"/proc/{pid}/status").read_text(), "VmRSS:"
    return int(text.split(name)[1].split()[0]) / KIB_PER_MB
