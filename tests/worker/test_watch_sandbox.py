"""The sandbox is measured again while a worker runs."""

import asyncio

import pytest

from windlass.commands.worker import watch_sandbox
from windlass.worker.launcher import probe
from windlass.worker.launcher.client import Launcher


@pytest.fixture
async def launcher(tmp_path):
    tmp_path.chmod(0o711)
    launcher = Launcher()
    await launcher.start()
    await probe.measure(launcher, folder=tmp_path)
    yield launcher
    await launcher.stop()


async def test_a_sandbox_that_holds_is_measured_again_and_again(launcher, tmp_path, monkeypatch):
    measured, enough = [], asyncio.Event()

    async def counting(*arguments, **options):
        measured.append(await probe.find_open(*arguments, **options))
        if len(measured) == 2:
            enough.set()
        return measured[-1]

    monkeypatch.setattr("windlass.commands.worker.find_open", counting)
    watch = asyncio.create_task(watch_sandbox(launcher, tmp_path, stop=enough.set, every=0))
    await asyncio.wait_for(enough.wait(), 60)
    watch.cancel()
    assert measured == [[], []]


async def test_a_sandbox_that_holds_no_longer_ends_the_worker(launcher, tmp_path, monkeypatch):
    stopped = asyncio.Event()
    (tmp_path / "jobs").mkdir(mode=0o755)
    monkeypatch.setattr(launcher, "_runtimes", (*launcher._runtimes, tmp_path))
    monkeypatch.setattr(launcher, "_public_runtimes", (*launcher._public_runtimes, tmp_path))
    await asyncio.wait_for(watch_sandbox(launcher, tmp_path / "jobs", stop=stopped.set, every=0), 60)
    assert stopped.is_set()
