"""Jobs that were given up, and jobs that must not start twice, over HTTP."""

import pytest

from support.api import make_member, make_token
from support.runs import ELSEWHERE, job, preview
from windlass.flows.rescue import take_back
from windlass.jobs.pull import Claim, Held, pull
from windlass.jobs.rescue import RescuePolicy

CODE = "kill -9 $PPID"


async def lose_worker(api, job_id, *, max_attempts=1):
    """Claim the job, and be lost with it."""
    async with api.database.system() as tx:
        (claimed,) = await pull(tx, Claim(worker="w1", tags=[ELSEWHERE], slots=9))
        assert str(claimed.id) == job_id
        policy = RescuePolicy(restart=True, max_attempts=max_attempts)
        await take_back(tx, Held(job_id=claimed.id, epoch=claimed.epoch), policy)
    return claimed


async def dead_letters(client):
    response = await client.get("{ws}/jobs/completed/list", params={"dead_letter": "true"})
    return [row["id"] for row in response.json()]


async def test_a_dead_letter_is_listed_and_can_be_run_again_as_it_was(api):
    lost = await preview(api, CODE, "bash", tag=ELSEWHERE, args={"n": 1}, path="u/admin/pill")
    await lose_worker(api, lost)
    assert await dead_letters(api) == [lost]
    response = await api.post(f"{{ws}}/jobs/run/dead_letter/{lost}")
    assert response.status_code == 201 and response.text != lost
    again = await job(api, response.text)
    assert (again["raw_code"], again["args"], again["tag"], again["script_path"], again["language"]) == (
        CODE, {"n": 1}, ELSEWHERE, "u/admin/pill", "bash"
    )  # fmt: skip
    await lose_worker(api, response.text)
    assert set(await dead_letters(api)) == {lost, response.text}


async def test_with_a_key_a_dead_letter_is_run_again_once(api):
    lost = await preview(api, CODE, "bash", tag=ELSEWHERE)
    await lose_worker(api, lost)
    headers = {"Idempotency-Key": "again"}
    first, second = [await api.post(f"{{ws}}/jobs/run/dead_letter/{lost}", headers=headers) for _ in range(2)]
    assert first.status_code == second.status_code == 201 and first.text == second.text
    await lose_worker(api, first.text)


async def test_only_a_visible_dead_letter_is_run_again(api):
    waiting = await preview(api, CODE, "bash", tag=ELSEWHERE)
    assert (await api.post(f"{{ws}}/jobs/run/dead_letter/{waiting}")).status_code == 404
    await lose_worker(api, waiting)
    stranger = await make_member(api, "stranger")
    assert (await stranger.post(f"{{ws}}/jobs/run/dead_letter/{waiting}")).status_code == 404


async def test_a_token_for_one_script_runs_no_dead_letter_of_a_preview(api):
    lost = await preview(api, CODE, "bash", tag=ELSEWHERE)
    await lose_worker(api, lost)
    async with api.database.system() as tx:
        token = await make_token(tx, "admin@windmill.dev", scopes=["jobs:run:scripts:u/admin/x", "jobs:read"])
    assert (await api.as_token(token).post(f"{{ws}}/jobs/run/dead_letter/{lost}")).status_code == 403


@pytest.mark.parametrize(
    "asked, error", [({"retry_on_crash": "false"}, "WorkerLost"), ({}, None)], ids=["once", "again"]
)
async def test_a_run_may_ask_not_to_be_started_twice(api, asked, error):
    lost = await preview(api, "true", "bash", tag=ELSEWHERE, params=asked)
    await lose_worker(api, lost, max_attempts=3)
    found = await job(api, lost)
    if error is None:
        assert found["type"] == "QueuedJob" and not found["running"]
        await lose_worker(api, lost, max_attempts=1)
    else:
        assert found["result"]["error"]["name"] == error and lost not in await dead_letters(api)
