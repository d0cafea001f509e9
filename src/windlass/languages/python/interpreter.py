"""Facts about the interpreter that runs the jobs; asked once for each path."""

import json
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

_QUESTION = """
import json, sys, sysconfig
tag, version = sys.implementation.cache_tag, sys.version_info[:2]
print(json.dumps([sys.version, sysconfig.get_platform(), tag, sys.base_prefix, version]))
"""


@dataclass(frozen=True, kw_only=True)
class Interpreter:
    """`identity` differs whenever compiled packages might; `folders` must be readable for it to start."""

    identity: str
    version: str
    folders: tuple[Path, ...]


@lru_cache(maxsize=16)
def describe(python: Path) -> Interpreter:
    """Ask the interpreter itself; raises CalledProcessError or OSError when it does not run."""
    answer = subprocess.run([str(python), "-I", "-S", "-c", _QUESTION], capture_output=True, check=True, timeout=30)
    version, platform, cache_tag, base, (major, minor) = json.loads(answer.stdout)
    folders = dict.fromkeys([Path(base), python.parent.parent, python.resolve().parent.parent])
    return Interpreter(
        identity=f"{version}|{platform}|{cache_tag}",
        version=f"{major}.{minor}",
        folders=tuple(folders),
    )


@lru_cache(maxsize=16)
def compile_for(python: Path, folder: Path) -> None:
    """Leave byte code beside a folder's sources: a sandboxed job cannot, and would compile them each time.

    Where the folder belongs to somebody else nothing happens; jobs then only start a little slower.
    """
    subprocess.run(
        [str(python), "-I", "-m", "compileall", "-q", str(folder)],
        capture_output=True,
        check=False,
        timeout=60,
    )
