"""Jobs in warm processes on a whole platform: when they are, what they share, and scripts that stay loaded."""

import asyncio

import pytest_asyncio

from support.platform import running_platform
from support.postgres import fresh_database

WAY = "def main(): return b'zygote.py' in open('/proc/self/cmdline', 'rb').read()"
COUNTER = """
count = 0
def main(fail: bool = False):
    global count
    count += 1
    print('at', count)
    assert not fail, 'told to'
    return count
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def dedicated(postgres):
    async with (
        fresh_database(postgres) as urls,
        running_platform(urls, dedicated_worker=("main:u/admin/counter",)) as platform,
    ):
        yield platform


async def until_warm(platform, code: str = WAY) -> None:
    async with asyncio.timeout(30):
        while not (await platform.preview(code))["result"]:
            await asyncio.sleep(0.01)


async def test_python_jobs_are_forked_unless_they_ask_not_to_be(platform):
    await until_warm(platform)
    assert (await platform.preview(f"# windlass: cold\n{WAY}"))["result"] is False


async def test_a_variable_of_the_scripts_own_that_a_start_reads_makes_it_cold(platform):
    await until_warm(platform)
    await platform.deploy("u/admin/cold", WAY, envs=["LD_BIND_NOW=1"])
    response = await platform.api.post("{ws}/jobs/run/p/u/admin/cold", json={})
    assert (await platform.result(response.text))["result"] is False


async def test_jobs_that_fail_or_are_cancelled_leave_a_good_process(platform):
    await until_warm(platform)
    failed = await platform.preview("def main(): raise ValueError('sour')")
    assert failed["result"]["error"]["message"] == "sour"
    assert (await platform.preview("import os\ndef main(): os._exit(3)"))["result"]["error"]["exit_code"] == 3
    assert (await platform.preview(WAY))["result"] is True


async def test_a_dedicated_script_stays_loaded_and_its_jobs_keep_apart_their_output(dedicated):
    await dedicated.deploy("u/admin/counter", COUNTER)
    results, logs = [], []
    async with asyncio.timeout(30):
        while len(results) < 3 or results[-1] < 3:
            response = await dedicated.api.post("{ws}/jobs/run/p/u/admin/counter", json={})
            done = await dedicated.result(response.text)
            results.append(done["result"])
            logs.append(done["logs"])
    assert results[-3:] == [1, 2, 3]
    assert [log.count("at ") for log in logs] == [1] * len(logs)


async def test_a_dedicated_script_that_fails_goes_on(dedicated):
    response = await dedicated.api.post("{ws}/jobs/run/p/u/admin/counter", json={"fail": True})
    assert (await dedicated.result(response.text))["result"]["error"]["message"] == "told to"
    response = await dedicated.api.post("{ws}/jobs/run/p/u/admin/counter", json={})
    assert (await dedicated.result(response.text))["result"] == 5


async def test_a_new_version_of_a_dedicated_script_is_loaded_anew(dedicated):
    await dedicated.deploy("u/admin/counter", COUNTER.replace("count = 0", "count = 100"))
    response = await dedicated.api.post("{ws}/jobs/run/p/u/admin/counter", json={})
    assert (await dedicated.result(response.text))["result"] == 101
