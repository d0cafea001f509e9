"""Lists, counts and the queue over HTTP. No worker: what is in the queue stays there, what is done is done by SQL."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from support.api import make_member
from support.runs import preview
from windlass.flows.settle import settle
from windlass.jobs import pull
from windlass.jobs.model import Completion, Status


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def jobs(api):
    """Jobs in every state, by name their id, oldest first."""
    made = {
        "good": await preview(api, "1", path="u/admin/good", args={"n": 1, "who": "ann"}),
        "bad": await preview(api, "2", path="u/admin/bad", args={"n": 2}),
        "nul": await preview(api, "3", path="u/admin/nul", args={"n": "a\x00b"}),
        "canceled": await preview(api, "4", "bash"),
        "running": await preview(api, "5", tag="running"),
        "waiting": await preview(api, "6", tag="waiting", path="f/team/waiting"),
    }
    made["child"] = await preview(api, "7", tag="waiting", params={"parent_job": made["waiting"]})
    async with api.database.system() as tx:
        claimed = {
            str(job.id): job
            for job in await pull.pull(tx, pull.Claim(worker="w1", tags=["python3", "running"], slots=9))
        }
        for name, status, result in (("good", Status.SUCCESS, b'{"fruit":"pear","wm_labels":["sweet"]}'),
                                     ("bad", Status.FAILURE, b'{"error":{}}'),
                                     ("nul", Status.SUCCESS, b'"a\\u0000b"')):  # fmt: skip
            job = claimed[made[name]]
            labels = ("sweet",) if name == "good" else ()
            await settle(tx, Completion(job_id=job.id, epoch=job.epoch, status=status, result=result, labels=labels,
                                        is_dead_letter=name == "bad"))  # fmt: skip
    await api.post(f"{{ws}}/jobs_u/queue/cancel/{made['canceled']}", json={})
    return made


async def listed(client, jobs, where="list", **params):
    response = await client.get(f"{{ws}}/jobs/{where}", params={"order_desc": "false", "per_page": 100} | params)
    assert response.status_code == 200, response.text
    names = {id: name for name, id in jobs.items()}
    return [names.get(job["id"], "?") for job in response.json()]


async def test_the_newest_job_comes_first_unless_asked_otherwise(api, jobs):
    assert await listed(api, jobs) == list(jobs)
    assert await listed(api, jobs, order_desc="true") == list(jobs)[::-1]


async def test_the_queue_and_the_completed_are_listed_apart(api, jobs):
    assert await listed(api, jobs, "queue/list") == ["running", "waiting", "child"]
    assert await listed(api, jobs, "completed/list") == ["good", "bad", "nul", "canceled"]


@pytest.mark.parametrize("params, expected", [
    ({"success": "true"}, ["good", "nul"]), ({"success": "false"}, ["bad", "canceled"]),
    ({"dead_letter": "true"}, ["bad"]),
    ({"running": "true"}, ["running"]), ({"running": "false"}, ["waiting", "child"]),
    ({"canceled": "true"}, ["canceled"]),
    ({"script_path_exact": "u/admin/good"}, ["good"]), ({"script_path_start": "u/admin/"}, ["good", "bad", "nul"]),
    ({"script_path_start": "u/admin/%"}, []), ({"script_hash": "00000000000000aa"}, []), ({"created_by": "nobody"}, []),
    ({"job_kinds": "script,dependencies"}, []), ({"tag": "waiting"}, ["waiting", "child"]),
    ({"tag": "bash"}, ["canceled"]),
    ({"worker": "w1"}, ["good", "bad", "nul", "running"]), ({"label": "sweet"}, ["good"]),
    ({"has_null_parent": "false"}, ["child"]), ({"is_flow_step": "true"}, ["child"]),
    ({"args": '{"n":1}'}, ["good"]), ({"args": '{"who":"ann"}'}, ["good"]), ({"result": '{"fruit":"pear"}'}, ["good"]),
    ({"trigger_kind": "schedule"}, []), ({"trigger_kind": "webhook"}, []),
])  # fmt: skip
async def test_a_filter_narrows_the_list(api, jobs, params, expected):
    assert await listed(api, jobs, **params) == expected


async def test_jobs_are_found_by_their_parent(api, jobs):
    assert await listed(api, jobs, parent_job=jobs["waiting"]) == ["child"]


async def test_jobs_are_found_by_time(api, jobs):
    now = datetime.now(UTC)
    for field in ("created", "started"):
        some = list(jobs) if field == "created" else ["good", "bad", "nul", "running"]
        before, after = f"{field}_before", f"{field}_after"
        assert await listed(api, jobs, **{before: (now + timedelta(hours=1)).isoformat()}) == some
        assert await listed(api, jobs, **{after: (now + timedelta(hours=1)).isoformat()}) == []
        assert await listed(api, jobs, **{before: "2020-01-01T00:00:00Z"}) == []
        assert await listed(api, jobs, **{after: "2020-01-01T00:00:00Z"}) == some


async def test_a_job_with_a_nul_does_not_break_the_search_by_value(api, jobs):
    assert "nul" in await listed(api, jobs)
    assert await listed(api, jobs, args='{"n":2}') == ["bad"]
    assert await listed(api, jobs, result='{"fruit":"pear"}') == ["good"]


async def test_pages_zero_and_one_are_the_first(api, jobs):
    pages = [await listed(api, jobs, page=page, per_page=3) for page in (0, 1, 2, 3, 4)]
    names = list(jobs)
    assert pages == [names[:3], names[:3], names[3:6], names[6:], []]


@pytest.mark.parametrize("params", [
    {"page": -1}, {"per_page": 0}, {"success": "maybe"}, {"created_after": "noon"}, {"args": "{"},
    {"args": '{"a":"\\u0000"}'}, {"parent_job": "x"}, {"created_by": "a\x00b"}, {"tag": "\x00"},
    {"script_hash": "no hash"},
])  # fmt: skip
async def test_a_bad_filter_is_a_400_text(api, jobs, params):
    response = await api.get("{ws}/jobs/list", params=params)
    assert response.status_code == 400, response.text
    assert response.headers["content-type"].startswith("text/plain")


async def test_a_list_leaves_arguments_results_and_logs_out(api, jobs):
    for found in (await api.get("{ws}/jobs/list")).json():
        assert not {"args", "result", "logs", "raw_code"} & set(found)
        assert found["type"] in ("QueuedJob", "CompletedJob")
        assert {
            "id",
            "job_kind",
            "canceled",
            "permissioned_as",
            "is_flow_step",
            "email",
            "visible_to_owner",
            "tag",
        } <= set(found)


async def test_a_stranger_sees_an_empty_list(api, jobs):
    dev = await make_member(api, "dev")
    assert await listed(dev, jobs) == []
    assert (await dev.get("{ws}/jobs/queue/list")).json() == []


async def test_a_job_of_a_readable_folder_is_seen_unless_it_is_hidden(api):
    reader = await make_member(api, "reader")
    await api.post("{ws}/folders/create", json={"name": "open", "extra_perms": {"u/reader": False}})
    shown = await preview(api, "8", tag="folder", path="f/open/x")
    await preview(api, "9", tag="folder", path="f/open/x", params={"invisible_to_owner": "true"})
    found = (await reader.get("{ws}/jobs/list", params={"tag": "folder"})).json()
    assert [job["id"] for job in found] == [shown]


async def test_counts_of_queue_and_completed(api, jobs):
    queue = (await api.get("{ws}/jobs/queue/count")).json()
    assert queue["database_length"] >= 2 and queue["suspended"] == 0
    completed = (await api.get("{ws}/jobs/completed/count")).json()
    assert completed["database_length"] == 4
    for params, count in (({"success": "true"}, 2), ({"success": "false"}, 2), ({"tags": "bash,deno"}, 1),
                          ({"completed_after_s_ago": 3600}, 4)):  # fmt: skip
        assert (await api.get("{ws}/jobs/completed/count_jobs", params=params)).json() == count


async def test_the_position_in_the_queue_counts_who_comes_before(api, jobs):
    later = int((time.time() + 60) * 1000)
    ahead = (await api.get(f"{{ws}}/jobs/queue/position/{later}")).json()["position"]
    assert ahead >= 2
    assert (await api.get("{ws}/jobs/queue/position/0")).json() == {"position": 0}
    assert (await api.get(f"{{ws}}/jobs/queue/position/{10**30}")).status_code in (200, 400)


async def test_the_databases_clock_is_in_milliseconds(api):
    response = await api.get("/jobs/db_clock")
    assert abs(response.json() / 1000 - time.time()) < 5


async def test_completed_jobs_are_counted_by_tag_for_the_instance_only(api, jobs):
    counted = {row["tag"]: row["count"] for row in (await api.get("/jobs/completed/count_by_tag")).json()}
    assert (counted["python3"], counted["bash"]) == (3, 1)
    nobody = await make_member(api, "nobody")
    assert (await nobody.get("/jobs/completed/count_by_tag")).status_code == 403


async def test_a_list_is_json_that_holds_its_dates_in_utc(api, jobs):
    found = json.loads((await api.get("{ws}/jobs/list")).content)
    assert all(job["created_at"].endswith("Z") for job in found)


async def test_a_page_larger_than_the_most_is_cut_and_not_refused(api, jobs):
    response = await api.get("{ws}/jobs/list", params={"per_page": 10**6})
    assert response.status_code == 200 and len(response.json()) >= len(jobs)


async def test_a_number_that_no_filter_can_hold_is_400(api):
    assert (await api.get("{ws}/jobs/list", params={"args": "9" * 40})).status_code == 400
