"""The virtual environments of the peers: one each below `.peers/`, made from pinned versions. Called by `sides`.

Nothing of a peer is ever installed beside Windlass itself.
"""

import hashlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".peers"
REQUIREMENTS = Path(__file__).with_name("requirements")


def ensure(name: str) -> Path:
    """The interpreter of the peer's environment, installed anew when its pinned versions changed.

    Raises CalledProcessError with the installer's words in `stderr`.
    """
    requirements = REQUIREMENTS / f"{name}.txt"
    environment = FOLDER / name
    stamp = environment / ".installed"
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != digest:
        print(f"installing {name} into {environment.relative_to(ROOT)} …", file=sys.stderr, flush=True)
        _uv("venv", "--clear", "--python", _interpreter(), str(environment))
        _uv("pip", "install", "--python", str(environment), "--requirements", str(requirements))
        stamp.write_text(digest)
    return environment / "bin" / "python"


def version(name: str, package: str) -> str:
    """The pinned version of one package of a peer."""
    for line in (REQUIREMENTS / f"{name}.txt").read_text().splitlines():
        if line.startswith(f"{package}=="):
            return line.split("==")[1].split()[0]
    raise ValueError(f"{package} is not pinned for {name}")


def _interpreter() -> str:
    # Windlass runs its jobs with this one, so that every side measures the same build of Python.
    return str(Path(getattr(sys, "_base_executable", sys.executable)).resolve())


def _uv(*arguments: str) -> None:
    command = [sys.executable, "-m", "uv", *arguments, "--quiet"]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True)
