"""The published Python client against this server, call by call."""

import asyncio
from datetime import timedelta

import pytest

from .conftest import VERSION, connect, published

pytestmark = pytest.mark.usefixtures("scripts")


async def until_running(client, job_id):
    """Wait until a worker has begun the job."""
    async with asyncio.timeout(20):
        while await client.call("get_job_status", job_id) != "RUNNING":
            await asyncio.sleep(0.02)


async def test_a_script_runs_by_its_path(client):
    assert await client.call("run_script_by_path", "f/compat/add", args={"a": 40}) == 42


async def test_a_script_runs_by_its_hash(client, scripts):
    assert await client.call("run_script_by_hash", scripts, args={"a": 1, "b": 1}) == 2


async def test_the_older_run_script_takes_a_path_or_a_hash(client, scripts):
    assert await client.call("run_script", path="f/compat/add", args={"a": 1}) == 3
    assert await client.call("run_script", hash_=scripts, args={"a": 2}) == 4


async def test_an_asynchronous_run_answers_the_bare_job_id_at_once(client, scripts):
    for job_id in (
        await client.call("run_script_by_path_async", "f/compat/add", args={"a": 5}),
        await client.call("run_script_by_hash_async", scripts, args={"a": 5}),
        await client.call("run_script_async", path="f/compat/add", args={"a": 5}),
    ):
        assert len(job_id) == 36
        assert await client.call("wait_job", job_id) == 7
        assert await client.call("get_result", job_id) == 7


async def test_a_scheduled_run_waits_for_its_time(client):
    job_id = await client.call("run_script_by_path_async", "f/compat/add", args={"a": 5}, scheduled_in_secs=3600)
    assert await client.call("get_job_status", job_id) == "WAITING"
    await client.call("cancel_job", job_id)
    assert await client.call("get_job_status", job_id) == "COMPLETED"


async def test_the_retry_and_tag_arguments_are_accepted(client):
    retry = {"constant": {"attempts": 1, "seconds": 1}}
    job_id = await client.call("run_script_by_path_async", "f/compat/add", {"a": 1}, tag="python3", retry=retry)
    assert await client.call("wait_job", job_id) == 3


async def test_waiting_for_a_job_that_fails_raises_its_error(client):
    with pytest.raises(Exception, match="was not successful.*ValueError.*no luck"):
        await client.call("run_script_by_path", "f/compat/fail")


async def test_waiting_too_long_cancels_the_job(client):
    job_id = await client.call("run_script_by_path_async", "f/compat/sleep")
    with pytest.raises(TimeoutError):
        await client.call("wait_job", job_id, timeout=timedelta(seconds=0.2), cleanup=False)
    with pytest.raises(Exception, match="Canceled.*reached timeout"):
        await client.call("wait_job", job_id, timeout=20)


async def test_an_unknown_script_raises_with_the_servers_sentence(client):
    with pytest.raises(Exception, match="404.*f/compat/nothing not found"):
        await client.call("run_script_by_path", "f/compat/nothing")


async def test_arguments_that_do_not_fit_raise_with_the_field(client):
    with pytest.raises(Exception, match="400.*a"):
        await client.call("run_script_by_path", "f/compat/add", args={"a": "many"})


async def test_a_job_moves_from_waiting_over_running_to_completed(client):
    job_id = await client.call("run_script_by_path_async", "f/compat/sleep")
    await until_running(client, job_id)
    job = await client.call("get_job", job_id)
    assert (job["type"], job["running"], job["script_path"]) == ("QueuedJob", True, "f/compat/sleep")
    assert job_id in await client.call("cancel_job", job_id, reason="enough")
    with pytest.raises(Exception, match="enough"):
        await client.call("wait_job", job_id)
    job = await client.call("get_job", job_id)
    assert (job["canceled"], job["canceled_reason"], job["success"]) == (True, "enough", False)
    assert await client.call("get_job_status", job_id) == "COMPLETED"


async def test_cancel_running_ends_the_other_runs_of_the_same_script(client):
    jobs = [await client.call("run_script_by_path_async", "f/compat/sleep") for _ in range(2)]
    for job_id in jobs:
        await until_running(client, job_id)
    client.windmill.path = "f/compat/sleep"
    canceled = await client.call("cancel_running")
    assert set(canceled) == set(jobs)
    for job_id in jobs:
        with pytest.raises(Exception, match="cancel_running"):
            await client.call("wait_job", job_id, timeout=20)


async def test_a_variable_is_created_changed_and_read(client):
    await client.call("set_variable", "f/compat/greeting", "hello")
    assert await client.call("get_variable", "f/compat/greeting") == "hello"
    await client.call("set_variable", "f/compat/greeting", 'bye "ö" \U0001f600\n')
    assert await client.call("get_variable", "f/compat/greeting") == 'bye "ö" \U0001f600\n'
    assert await client.call("get_variable", "var://f/compat/greeting") == 'bye "ö" \U0001f600\n'


async def test_a_secret_variable_stays_secret_when_it_changes(client, platform):
    await client.call("set_variable", "f/compat/password", "one", is_secret=True)
    await client.call("set_variable", "f/compat/password", "two")
    assert await client.call("get_variable", "f/compat/password") == "two"
    shown = (await platform.api.get("{ws}/variables/get/f/compat/password?decrypt_secret=false")).json()
    assert shown["is_secret"] and "two" not in str(shown)


async def test_a_missing_variable_raises(client):
    with pytest.raises(Exception, match=r"variables/get_value.*404"):
        await client.call("get_variable", "f/compat/nothing")


async def test_a_resource_is_created_changed_read_and_listed(client):
    await client.call("set_resource", {"host": "one"}, "f/compat/server", "c_server")
    await client.call("set_resource", {"host": "two", "port": 1}, "f/compat/server", "c_server")
    assert await client.call("get_resource", "f/compat/server") == {"host": "two", "port": 1}
    assert await client.call("get_resource", "$res:f/compat/server") == {"host": "two", "port": 1}
    listed = await client.call("list_resources", resource_type="c_server")
    assert [item["path"] for item in listed] == ["f/compat/server"]
    assert await client.call("list_resources", page=2, per_page=100) == []


async def test_a_resource_is_read_with_its_variables_filled_in_or_as_it_is(client):
    await client.call("set_variable", "f/compat/key", "s3cret", is_secret=True)
    await client.call("set_resource", {"key": "$var:f/compat/key"}, "f/compat/keyed", "any")
    assert await client.call("get_resource", "f/compat/keyed") == {"key": "s3cret"}
    assert await client.call("get_resource", "f/compat/keyed", interpolated=False) == {"key": "$var:f/compat/key"}


async def test_a_missing_resource_is_none_when_asked_so(client):
    assert await client.call("get_resource", "f/compat/nothing", none_if_undefined=True) is None
    with pytest.raises(Exception, match="404"):
        await client.call("get_resource", "f/compat/nothing")


async def test_state_is_nothing_before_it_is_set(client, monkeypatch):
    monkeypatch.setenv("WM_STATE_PATH_NEW", "u/admin/compat_state")
    assert await client.call("get_state") is None
    await client.call("set_state", {"seen": [1, 2]})
    assert await client.call("get_state") == {"seen": [1, 2]}
    assert await client.read("state") == {"seen": [1, 2]}
    await client.call("set_state", None)
    assert await client.call("get_state") is None


async def test_whoami_and_user_tell_the_account(client):
    who = await client.call("whoami")
    assert (who["email"], who["super_admin"]) == ("admin@windmill.dev", True)
    assert (await client.read("user"))["email"] == "admin@windmill.dev"


async def test_a_created_token_works_and_a_changed_one_does_not(client, platform):
    token = await client.call("create_token", timedelta(hours=1))
    assert (await connect(platform, token).call("whoami"))["email"] == "admin@windmill.dev"
    with pytest.raises(Exception, match="401"):
        await connect(platform, token + "x").call("whoami")


async def test_a_username_gives_the_email(client, ada):
    assert await client.call("username_to_email", "ada") == "ada@example.com"


async def test_the_version_reads_as_the_clients_expect(client):
    edition, number = (await client.read("version")).split(" v")
    assert (edition, number) == ("CE", VERSION)


async def test_progress_is_set_and_read_by_id(client):
    job_id = await client.call("run_script_by_path_async", "f/compat/sleep")
    await until_running(client, job_id)
    assert await client.call("get_progress", job_id) is None
    await client.call("set_progress", 30, job_id)
    assert await client.call("get_progress", job_id) == 30
    assert await client.call("worker_is_draining", job_id) is False
    await client.call("cancel_job", job_id)


async def test_a_job_without_a_parent_is_its_own_root(client):
    job_id = await client.call("run_script_by_path_async", "f/compat/add", args={"a": 1})
    assert await client.call("get_root_job_id", job_id) == job_id


async def test_an_inline_preview_answers_the_result(client):
    code = "def main(n: int):\n    return n * 2\n"
    assert await client.call("run_inline_script_preview", code, "python3", {"n": 4}) == 8


async def test_a_member_may_not_read_what_is_not_theirs(client, platform, ada):
    await client.call("set_variable", "u/admin/private", "mine")
    with pytest.raises(Exception, match="404"):
        await connect(platform, ada.token).call("get_variable", "u/admin/private")


async def test_the_client_gives_up_a_job_it_waits_for_when_its_process_ends(client, run_outside):
    job_id = await client.call("run_script_by_path_async", "f/compat/sleep")
    code = f"""
import json, threading, wmill
threading.Thread(target=lambda: wmill.Windmill().wait_job({job_id!r}), daemon=True).start()
wmill.Windmill().get_job({job_id!r})
print(json.dumps("left"))
"""
    assert await run_outside(code) == "left"
    with pytest.raises(Exception, match="parent script cancelled"):
        await client.call("wait_job", job_id, timeout=20)


async def test_the_plain_functions_work_from_the_environment_alone(run_outside):
    code = """
import json, wmill
wmill.set_variable("f/compat/outside", "there")
wmill.set_resource("f/compat/outside", {"n": 1}, "any")
job = wmill.run_script_by_path_async("f/compat/add", {"a": 1})
print(json.dumps([
    wmill.get_variable("f/compat/outside"), wmill.get_resource("f/compat/outside"), wmill.whoami()["email"],
    wmill.run_script_by_path_sync("f/compat/add", {"a": 1}), wmill.get_workspace(), wmill.get_version(),
    wmill.get_root_job_id(job) == job,
]))
"""
    expected = ["there", {"n": 1}, "admin@windmill.dev", 3, "main", f"CE v{VERSION}", True]
    assert await run_outside(code) == expected


def test_the_client_under_test_is_the_published_one():
    assert published.__file__.endswith("site-packages/wmill/__init__.py")
