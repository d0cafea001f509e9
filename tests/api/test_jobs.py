"""Running, reading and canceling jobs over HTTP, with a real worker."""

import asyncio
import base64
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from support.api import make_token
from support.runs import ELSEWHERE, asleep, ended, job, logged, preview, until, waiting
from windlass.auth import accounts

ECHO = "def main(x: int, note: str = 'none'):\n    return [x, note]\n"
ANY = "def main(**given):\n    return given\n"
FAILS = "def main():\n    raise ValueError('no such fruit')\n"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def api(platform):
    """The admin."""
    return platform.api


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scripts(platform):
    """Deployed scripts, by name their hash."""
    made = {"echo": ECHO, "any": ANY, "fails": FAILS}
    return {name: await platform.deploy(f"u/admin/{name}", code) for name, code in made.items()}


def encoded(value):
    return base64.b64encode(json.dumps(value).encode()).decode()


# Running


async def test_a_run_by_path_answers_201_with_the_id_as_text(api, scripts):
    response = await api.post("{ws}/jobs/run/p/u/admin/echo", json={"x": 3})
    assert (response.status_code, response.headers["content-type"]) == (201, "text/plain; charset=utf-8")
    assert UUID(response.text)
    done = await ended(api, response.text)
    assert (done["type"], done["success"], done["result"]) == ("CompletedJob", True, [3, "none"])
    assert done.items() >= {"script_path": "u/admin/echo", "script_hash": scripts["echo"], "job_kind": "script",
                            "canceled": False, "is_skipped": False, "is_flow_step": False, "created_by": "admin",
                            "permissioned_as": "u/admin", "email": "admin@windmill.dev", "tag": "python3",
                            "visible_to_owner": True, "language": "python3", "args": {"x": 3}}.items()  # fmt: skip
    assert done["duration_ms"] >= 0 and done["started_at"] and done["created_at"] and done["completed_at"]


async def test_a_run_by_hash_runs_that_version_even_when_it_was_replaced(platform):
    old = await platform.deploy("u/admin/replaced", "def main(): return 'old'")
    await platform.deploy("u/admin/replaced", "def main(): return 'new'")
    by_hash = await platform.api.post(f"{{ws}}/jobs/run_wait_result/h/{old}", json={})
    by_path = await platform.api.post("{ws}/jobs/run_wait_result/p/u/admin/replaced", json={})
    assert (by_hash.json(), by_path.json()) == ("old", "new")


async def test_a_preview_may_name_a_path_and_its_code_can_be_read_back(api):
    code = "import os\ndef main(): return os.environ['WM_JOB_PATH']"
    done = await ended(api, await preview(api, code, path="u/admin/sketch"))
    assert (done["result"], done["script_path"], done["job_kind"]) == ("u/admin/sketch", "u/admin/sketch", "preview")
    assert done["raw_code"] == code
    slim = (await api.get(f"{{ws}}/jobs_u/get/{done['id']}", params={"no_code": "true", "no_logs": "true"})).json()
    assert "raw_code" not in slim and "logs" not in slim


async def test_a_preview_waits_for_its_result(api):
    for route in ("run_wait_result/preview", "run_inline/preview"):
        body = {"content": "def main(x): return x", "language": "python3", "args": {"x": {"a": [1]}}}
        response = await api.post("{ws}/jobs/" + route, json=body)
        assert (response.status_code, response.json()) == (200, {"a": [1]})


@pytest.mark.parametrize("value, shown", [
    ("text", '"text"'), (None, "null"), (False, "false"), (0, "0"), ([], "[]"), ({"b": 1, "a": 2}, '{"b":1,"a":2}'),
])  # fmt: skip
async def test_a_result_is_json_whatever_it_is(api, scripts, value, shown):
    code = f"def main(): return {value!r}"
    body = {"content": code, "language": "python3", "args": {}}
    response = await api.post("{ws}/jobs/run_wait_result/preview", json=body)
    assert (response.text, response.headers["content-type"]) == (shown, "application/json")


async def test_run_wait_result_by_post_answers_the_result(api, scripts):
    for route in ("p/u/admin/echo", f"h/{scripts['echo']}"):
        response = await api.post(f"{{ws}}/jobs/run_wait_result/{route}", json={"x": 1, "note": "ä😀"})
        assert (response.status_code, response.json()) == (200, [1, "ä😀"])


@pytest.mark.parametrize("encode", [
    encoded, lambda value: quote(encoded(value)), lambda value: encoded(value).replace("+", "-").replace("/", "_"),
    lambda value: encoded(value).rstrip("="),
], ids=["base64", "percent-encoded", "url-safe", "unpadded"])  # fmt: skip
async def test_run_wait_result_by_get_takes_a_payload(api, scripts, encode):
    args = {"x": 1, "note": "ü>>>???~~~ÿÿ"}
    assert {"+", "/", "="} & set(encoded(args))
    for route in ("p/u/admin/echo", f"h/{scripts['echo']}"):
        response = await api.get(f"{{ws}}/jobs/run_wait_result/{route}", params={"payload": encode(args)})
        assert (response.status_code, response.json()) == (200, [1, args["note"]])


@pytest.mark.parametrize("payload", ["%%%", "bm9qc29u", "W10=", "/w==", "é"])
async def test_a_payload_that_is_no_json_object_is_a_400(api, scripts, payload):
    response = await api.get("{ws}/jobs/run_wait_result/p/u/admin/any", params={"payload": payload})
    assert response.status_code == 400


async def test_a_failure_is_a_500_with_the_error_object(api, scripts):
    response = await api.post("{ws}/jobs/run_wait_result/p/u/admin/fails", json={})
    assert (response.status_code, response.headers["content-type"]) == (500, "application/json")
    error = response.json()["error"]
    assert (error["name"], error["message"]) == ("ValueError", "no such fruit")
    assert "line 2, in main" in error["stack"]


async def test_a_job_may_be_scheduled_for_later(api, scripts):
    moment = datetime.now(UTC) + timedelta(hours=1)
    response = await api.post("{ws}/jobs/run/p/u/admin/any", params={"scheduled_for": moment.isoformat()}, json={})
    found = await job(api, response.text)
    assert (found["type"], found["running"]) == ("QueuedJob", False)
    assert datetime.fromisoformat(found["scheduled_for"]) == moment
    response = await api.post("{ws}/jobs/run/p/u/admin/any", params={"scheduled_in_secs": 3600}, json={})
    found = await job(api, response.text)
    delay = datetime.fromisoformat(found["scheduled_for"]) - datetime.fromisoformat(found["created_at"])
    assert delay == timedelta(hours=1)


@pytest.mark.parametrize("params", [
    {"scheduled_for": "tomorrow"}, {"scheduled_for": "2030-01-01T00:00:00"}, {"scheduled_in_secs": -1},
    {"scheduled_in_secs": 10**12}, {"parent_job": "x"}, {"job_id": "x"}, {"timeout": 0}, {"timeout": 2**40},
    {"tag": "x" * 300}, {"queue_limit": -1},
])  # fmt: skip
async def test_a_bad_run_parameter_is_a_400_that_names_it(api, scripts, params):
    response = await api.post("{ws}/jobs/run/p/u/admin/any", params=params, json={})
    assert response.status_code == 400, response.text
    assert next(iter(params)) in response.text


async def test_a_chosen_job_id_makes_a_run_happen_once(api, scripts):
    chosen = str(uuid4())
    tries = [api.post("{ws}/jobs/run/p/u/admin/any", params={"job_id": chosen}, json={"try": n}) for n in range(5)]
    answers = await asyncio.gather(*tries)
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    assert [answer.text for answer in answers if answer.status_code == 201] == [chosen]
    assert (await ended(api, chosen))["success"] is True
    assert (await api.post("{ws}/jobs/run/p/u/admin/any", params={"job_id": chosen}, json={})).status_code == 409


async def test_a_tag_decides_which_workers_take_the_job(api, scripts):
    response = await api.post("{ws}/jobs/run/p/u/admin/any", params={"tag": ELSEWHERE}, json={})
    assert (await job(api, response.text))["tag"] == ELSEWHERE


async def test_a_child_knows_its_parent_and_root(api):
    parent = await waiting(api)
    child = await waiting(api, params={"parent_job": parent})
    grandchild = await waiting(api, params={"parent_job": child})
    found = await job(api, grandchild)
    assert (found["parent_job"], found["root_job"]) == (child, parent)
    for any_of_them in (parent, child, grandchild):
        response = await api.get(f"{{ws}}/jobs_u/get_root_job_id/{any_of_them}")
        assert (response.text, response.headers["content-type"]) == (f'"{parent}"', "application/json")


async def test_included_headers_and_queries_become_arguments_and_the_body_wins(api, scripts):
    response = await api.post(
        "{ws}/jobs/run_wait_result/p/u/admin/any",
        params={"include_header": "X-Kind,X-Missing,X-Both", "include_query": "color,absent", "color": "red"},
        headers={"X-Kind": "webhook", "X-Both": "header"}, json={"x_both": "body"},
    )  # fmt: skip
    assert response.json() == {"x_kind": "webhook", "x_both": "body", "color": "red"}


async def test_parameters_that_clients_send_and_we_do_not_know_are_ignored(api, scripts):
    params = {"retry": '{"constant":{"attempts":1}}', "skip_preprocessor": "true", "cache_ttl": 5, "memory_id": "x"}
    response = await api.post("{ws}/jobs/run_wait_result/p/u/admin/any", params=params, json={"a": 1})
    assert (response.status_code, response.json()) == (200, {"a": 1})


async def test_a_waiting_caller_whose_job_takes_too_long_is_told_so(api, scripts, platform, monkeypatch):
    monkeypatch.setattr(platform.settings, "timeout_wait_result", 0.2)
    response = await api.post("{ws}/jobs/run_wait_result/p/u/admin/any", params={"tag": ELSEWHERE}, json={})
    assert (response.status_code, response.headers["content-type"]) == (408, "text/plain; charset=utf-8")
    assert "still running" in response.text


async def test_a_full_queue_refuses_a_waiting_caller_with_503(api, scripts):
    for _ in range(3):
        await waiting(api)
    params = {"tag": ELSEWHERE, "queue_limit": 2}
    response = await api.post("{ws}/jobs/run_wait_result/p/u/admin/any", params=params, json={})
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0


async def test_a_timeout_ends_the_job_with_a_timeout_error(api):
    done = await ended(api, await preview(api, "import time\ndef main(): time.sleep(60)", params={"timeout": 1}))
    assert (done["success"], done["canceled"], done["result"]["error"]["name"]) == (False, False, "Timeout")
    assert done["duration_ms"] < 10_000


# Bad arguments


@pytest.mark.parametrize("args, words", [
    ({"x": "one"}, ("x", "integer")), ({}, ("x", "required")), ({"x": None}, ("x",)),
    ({"x": 1, "note": 2}, ("note", "string")),
    ({"x": 1.5}, ("x", "integer")), ({"x": [1]}, ("x",)),
])  # fmt: skip
async def test_arguments_that_do_not_fit_are_a_400_with_field_and_reason(api, scripts, args, words):
    for route in ("run/p/u/admin/echo", "run_wait_result/p/u/admin/echo", f"run/h/{scripts['echo']}"):
        response = await api.post("{ws}/jobs/" + route, json=args)
        assert response.status_code == 400, response.text
        assert all(word in response.text for word in words)


async def test_references_and_a_null_for_an_optional_argument_are_let_through(api, scripts):
    for args in (
        {"x": "$var:u/admin/number"},
        {"x": "$res:u/admin/number"},
        {"x": 1, "note": None},
        {"x": 1, "more": 2},
    ):
        response = await api.post("{ws}/jobs/run/p/u/admin/echo", params={"tag": ELSEWHERE}, json=args)
        assert response.status_code == 201, response.text


async def test_a_token_for_one_script_cannot_have_it_handed_a_secret(api, scripts):
    async with api.database.system() as tx:
        narrow = await make_token(tx, accounts.FIRST_EMAIL, scopes=["jobs:run:scripts:u/admin/any"])
        wider = await make_token(
            tx, accounts.FIRST_EMAIL, scopes=["jobs:run:scripts:u/admin/any", "variables:read", "resources:read"]
        )
    cases = (
        (narrow, {"x": "plain"}, 201),
        (narrow, {"x": "$var:u/admin/secret"}, 403),
        (narrow, {"x": ["$res:u/admin/secret"]}, 403),
        (wider, {"x": "$var:u/admin/secret"}, 201),
    )
    for token, args, status in cases:
        response = await api.as_token(token).post("{ws}/jobs/run/p/u/admin/any", params={"tag": ELSEWHERE}, json=args)
        assert response.status_code == status, response.text


@pytest.mark.parametrize(
    "body", [b"{", b"[1]", b'"text"', b"7", b"\xff", b'{"x": NaN}', b'{"x":"\\ud800"}', b"[" * 5000]
)
async def test_a_body_that_is_no_json_object_is_a_400(api, scripts, body):
    response = await api.post("{ws}/jobs/run/p/u/admin/any", content=body)
    assert response.status_code == 400
    assert response.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("body", [b"", b"null", b"{}", b"  "])
async def test_no_arguments_may_be_written_in_several_ways(api, scripts, body):
    response = await api.post("{ws}/jobs/run_wait_result/p/u/admin/any", content=body)
    assert (response.status_code, response.json()) == (200, {})


@pytest.mark.parametrize("body", [
    {"content": "x"}, {"language": "python3"}, {"content": "x", "language": "cobol"},
    {"content": "a\x00", "language": "bash"},
    {"content": "x", "language": "bash", "args": [1]}, {"content": "x", "language": "bash", "path": "a\x00b"},
])  # fmt: skip
async def test_a_bad_preview_is_a_400(api, body):
    response = await api.post("{ws}/jobs/run/preview", json=body)
    assert response.status_code == 400, response.text


@pytest.mark.parametrize("field", ["content", "path", "args", "lock"])
async def test_half_a_character_in_a_preview_is_a_400(api, field):
    value = r'{"a":"\ud800"}' if field == "args" else r'"\ud800"'
    fields = {"content": '"x"', "language": '"bash"', field: value}
    body = "{" + ",".join(f'"{name}":{text}' for name, text in fields.items()) + "}"
    response = await api.post("{ws}/jobs/run/preview", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 400, response.text


async def test_a_nul_in_an_argument_arrives(api, scripts):
    response = await api.post("{ws}/jobs/run_wait_result/p/u/admin/any", json={"x": "a\x00b"})
    assert (response.status_code, response.json()) == (200, {"x": "a\x00b"})


async def test_numbers_of_any_size_arrive_whole(api, scripts):
    raw = b'{"big":1180591620717411303424,"exact":0.1,"small":-0.0}'
    deployed = await api.post("{ws}/jobs/run_wait_result/p/u/admin/any", content=raw)
    assert deployed.content == raw
    body = b'{"language":"python3","content":"def main(**g): return g","args":' + raw + b"}"
    headers = {"Content-Type": "application/json"}
    previewed = await api.post("{ws}/jobs/run_wait_result/preview", content=body, headers=headers)
    assert previewed.content == raw


async def test_a_nul_in_a_path_is_no_server_error(api):
    for route in ("jobs/run/p/u/admin/a%00b", "jobs/run_wait_result/p/%00"):
        assert (await api.post("{ws}/" + route, json={})).status_code in (400, 404)


@pytest.mark.parametrize("route", ["jobs/run/p/u/admin/any", "jobs/run/preview", "scripts/create"])
async def test_a_body_over_the_limit_is_a_413_declared_or_streamed(api, scripts, route):
    limit = 10 * 1024 * 1024
    headers = {"Content-Type": "application/json"}

    async def stream():
        yield b'{"x":"'
        for _ in range(11):
            yield b"x" * (limit // 10)

    streamed = await api.post("{ws}/" + route, content=stream(), headers=headers)
    declared = await api.post("{ws}/" + route, content=b"x" * (limit + 1), headers=headers)
    assert (streamed.status_code, declared.status_code) == (413, 413)
    assert "MiB" in streamed.text and "MiB" in declared.text


# Rights


async def test_an_operator_runs_what_is_deployed_but_no_code_of_their_own(api, operator):
    await api.post("{ws}/folders/create", json={"name": "shared", "extra_perms": {"g/all": False}})
    await api.post(
        "{ws}/scripts/create", json={"path": "f/shared/hi", "content": "echo hi", "language": "bash", "summary": ""}
    )
    response = await operator.post("{ws}/jobs/run_wait_result/p/f/shared/hi", json={})
    assert (response.status_code, response.json()) == (200, "hi")
    body = {"content": "echo", "language": "bash", "args": {}}
    for route in ("run/preview", "run_wait_result/preview", "run_inline/preview"):
        assert (await operator.post("{ws}/jobs/" + route, json=body)).status_code == 403
    raw = {"raw_scripts": [{"raw_code": "x", "language": "python3"}]}
    assert (await operator.post("{ws}/jobs/run/dependencies_async", json=raw)).status_code == 403


async def test_what_one_cannot_read_one_cannot_run(dev, scripts):
    assert (await dev.post("{ws}/jobs/run/p/u/admin/any", json={})).status_code == 404
    assert (await dev.post(f"{{ws}}/jobs/run/h/{scripts['any']}", json={})).status_code == 404


async def test_a_job_is_invisible_to_strangers_in_every_way(api, dev):
    canary = "canary-3f9c1d"
    code = f"def main(x):\n    print('{canary}')\n    return '{canary}'\n"
    hidden = await preview(api, code, args={"x": canary})
    await ended(api, hidden)
    routes = ("jobs_u/get", "jobs_u/completed/get", "jobs_u/completed/get_result", "jobs_u/get_logs", "jobs_u/get_args",
              "jobs_u/getupdate", "jobs_u/get_root_job_id", "jobs/worker_is_draining")  # fmt: skip
    for route in routes:
        response = await dev.get(f"{{ws}}/{route}/{hidden}")
        assert response.status_code == 404, route
        assert canary not in response.text
    maybe = await dev.get(f"{{ws}}/jobs_u/completed/get_result_maybe/{hidden}")
    assert maybe.json() == {"completed": False, "started": False, "success": None, "result": None}
    events = await dev.get(f"{{ws}}/jobs_u/getupdate_sse/{hidden}", params={"only_result": "true"})
    assert '"not_found"' in events.text and canary not in events.text
    for place in ("list", "completed/list", "queue/list"):
        listed = await dev.get(f"{{ws}}/jobs/{place}", params={"per_page": 1000})
        assert hidden not in listed.text and canary not in listed.text
    running = await asleep(api)
    for route in ("cancel", "force_cancel"):
        assert (await dev.post(f"{{ws}}/jobs_u/queue/{route}/{running}", json={})).status_code == 404
    assert (await job(api, running))["canceled"] is False
    await api.post(f"{{ws}}/jobs_u/queue/cancel/{running}", json={})


async def test_a_job_is_invisible_from_another_workspace(api):
    made = await api.post("/workspaces/create", json={"id": "elsewhere", "name": "Elsewhere"})
    assert made.status_code in (200, 201), made.text
    hidden = await preview(api, "def main(): return 1")
    for route in ("jobs_u/get", "jobs_u/get_logs", "jobs_u/completed/get_result", "jobs_u/get_args"):
        assert (await api.get(f"/w/elsewhere/{route}/{hidden}")).status_code == 404


async def test_nobody_without_a_token_gets_in(api, anonymous_api):
    id = await preview(api, "def main(): return 1")
    for method, route in (("GET", f"jobs_u/get/{id}"), ("GET", f"jobs_u/get_logs/{id}"), ("POST", "jobs/run/preview"),
                          ("GET", f"jobs_u/completed/get_result_maybe/{id}"), ("POST", f"jobs_u/queue/cancel/{id}"),
                          ("GET", f"jobs_u/getupdate_sse/{id}"), ("GET", "jobs/list")):  # fmt: skip
        assert (await anonymous_api.call(method, "{ws}/" + route)).status_code == 401, route


@pytest.fixture
def anonymous_api(api):
    """Nobody."""
    return api.as_token(None)


# Job tokens


async def test_a_job_token_ends_with_its_job(api, platform):
    code = "import os, time\ndef main():\n    print(os.environ['WM_TOKEN'], flush=True)\n    time.sleep(60)\n"
    id = await preview(api, code)
    await logged(api, id, "wj_")
    as_job = api.as_token((await api.get(f"{{ws}}/jobs_u/get_logs/{id}")).text.strip())
    assert (await as_job.get("{ws}/users/whoami")).json()["username"] == "admin"
    made = await as_job.post("/users/tokens/create", json={"label": "forever"})
    assert made.status_code == 403
    assert (await as_job.get("/w/admins/users/whoami")).status_code == 403
    assert (await as_job.get("{ws}/jobs_u/get/" + id)).status_code == 200
    cookie = {"Cookie": f"token={as_job.token}"}
    assert (await api.as_token(None).get("{ws}/users/whoami", headers=cookie)).status_code == 200
    await api.post(f"{{ws}}/jobs_u/queue/cancel/{id}", json={})
    await ended(api, id)
    assert (await as_job.get("{ws}/users/whoami")).status_code == 401


async def test_a_forged_job_token_is_worth_nothing(api):
    id = await asleep(api)
    body = UUID(id).bytes + (1).to_bytes(4)
    for token in ("wj_", "wj_x", "wj_" + base64.urlsafe_b64encode(body + b"\0" * 32).decode(), "wj_ä"):
        response = await api.as_token(None).get("{ws}/users/whoami", params={"token": token})
        assert response.status_code == 401
    await api.post(f"{{ws}}/jobs_u/queue/cancel/{id}", json={})


# Reading


async def test_a_waiting_job_has_no_result_yet(api):
    id = await waiting(api)
    assert (await api.get(f"{{ws}}/jobs_u/completed/get_result/{id}")).status_code == 404
    assert (await api.get(f"{{ws}}/jobs_u/completed/get/{id}")).status_code == 404
    maybe = (await api.get(f"{{ws}}/jobs_u/completed/get_result_maybe/{id}")).json()
    assert maybe == {"completed": False, "started": False, "success": None, "result": None}
    found = await job(api, id)
    assert (found["type"], found["running"], found["canceled"], found["is_flow_step"]) == (
        "QueuedJob",
        False,
        False,
        False,
    )


async def test_a_running_job_has_started_but_not_completed(api):
    id = await asleep(api)
    maybe = (await api.get(f"{{ws}}/jobs_u/completed/get_result_maybe/{id}")).json()
    assert maybe == {"completed": False, "started": True, "success": None, "result": None}
    found = await job(api, id)
    assert (found["type"], found["running"], found["logs"]) == ("QueuedJob", True, "asleep\n")
    assert found["started_at"] and found["worker"] and found["last_ping"]
    assert (await api.get(f"{{ws}}/jobs_u/completed/get_result/{id}")).status_code == 404
    assert (await api.get(f"{{ws}}/jobs/worker_is_draining/{id}")).json() is False
    await api.post(f"{{ws}}/jobs_u/queue/cancel/{id}", json={})


async def test_a_result_that_may_be_there_has_four_keys_also_when_it_failed(api, scripts):
    done = await ended(api, (await api.post("{ws}/jobs/run/p/u/admin/fails", json={})).text)
    maybe = (await api.get(f"{{ws}}/jobs_u/completed/get_result_maybe/{done['id']}")).json()
    assert (maybe["completed"], maybe["started"], maybe["success"]) == (True, True, False)
    assert maybe["result"]["error"]["name"] == "ValueError"
    raw = await api.get(f"{{ws}}/jobs_u/completed/get_result/{done['id']}")
    assert (raw.status_code, raw.json()) == (200, maybe["result"])


async def test_arguments_and_logs_are_read_back(api):
    id = await preview(api, "def main(a):\n    print('ä😀')", args={"a": {"b": [1, None]}})
    await ended(api, id)
    assert (await api.get(f"{{ws}}/jobs_u/get_args/{id}")).json() == {"a": {"b": [1, None]}}
    logs = await api.get(f"{{ws}}/jobs_u/get_logs/{id}")
    assert (logs.text, logs.headers["content-type"]) == ("ä😀\n", "text/plain; charset=utf-8")


@pytest.mark.parametrize("route", [
    "jobs_u/get", "jobs_u/completed/get", "jobs_u/completed/get_result", "jobs_u/get_logs", "jobs_u/get_args",
    "jobs_u/getupdate", "jobs_u/get_root_job_id",
])  # fmt: skip
async def test_an_unknown_job_is_a_404_text_and_a_malformed_id_a_400(api, route):
    unknown = await api.get(f"{{ws}}/{route}/{uuid4()}")
    assert (unknown.status_code, unknown.headers["content-type"]) == (404, "text/plain; charset=utf-8")
    assert (await api.get(f"{{ws}}/{route}/nonsense")).status_code == 400


async def test_progress_is_set_and_read(api):
    id = await asleep(api)
    assert (await api.get(f"{{ws}}/job_metrics/get_progress/{id}")).json() is None
    set_to = await api.post(f"{{ws}}/job_metrics/set_progress/{id}", json={"percent": 40, "flow_job_id": None})
    assert set_to.status_code == 200
    assert (await api.get(f"{{ws}}/job_metrics/get_progress/{id}")).json() == 40
    assert (await api.post(f"{{ws}}/job_metrics/set_progress/{id}", json={"percent": 101})).status_code == 400
    await api.post(f"{{ws}}/jobs_u/queue/cancel/{id}", json={})


async def test_the_result_of_a_completed_job_can_be_erased_by_an_admin(api, dev):
    own = await ended(dev, await preview(dev, "def main(): return 'secret'"))
    assert (await dev.post(f"{{ws}}/jobs/completed/delete/{own['id']}")).status_code == 403
    erased = await api.post(f"{{ws}}/jobs/completed/delete/{own['id']}")
    assert erased.status_code == 200
    found = await job(api, own["id"])
    assert (found["deleted"], found["result"]) == (True, None)


# Dependencies


async def test_a_lock_is_resolved_for_code_that_is_not_deployed(api):
    raw = {"raw_scripts": [{"raw_code": "def main(): ...", "language": "python3", "script_path": "u/admin/x"}]}
    direct = await api.post("{ws}/jobs/run/dependencies", json=raw | {"entrypoint": "main"})
    assert direct.status_code == 200 and isinstance(direct.json()["lock"], str)
    response = await api.post("{ws}/jobs/run/dependencies_async", json=raw)
    assert response.status_code == 201
    assert isinstance((await ended(api, response.text))["result"]["lock"], str)


async def test_the_async_lock_route_takes_a_cookie_alone(api):
    raw = {"raw_scripts": [{"raw_code": "echo", "language": "bash"}]}
    cookie = {"Cookie": f"token={api.token}"}
    response = await api.as_token(None).post("{ws}/jobs/run/dependencies_async", json=raw, headers=cookie)
    assert response.status_code == 201
    assert (await ended(api, response.text))["result"] == {"lock": ""}


# Canceling


async def test_a_waiting_job_is_canceled_at_once(api):
    id = await waiting(api)
    response = await api.post(f"{{ws}}/jobs_u/queue/cancel/{id}", json={"reason": "no need"})
    assert (response.status_code, response.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    done = await job(api, id)
    assert done.items() >= {"type": "CompletedJob", "canceled": True, "success": False, "canceled_by": "admin",
                            "canceled_reason": "no need"}.items()  # fmt: skip
    assert "no need" in done["result"]["error"]["message"]


async def test_a_running_job_is_canceled_and_its_processes_are_gone(api):
    marker = f"tests-marker-{uuid4().hex}"
    code = ("import subprocess, sys\ndef main(marker):\n"
            "    child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)', marker])\n"
            "    print('asleep', flush=True)\n    child.wait()\n")  # fmt: skip
    id = await preview(api, code, args={"marker": marker})
    await logged(api, id, "asleep")
    assert _processes_with(marker)
    clock = asyncio.get_running_loop().time
    asked = clock()
    await api.post(f"{{ws}}/jobs_u/queue/cancel/{id}", json={"reason": "enough"})
    done = await ended(api, id)
    assert clock() - asked < 5
    assert (
        done.items()
        >= {"canceled": True, "success": False, "canceled_by": "admin", "canceled_reason": "enough"}.items()
    )
    assert done["result"]["error"]["name"] == "Canceled"
    assert not _processes_with(marker)


async def test_a_job_that_ignores_the_polite_signal_is_killed(api):
    id = await preview(api, "trap '' TERM INT\necho asleep\nwhile true; do sleep 1; done", "bash")
    await logged(api, id, "asleep")
    await api.post(f"{{ws}}/jobs_u/queue/cancel/{id}", json={})
    assert (await ended(api, id, 10))["canceled"] is True


async def test_a_forced_cancel_ends_the_job_before_its_worker_answers(api):
    id = await asleep(api)
    assert (await api.post(f"{{ws}}/jobs_u/queue/force_cancel/{id}", json={})).status_code == 200
    assert (await job(api, id))["type"] == "CompletedJob"


async def test_canceling_a_finished_job_changes_nothing(api):
    done = await ended(api, await preview(api, "def main(): return 5"))
    for route in ("cancel", "force_cancel"):
        response = await api.post(f"{{ws}}/jobs_u/queue/{route}/{done['id']}", json={"reason": "late"})
        assert response.status_code == 200 and "completed" in response.text
    assert await job(api, done["id"]) == done


async def test_a_cancel_needs_no_body_and_its_reason_must_be_storable(api):
    id = await waiting(api)
    assert (await api.post(f"{{ws}}/jobs_u/queue/cancel/{id}", json={"reason": "a\x00b"})).status_code == 400
    assert (await api.post(f"{{ws}}/jobs_u/queue/cancel/{id}")).status_code == 200
    assert (await job(api, id))["canceled"] is True


async def test_several_jobs_are_canceled_in_one_call(api):
    first, second = await waiting(api), await waiting(api)
    done = await ended(api, await preview(api, "def main(): return 5"))
    response = await api.post("{ws}/jobs/queue/cancel_selection", json=[first, second, done["id"]])
    assert response.json() == [first, second]
    assert (await job(api, second))["canceled"] is True


async def test_canceling_an_unknown_job_is_a_404(api):
    assert (await api.post(f"{{ws}}/jobs_u/queue/cancel/{uuid4()}", json={})).status_code == 404


def _processes_with(marker):
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and folder.name != str(os.getpid()):
            try:
                arguments = (folder / "cmdline").read_bytes()
            except OSError:
                continue
            if marker.encode() in arguments:
                found.append(folder.name)
    return found


async def test_after_a_restart_of_the_queue_nothing_is_left_running(api):
    async def is_quiet():
        listed = await api.get("{ws}/jobs/queue/list", params={"running": "true"})
        return listed.json() == []

    assert await until(is_quiet)


async def test_a_path_too_long_to_be_found_again_is_400(api):
    body = {"content": "echo", "language": "bash", "path": "".join(uuid4().hex for _ in range(5000))}
    assert (await api.post("{ws}/jobs/run/preview", json=body)).status_code == 400
