"""Every border of a transaction on a job's way is broken on purpose, before the commit and after it."""

import subprocess
import sys
from collections import Counter

import pytest

from chaos.crossings import CROSSINGS, cross, every_case
from chaos.world import running_world
from support.borders import borders, doors_left_ajar
from windlass.db import failpoints
from windlass.db.failpoints import InjectedFault
from windlass.errors import Misconfigured

ROOMS = {"jobs", "flows", "scripts", "worker", "maintenance"}
"""Whose borders must all have a crossing; the others are here because the journey of a job crosses them."""


CROSSED_AT_BOTH = {"jobs.submit.Submissions._earlier.system_statement"}
"""Names of two borders, whose crossing passes both."""


@pytest.fixture(scope="module")
def world():
    with running_world() as world:
        world.start_server()
        yield world


@pytest.fixture(autouse=True)
def disarmed():
    yield
    failpoints.arm(None)


# A connection that breaks before the commit is what a death before it is, to everybody else.
CASES = [case for case in every_case(("kill", "drop")) if case[1:] != ("before_commit", "drop")]


@pytest.mark.slow
@pytest.mark.parametrize(("border", "stage", "action"), CASES)
def test_nothing_is_lost_and_nothing_happens_twice_when_it_breaks_at(world, border, stage, action):
    assert list(cross(world, border, stage, action).violations) == []


def test_every_border_of_the_queue_has_a_crossing():
    required = {border for border in borders() if border.split(".")[0] in ROOMS}
    assert required, "no border was found"
    assert required - set(CROSSINGS) == set()


def test_every_crossing_is_of_a_border_that_exists():
    assert set(CROSSINGS) - set(borders()) == set()


def test_no_two_borders_of_the_queue_have_the_same_name_unless_a_crossing_passes_both():
    twice = {name for name, count in Counter(borders()).items() if count > 1}
    assert {name for name in twice if name.split(".")[0] in ROOMS} == CROSSED_AT_BOTH


def test_transactions_are_opened_where_their_borders_can_be_found():
    assert doors_left_ajar() == []


async def one(database):
    async with database.system() as tx:
        return await tx.connection.fetchval("SELECT 1")


async def note(database, word):
    async with database.system() as tx:
        await tx.connection.execute("INSERT INTO instance_setting (name, value) VALUES ($1, '1')", word)


async def is_noted(database, word):
    async with database.system_statement() as tx:
        return await tx.connection.fetchval("SELECT count(*) FROM instance_setting WHERE name = $1", word) == 1


@pytest.mark.parametrize(("stage", "is_committed"), [("before_commit", False), ("after_commit", True)])
async def test_a_fault_is_on_its_side_of_the_commit(database, stage, is_committed):
    failpoints.arm(f"*.{stage}:1:raise")
    with pytest.raises(InjectedFault):
        await note(database, stage)
    failpoints.arm(None)
    assert await is_noted(database, stage) is is_committed


async def test_a_fault_comes_at_the_pass_it_is_asked_for_and_once(database):
    failpoints.arm("*.system.after_commit:2:raise")
    assert await one(database) == 1
    with pytest.raises(InjectedFault):
        await one(database)
    assert await one(database) == 1


@pytest.mark.parametrize("text", ["nonsense", "a:b:kill", "a:1:explode", "a:1:sleep", "a:1:sleep:soon", "a:1:kill:3"])
def test_what_is_not_a_fault_is_refused(text):
    with pytest.raises(Misconfigured, match="FAIL"):
        failpoints.arm(text)


def test_a_kill_is_a_kill():
    code = ("import asyncio; from windlass.db import failpoints; failpoints.arm('elsewhere.x:1:kill'); "
            "asyncio.run(failpoints.reach('x', None))")  # fmt: skip
    assert subprocess.run([sys.executable, "-c", code], stderr=subprocess.DEVNULL).returncode == -9
