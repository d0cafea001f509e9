"""The pool of warm processes: who gets one, when one is started, and which one goes."""

import asyncio
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from windlass.languages.base import Command, Warm, WarmMode
from windlass.worker import zygotes
from windlass.worker.launcher.client import Exit, Launcher, LaunchError, Limits
from windlass.worker.zygotes import EXPECTED_BYTES, Zygotes

GOOD = Exit(code=0)


@dataclass
class Process:
    """A warm process that needs no sandbox."""

    memory_bytes: int = EXPECTED_BYTES
    is_alive: bool = True
    ready: asyncio.Event = field(default_factory=asyncio.Event)

    async def until_ready(self):
        await self.ready.wait()

    def end(self):
        self.is_alive = False


class FakeLauncher:
    """Starts processes that are ready at once, or when told, or never."""

    def __init__(self):
        self.started: list[tuple[Warm, int, Process]] = []
        self.are_ready = True
        self.fails = False

    async def warm(self, warm, *, folder, limits, slot):
        if self.fails:
            raise LaunchError("exec", 2, "no such file")
        process = Process()
        if self.are_ready:
            process.ready.set()
        self.started.append((warm, slot, process))
        return process


@pytest.fixture
def launcher():
    return FakeLauncher()


@pytest.fixture
async def pool(launcher, tmp_path):
    pool = make_pool(launcher, tmp_path)
    yield pool
    await pool.close()


def make_pool(launcher, folder, **options):
    known = {"slots": 2, "budget_bytes": 3 * EXPECTED_BYTES, "idle_seconds": 60.0} | options
    return Zygotes(launcher=launcher, folder=folder, limits=Limits(), **known)


def warm(key="a", mode=WarmMode.FORK):
    return Warm(mode=mode, key=key, argv=("python",))


async def settled():
    """Let everything that was begun get as far as it can."""
    for _ in range(20):
        await asyncio.sleep(0)


async def taken(pool, workspace="w", wanted=None):
    """A seat for a job, once one is ready."""
    wanted = wanted or warm()
    for _ in range(3):
        seat = pool.take(workspace, wanted)
        if seat is not None:
            return seat
        await settled()
    raise AssertionError("no warm process came")


async def test_the_first_job_starts_cold_and_the_next_one_warm(pool, launcher):
    assert pool.take("w", warm()) is None
    await settled()
    seat = pool.take("w", warm())
    assert seat is not None and len(launcher.started) == 1
    pool.give_back(seat, GOOD)
    assert pool.take("w", warm()) is seat


async def test_a_job_does_not_wait_for_a_warm_up(pool, launcher):
    launcher.are_ready = False
    assert pool.take("w", warm()) is None
    await settled()
    assert pool.take("w", warm()) is None
    launcher.started[0][2].ready.set()
    await settled()
    assert pool.take("w", warm()) is not None


async def test_workspaces_and_keys_share_nothing(launcher, tmp_path):
    pool = make_pool(launcher, tmp_path, budget_bytes=9 * EXPECTED_BYTES)
    seat = await taken(pool)
    pool.give_back(seat, GOOD)
    assert pool.take("other", warm()) is None
    assert pool.take("w", warm("b")) is None
    assert pool.take("w", warm(mode=WarmMode.RESIDENT)) is None
    assert pool.take("w", warm()) is seat
    await pool.close()


async def test_there_are_never_more_for_one_key_than_slots(pool, launcher):
    for _ in range(5):
        pool.take("w", warm())
        await settled()
    assert len(launcher.started) == 2


async def test_each_has_a_number_of_its_own_beyond_those_of_jobs(pool, launcher):
    for name in "abc":
        pool.take("w", warm(name))
    await settled()
    numbers = [slot for _, slot, _ in launcher.started]
    assert len(set(numbers)) == 3 and min(numbers) >= 32 and max(numbers) < 64


async def test_the_one_that_was_not_used_for_longest_makes_room(pool):
    seats = [await taken(pool, wanted=warm(name)) for name in "abc"]
    for name in "bca":
        pool.give_back(seats["abc".index(name)], GOOD)
        await asyncio.sleep(0.001)
    pool.take("w", warm("d"))
    await settled()
    assert [seat.process.is_alive for seat in seats] == [True, False, True]
    assert not seats[1].folder.exists() or await gone(seats[1].folder)


async def gone(folder):
    async with asyncio.timeout(5):
        while folder.exists():
            await asyncio.sleep(0.01)
    return True


async def test_what_a_job_uses_is_never_taken_for_room(pool, launcher):
    seats = [await taken(pool, wanted=warm(name)) for name in "abc"]
    pool.take("w", warm("d"))
    await settled()
    assert len(launcher.started) == 3 and all(seat.process.is_alive for seat in seats)


async def test_without_a_budget_every_job_starts_cold(launcher, tmp_path):
    pool = make_pool(launcher, tmp_path, budget_bytes=0)
    assert pool.take("w", warm()) is None
    await settled()
    assert launcher.started == [] and list(tmp_path.iterdir()) == []


async def test_what_nobody_uses_goes(launcher, tmp_path):
    pool = make_pool(launcher, tmp_path, idle_seconds=0.01)
    seat = await taken(pool)
    pool.give_back(seat, GOOD)
    async with asyncio.timeout(5):
        while seat.process.is_alive or list(tmp_path.iterdir()):
            await asyncio.sleep(0.01)
    assert pool.take("w", warm()) is None
    await pool.close()


@pytest.mark.parametrize("ended", [None, Exit(code=0, is_clean=False)], ids=["no end", "not clean"])
async def test_what_misbehaves_is_replaced(pool, launcher, ended):
    seat = await taken(pool)
    pool.give_back(seat, ended)
    assert not seat.process.is_alive
    await settled()
    assert len(launcher.started) == 2 and await taken(pool) is not seat


async def test_one_that_died_while_idle_is_given_to_nobody(pool):
    seat = await taken(pool)
    pool.give_back(seat, GOOD)
    seat.process.is_alive = False
    assert pool.take("w", warm()) is None


async def test_what_jobs_had_to_import_is_there_in_the_next(pool, launcher):
    seat = await taken(pool)
    pool.give_back(seat, Exit(code=0, learned=("httpx", "httpx._client")))
    again = await taken(pool)
    assert again is not seat
    assert launcher.started[-1][0].argv == ("python", "httpx", "httpx._client")
    pool.give_back(again, Exit(code=0, learned=("httpx",)))
    assert await taken(pool) is again, "what is known already is no reason for another"


async def test_a_process_for_one_job_is_followed_by_the_next(pool, launcher):
    once = warm(mode=WarmMode.ONCE)
    seat = await taken(pool, wanted=once)
    seat.process.is_alive = False  # it ends with its job
    pool.give_back(seat, GOOD)
    await settled()
    assert len(launcher.started) == 2 and await taken(pool, wanted=once) is not seat


async def test_one_that_does_not_start_is_not_tried_again_at_once(pool, launcher, monkeypatch):
    launcher.fails = True
    assert pool.take("w", warm()) is None
    await settled()
    launcher.fails = False
    assert pool.take("w", warm()) is None
    await settled()
    assert launcher.started == []
    monkeypatch.setattr(zygotes, "PAUSE_AFTER_FAILURE_S", 0.0)
    assert await taken(pool) is not None


async def test_one_that_never_gets_ready_is_ended(pool, launcher, monkeypatch):
    monkeypatch.setattr(zygotes, "WARM_UP_S", 0.01)
    launcher.are_ready = False
    pool.take("w", warm())
    async with asyncio.timeout(5):
        while not launcher.started or launcher.started[0][2].is_alive:
            await asyncio.sleep(0.01)


LINE = """
import json, os, sys
line = sys.stdin.readline()
if not line:
    sys.exit(0)
job = json.loads(line)
os.chdir(job["cwd"])
print(job["argv"][0], job["env"]["NAME"], os.getcwd(), sys.stdin.read() == "")
sys.exit(3)
"""


async def test_a_process_for_one_job_takes_it_by_its_standard_input():
    folder = Path(tempfile.mkdtemp(prefix="windlass-once-"))
    folder.chmod(0o711)
    launcher = Launcher()
    once = Warm(mode=WarmMode.ONCE, key="", argv=(sys.executable, "-I", "-S", "-c", LINE))
    pool = Zygotes(launcher=launcher, folder=folder, limits=Limits(), slots=2, budget_bytes=1 << 30, idle_seconds=60)
    try:
        assert pool.take("w", once) is None
        async with asyncio.timeout(20):
            while (seat := pool.take("w", once)) is None:
                await asyncio.sleep(0.01)
        (seat.folder / "job").mkdir(0o700)
        command = Command(argv=("script",), env={"NAME": "x" * 100_000}, cwd=seat.folder / "job")
        running = await seat.run(command)
        ended = await running.wait()
        output = (await running.stdout.read()).decode()
        assert output.split() == ["script", "x" * 100_000, str(seat.folder / "job"), "True"]
        assert (ended.code, os.path.basename(command.cwd)) == (3, "job")
        pool.give_back(seat, ended)
    finally:
        await pool.close()
        await launcher.stop()
        shutil.rmtree(folder)
