"""Fixtures for attacks on the sandbox."""

import asyncio

import pytest

from support.run_language import toolchain
from support.run_sandboxed import Sandbox
from windlass import tiers
from windlass.worker.launcher.client import Launcher


@pytest.fixture(scope="session")
def tools(tmp_path_factory):
    folder = tmp_path_factory.mktemp("attacks")
    for place in (folder, *folder.parents[:2]):
        place.chmod(0o755)  # as a worker's home
    return toolchain(folder)


@pytest.fixture(scope="module", params=tiers.attainable())
def box(request, tools):
    """A sandbox of each tier."""
    launcher = Launcher(ladder=(request.param,))
    with asyncio.Runner() as loop:
        loop.run(launcher.start())
        yield Sandbox(loop=loop, launcher=launcher, tools=tools)
        loop.run(launcher.stop())
