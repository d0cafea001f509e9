"""What an implementer of the protocol easily gets wrong, on the raw wire."""

import asyncio
import time

import pytest

from .conftest import ADD

pytestmark = pytest.mark.usefixtures("scripts")
CODE = {"language": "python3", "content": "def main():\n    print('line')\n    return 1\n"}
DEPENDENCIES = {"raw_scripts": [{"raw_code": "x = 1\n", "language": "python3", "script_path": "f/compat/raw"}]}


def kind(response):
    """The content type without its charset."""
    return response.headers["content-type"].split(";")[0]


async def run(platform, path="f/compat/add", **args):
    return await platform.api.post(f"{{ws}}/jobs/run/p/{path}", json={"a": 1} | args)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/version"),
        ("GET", "/users/email"),
        ("GET", "{ws}/users/username_to_email/admin"),
        ("GET", "{ws}/scripts/get/p/f/compat/nothing"),
        ("GET", "{ws}/jobs_u/completed/get/00000000-0000-0000-0000-000000000000"),
        ("POST", "{ws}/jobs/run/p/f/compat/nothing"),
        ("GET", "/nothing"),
    ],
)
async def test_ids_names_and_error_sentences_are_plain_text(platform, method, path):
    response = await platform.api.call(method, path)
    assert (kind(response), bool(response.text)) == ("text/plain", True)
    assert not response.text.startswith(('"', "{"))


async def test_job_ids_hashes_and_tokens_are_plain_text(platform):
    answers = [
        await run(platform),
        await platform.api.post("{ws}/jobs/run/preview", json=CODE),
        await platform.api.post("/users/tokens/create", json={"label": "wire"}),
        await platform.api.post("{ws}/scripts/create", json={"path": "f/compat/text", **CODE}),
        await platform.api.post("{ws}/jobs/run/dependencies_async", json=DEPENDENCIES),
    ]
    assert [(answer.status_code, kind(answer)) for answer in answers] == [(201, "text/plain")] * 5
    assert all(
        answer.text.isascii() and not answer.text.endswith("\n") and '"' not in answer.text for answer in answers
    )


async def test_a_variables_value_and_a_root_job_are_quoted_json_strings(platform):
    body = {"path": "f/compat/quoted", "value": 'a"b', "is_secret": False, "description": ""}
    await platform.api.post("{ws}/variables/create", json=body)
    value = await platform.api.get("{ws}/variables/get_value/f/compat/quoted")
    assert (kind(value), value.text) == ("application/json", '"a\\"b"')
    job = (await run(platform)).text
    root = await platform.api.get(f"{{ws}}/jobs_u/get_root_job_id/{job}")
    assert (kind(root), root.text) == ("application/json", f'"{job}"')


@pytest.mark.parametrize(
    "path",
    [
        "scripts/exists/p/f/compat/{}",
        "variables/exists/f/compat/{}",
        "resources/exists/f/compat/{}",
        "resources/type/exists/{}",
        "folders/exists/{}",
    ],
)
async def test_every_exists_is_a_json_boolean(platform, path):
    response = await platform.api.get("{ws}/" + path.format("nowhere"))
    assert (response.status_code, kind(response), response.text) == (200, "application/json", "false")


async def test_exists_of_a_workspace_is_a_json_boolean(platform):
    for name, expected in (("main", "true"), ("nowhere", "false")):
        response = await platform.api.post("/workspaces/exists", json={"id": name})
        assert (kind(response), response.text) == ("application/json", expected)


async def test_lock_generation_comes_with_the_cookie_alone(platform):
    nobody = platform.api.as_token(None)
    headers = {"Cookie": f"token={platform.api.token}"}
    response = await nobody.post("{ws}/jobs/run/dependencies_async", json=DEPENDENCIES, headers=headers)
    assert response.status_code == 201
    assert (await platform.result(response.text))["result"] == {"lock": ""}


async def test_the_version_parses_above_the_one_with_new_app_names(platform):
    edition, number = (await platform.api.as_token(None).get("/version")).text.split(" v")
    major, minor, _ = map(int, number.split("."))
    assert (edition, (major, minor) >= (1, 585)) == ("CE", True)


async def test_paths_keep_their_slashes(platform):
    await platform.deploy("f/compat/deep/er/add", ADD)
    response = await platform.api.post("{ws}/jobs/run_wait_result/p/f/compat/deep/er/add", json={"a": 4})
    assert (response.status_code, response.text) == (200, "6")


async def test_the_maybe_result_always_has_its_four_keys(platform):
    job = (await platform.api.post("{ws}/jobs/run/p/f/compat/add?scheduled_in_secs=3600", json={"a": 1})).text
    waiting = (await platform.api.get(f"{{ws}}/jobs_u/completed/get_result_maybe/{job}")).json()
    assert waiting == {"started": False, "completed": False, "success": None, "result": None}
    assert (await platform.api.get(f"{{ws}}/jobs_u/completed/get/{job}")).status_code == 404
    await platform.api.post(f"{{ws}}/jobs_u/queue/cancel/{job}", json={})
    ended = (await platform.api.get(f"{{ws}}/jobs_u/completed/get_result_maybe/{job}")).json()
    assert (set(ended), ended["success"], "error" in ended["result"]) == (set(waiting), False, True)


async def test_an_update_without_news_waits_a_little(platform):
    job = (await platform.api.post("{ws}/jobs/run/p/f/compat/add?scheduled_in_secs=3600", json={"a": 1})).text
    began = time.monotonic()
    response = await platform.api.get(f"{{ws}}/jobs_u/getupdate/{job}?running=false&log_offset=0")
    assert (response.status_code, time.monotonic() - began > 0.2) == (200, True)
    await platform.api.post(f"{{ws}}/jobs_u/queue/cancel/{job}", json={})


@pytest.mark.parametrize("path", ["variables/get", "resources/get"])
async def test_a_missing_item_is_404_because_python_creates_then(platform, path):
    assert (await platform.api.get(f"{{ws}}/{path}/f/compat/nowhere")).status_code == 404


@pytest.mark.parametrize("path", ["scripts/list", "jobs/list", "variables/list", "resources/list"])
async def test_pages_zero_and_one_are_both_the_first(platform, path):
    first, other, second = [
        (await platform.api.get(f"{{ws}}/{path}?per_page=1&page={page}")).json() for page in (0, 1, 2)
    ]
    assert first == other and (not second or second != first)


async def test_a_script_echoes_what_was_stored(platform):
    await platform.deploy("f/compat/echo", ADD, summary="Adds", description="Two numbers", tag="python3", timeout=60)
    script = (await platform.api.get("{ws}/scripts/get/p/f/compat/echo")).json()
    assert script["ws_error_handler_muted"] is False
    stored = {
        name: script[name] for name in ("content", "summary", "description", "tag", "timeout", "kind", "language")
    }
    assert stored == {"content": ADD, "summary": "Adds", "description": "Two numbers", "tag": "python3", "timeout": 60,
                      "kind": "script", "language": "python3"}  # fmt: skip


async def test_a_deployment_status_has_both_keys_at_every_moment(platform):
    body = {"path": "f/compat/status", "language": "python3", "content": "import idna\n\ndef main():\n    return 1\n"}
    number = (await platform.api.post("{ws}/scripts/create", json=body)).text
    async with asyncio.timeout(60):
        while True:
            status = (await platform.api.get(f"{{ws}}/scripts/deployment_status/h/{number}")).json()
            assert {"lock", "lock_error_logs"} <= set(status)
            if status["lock"] is not None or status["lock_error_logs"] is not None:
                break
            await asyncio.sleep(0.05)
    assert status["lock"] is not None, status["lock_error_logs"]


async def test_a_jobs_token_is_opaque(platform):
    job = await platform.preview("import os\n\ndef main():\n    return os.environ['WM_TOKEN'][:4]\n")
    assert job["success"] and job["result"] != "jwt_"


async def test_an_inline_preview_answers_the_bare_result(platform):
    for route in ("run_inline", "run_wait_result"):
        response = await platform.api.post(f"{{ws}}/jobs/{route}/preview", json=CODE)
        assert (response.status_code, kind(response), response.text) == (200, "application/json", "1")


async def test_logs_are_plain_text(platform):
    job = (await platform.api.post("{ws}/jobs/run/preview", json=CODE)).text
    await platform.result(job)
    logs = await platform.api.get(f"{{ws}}/jobs_u/get_logs/{job}")
    assert (kind(logs), "line\n" in logs.text) == ("text/plain", True)
