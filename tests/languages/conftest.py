"""Fixtures for the tests of single languages."""

import asyncio

import pytest

from support.run_language import Warmth, toolchain
from windlass.worker.launcher.client import Launcher


@pytest.fixture(scope="session")
def tools(tmp_path_factory):
    return toolchain(tmp_path_factory.mktemp("languages"))


@pytest.fixture(scope="session")
def warm():
    """An event loop for tests without one, and a launcher in it with its warm processes."""
    launcher = Launcher()
    with asyncio.Runner() as runner:
        runner.run(launcher.start())
        yield runner, Warmth(launcher=launcher, processes={})
        runner.run(launcher.stop())
