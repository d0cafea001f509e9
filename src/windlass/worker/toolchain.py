"""The executables and folders of this machine that languages work with."""

import shutil
from pathlib import Path

import uv

from windlass.languages.base import Toolchain
from windlass.settings import Settings
from windlass.worker import runtimes

PACKAGE = Path(__file__).parents[1]


def toolchain(settings: Settings) -> Toolchain:
    """Where things are; nothing is checked here, `windlass doctor` does that."""
    return Toolchain(
        python=settings.interpreter,
        uv=Path(uv.find_uv_bin()),
        cache=settings.home / "cache",
        client=client_folder(),
        bash=Path(shutil.which("bash") or "/bin/bash"),
        runtimes=runtimes.found(settings),
    )


def client_folder() -> Path:
    """The folder that holds our `wmill` module: inside the package when installed, in the checkout when developing."""
    installed = PACKAGE / "_wmill"
    return installed if installed.is_dir() else PACKAGE.parents[1] / "clients" / "python"
