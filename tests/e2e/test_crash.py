"""A worker process is killed in the middle of its work: nothing is lost, nothing is completed twice."""

import json
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.processes import (
    START_SECONDS,
    alive,
    database_environment,
    family_of,
    fast_leases,
    running,
    running_oracle,
    temporary_home,
    wait_until,
)

pytestmark = pytest.mark.slow

JOBS = 200
LEASE_SECONDS = 2.0
MARGIN_SECONDS = 4.0


def witnessed(oracle):
    return "\n".join([oracle.says("start", "$WM_JOB_ID"), "sleep 0.1", oracle.says("end", "$WM_JOB_ID"), "echo done"])


@pytest.fixture
def settings(urls):
    return database_environment(urls) | fast_leases()


async def rows_of(database, query):
    async with database.system_statement() as tx:
        return await tx.connection.fetch(query)


async def test_no_job_is_lost_or_completed_twice_when_a_worker_is_killed_among_200(settings, database, capsys):
    with (
        temporary_home() as home,
        running_oracle() as oracle,
        running("server", home, **settings) as server,
        running("worker", home.parent / "victim", port=server.port, **settings) as victim,
        running("worker", home.parent / "survivor", port=server.port, **settings),
    ):
        with ThreadPoolExecutor(8) as pool:
            jobs = list(pool.map(lambda _: server.start_job(witnessed(oracle)), range(JOBS)))
        wait_until(lambda: len(oracle.of("end")) > JOBS / 4 and len(family_of(victim.home)) > 1, START_SECONDS)
        killed = time.monotonic()
        [[killed_at]] = await rows_of(database, "SELECT clock_timestamp()")
        below = victim.kill()
        wait_until(lambda: not alive(below) and not family_of(victim.home), 2, "the end of the killed worker's jobs")
        gone = time.monotonic() - killed
        wait_until(lambda: count_completed(server) == JOBS, START_SECONDS, "the end of every job")
        all_done = time.monotonic() - killed
    completed = await rows_of(database, "SELECT id::text, epoch, status, started_at, completed_at FROM job_completed")
    assert Counter(row["id"] for row in completed) == Counter(jobs)
    assert {row["status"] for row in completed} == {"success"}
    starts, ends = Counter(note[0] for note in oracle.of("start")), Counter(note[0] for note in oracle.of("end"))
    assert set(starts) == set(ends) == set(jobs)
    again = [row for row in completed if row["epoch"] > 1]
    assert 1 <= len(again) <= 2, "the killed worker held at most one job a slot"
    assert all(starts[row["id"]] <= row["epoch"] == 2 for row in again)
    assert all(starts[row["id"]] == ends[row["id"]] == 1 for row in completed if row["epoch"] == 1)
    slowest = max((row["started_at"] - killed_at).total_seconds() for row in again)
    with capsys.disabled():
        print(f"\n{JOBS} jobs, one worker killed: lost 0, double 0, {len(again)} started again within {slowest:.2f} s; "
              f"its processes gone after {gone:.2f} s; all done {all_done:.1f} s after the kill")  # fmt: skip
    assert slowest < LEASE_SECONDS + MARGIN_SECONDS


async def test_a_worker_that_was_frozen_beyond_its_lease_completes_nothing(settings, database):
    with (
        temporary_home() as home,
        running_oracle() as oracle,
        running("server", home, **settings) as server,
        running("worker", home.parent / "frozen", port=server.port, **settings) as frozen,
    ):
        job = server.start_job("\n".join([oracle.says("start"), "sleep 3", oracle.says("end"), "echo done"]))
        wait_until(lambda: len(oracle.of("start")) == 1, START_SECONDS)
        frozen.process.send_signal(signal.SIGSTOP)
        with running("worker", home.parent / "other", port=server.port, **settings):
            wait_until(lambda: (len(oracle.of("start")), len(oracle.of("end"))) == (2, 1), START_SECONDS)
            frozen.process.send_signal(signal.SIGCONT)  # its own attempt has ended, the second one runs
            assert server.completed(job)["result"] == "done"
        assert len(oracle.of("end")) == 2
        assert server.run("echo thawed")["result"] == "thawed"
        assert frozen.process.poll() is None
    [row] = await rows_of(database, f"SELECT epoch, worker FROM job_completed WHERE id = '{job}'")
    [thawed] = await rows_of(database, "SELECT worker FROM job_completed ORDER BY completed_at DESC LIMIT 1")
    assert row["epoch"] == 2
    assert row["worker"] != thawed["worker"]


def count_completed(server):
    return int(json.loads(server.call("GET", "/w/main/jobs/completed/count"))["database_length"])
