"""Scripts over HTTP: deploy, versions, locks, lists, drafts, refusals; with a real worker behind it."""

import asyncio
import re

import pytest
import pytest_asyncio

ECHO = "def main(x: int, note: str = 'none'):\n    return [x, note]\n"
HASH = re.compile(r"[0-9a-f]{16}")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def api(platform):
    """The admin."""
    return platform.api


async def create(client, path, content=ECHO, language="python3", *, params=None, **fields):
    body = {"path": path, "summary": "", "content": content, "language": language, **fields}
    return await client.post("{ws}/scripts/create", json=body, params=params or {})


async def created(client, path, content=ECHO, language="python3", **fields):
    response = await create(client, path, content, language, **fields)
    assert response.status_code == 201, response.text
    return response.text


async def script_at(client, path):
    response = await client.get(f"{{ws}}/scripts/get/p/{path}")
    assert response.status_code == 200, response.text
    return response.json()


async def status_of(client, hash):
    return (await client.get(f"{{ws}}/scripts/deployment_status/h/{hash}")).json()


async def deployed(client, hash, seconds=60):
    async with asyncio.timeout(seconds):
        while True:
            status = await status_of(client, hash)
            if status["lock"] is not None or status["lock_error_logs"] is not None:
                return status
            await asyncio.sleep(0.05)


async def paths_of(client, **params):
    response = await client.get("{ws}/scripts/list", params=params)
    assert response.status_code == 200, response.text
    return [script["path"] for script in response.json()]


async def test_creating_answers_201_with_the_hash_as_text(dev):
    response = await create(dev, "u/dev/first")
    assert (response.status_code, response.headers["content-type"]) == (201, "text/plain; charset=utf-8")
    assert HASH.fullmatch(response.text)


async def test_a_script_is_read_by_path_and_by_hash_with_what_was_stored(dev):
    fields = {"summary": "s", "description": "d", "tag": "python3", "timeout": 7, "priority": 3, "labels": ["a"],
              "cache_ttl": 60, "concurrent_limit": 2}  # fmt: skip
    hash = await created(dev, "u/dev/deep/er/path", **fields)
    by_path = await script_at(dev, "u/dev/deep/er/path")
    by_hash = (await dev.get(f"{{ws}}/scripts/get/h/{hash}")).json()
    expected = fields | {"hash": hash, "path": "u/dev/deep/er/path", "content": ECHO, "language": "python3",
                         "created_by": "dev", "archived": False, "deleted": False, "is_template": False,
                         "kind": "script",
                         "ws_error_handler_muted": False, "starred": False, "has_preprocessor": False,
                         "extra_perms": {}, "workspace_id": "main", "parent_hashes": None}  # fmt: skip
    assert by_path.items() >= expected.items()
    assert by_hash.items() >= expected.items()
    assert by_path["created_at"].endswith("Z")


async def test_a_new_version_has_the_old_one_as_its_parent_and_replaces_it(dev):
    first = await created(dev, "u/dev/versions")
    second = await created(dev, "u/dev/versions", ECHO + "# 2\n", parent_hash=first)
    third = await created(dev, "u/dev/versions", ECHO + "# 3\n", parent_hash=second)
    assert (await script_at(dev, "u/dev/versions"))["parent_hashes"] == [second, first]
    assert (await script_at(dev, "u/dev/versions"))["hash"] == third
    assert (await dev.get(f"{{ws}}/scripts/get/h/{first}")).json()["archived"] is True


async def test_a_second_deployment_without_a_parent_is_a_conflict_that_names_the_hash(dev):
    first = await created(dev, "u/dev/taken")
    response = await create(dev, "u/dev/taken", ECHO + "# again\n")
    assert response.status_code == 409
    assert first in response.text


async def test_a_stale_parent_is_a_conflict_that_names_who_came_in_between(dev, api):
    first = await created(dev, "u/dev/raced")
    second = await created(api, "u/dev/raced", ECHO + "# 2\n", parent_hash=first)
    response = await create(dev, "u/dev/raced", ECHO + "# 3\n", parent_hash=first)
    assert response.status_code == 409
    assert "admin" in response.text and second in response.text


async def test_of_many_deployments_at_once_from_one_parent_one_wins(dev):
    parent = await created(dev, "u/dev/crowd")
    tries = [create(dev, "u/dev/crowd", f"{ECHO}# {number}\n", parent_hash=parent) for number in range(6)]
    statuses = sorted(response.status_code for response in await asyncio.gather(*tries))
    assert statuses == [201, 409, 409, 409, 409, 409]


async def test_auto_parent_takes_whatever_is_deployed(dev):
    first = await created(dev, "u/dev/automatic", auto_parent=True)
    await created(dev, "u/dev/automatic", ECHO + "# 2\n", auto_parent=True)
    assert (await script_at(dev, "u/dev/automatic"))["parent_hashes"] == [first]


async def test_skip_if_noop_answers_the_deployed_hash_when_nothing_changed(dev):
    first = await created(dev, "u/dev/same", summary="s", timeout=5)
    again = await create(dev, "u/dev/same", summary="s", timeout=5, auto_parent=True, params={"skip_if_noop": "true"})
    assert (again.status_code, again.text) == (201, first)
    changed = await create(dev, "u/dev/same", summary="t", timeout=5, auto_parent=True, params={"skip_if_noop": "true"})
    assert changed.text != first


async def test_skip_if_noop_holds_for_what_scripts_get_echoes(dev):
    content = "# extra_perms:\n#   timeout: 9\n" + ECHO
    first = await created(dev, "u/dev/echoed", content, labels=["a"])
    await deployed(dev, first)
    echoed = await script_at(dev, "u/dev/echoed")
    body = {**echoed, "parent_hash": echoed["hash"]}
    again = await dev.post("{ws}/scripts/create", json=body, params={"skip_if_noop": "true"})
    assert (again.status_code, again.text) == (201, first)


async def test_a_parent_at_another_path_renames_the_script(dev):
    first = await created(dev, "u/dev/before")
    await created(dev, "u/dev/after", parent_hash=first)
    assert (await dev.get("{ws}/scripts/exists/p/u/dev/before")).json() is False
    assert (await script_at(dev, "u/dev/after"))["parent_hashes"] == [first]


async def test_renaming_onto_a_live_script_is_a_conflict(dev):
    first = await created(dev, "u/dev/mover")
    await created(dev, "u/dev/occupied")
    assert (await create(dev, "u/dev/occupied", parent_hash=first)).status_code == 409
    assert (await dev.get("{ws}/scripts/exists/p/u/dev/mover")).json() is True


@pytest.mark.parametrize("fields, word", [
    ({"language": "cobol"}, "language"), ({"path": "no"}, "path"), ({"path": "u/dev"}, "path"),
    ({"path": "u/dev/../x"}, "path"), ({"path": "u/dev/a b"}, "path"), ({"path": "u/dev/" + "x" * 300}, "path"),
    ({"kind": "poem"}, "kind"), ({"content": None}, "content"), ({"content": "a\x00b"}, "content"),
    ({"timeout": 0}, "timeout"), ({"priority": 101}, "priority"), ({"parent_hash": "nothex"}, "hash"),
    ({"parent_hash": "00000000000000aa"}, "parent_hash"), ({"schema": {"type": 7}}, "schema"),
    ({"timeout": 2**40}, "timeout"),
])  # fmt: skip
async def test_a_bad_script_is_refused_with_the_field_at_fault(dev, fields, word):
    body = {"path": "u/dev/bad", "summary": "", "content": ECHO, "language": "python3"} | fields
    response = await dev.post("{ws}/scripts/create", json=body)
    assert response.status_code == 400, response.text
    assert word in response.text
    assert response.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"path": "u/dev/x"}', b"\xff\xfe"])
async def test_a_body_that_is_no_script_is_a_400(dev, body):
    response = await dev.post("{ws}/scripts/create", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 400, response.text


@pytest.mark.parametrize("field", ["content", "summary", "description", "tag"])
async def test_text_that_a_database_cannot_hold_is_a_400(dev, field):
    body = '{"path":"u/dev/odd","summary":"","content":"x","language":"bash","%s":"a\\ud800b"}' % field  # noqa: UP031
    response = await dev.post("{ws}/scripts/create", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 400, response.text


async def test_an_operator_may_read_but_not_author(dev, operator):
    assert (await create(operator, "u/operator/x")).status_code == 403
    assert (await operator.post("{ws}/scripts/archive/p/u/dev/first")).status_code == 403
    assert (await operator.get("{ws}/scripts/list")).status_code == 200


async def test_a_home_is_its_owners_alone(dev, api):
    await created(api, "u/admin/private")
    assert (await create(dev, "u/admin/mine")).status_code == 403
    assert (await dev.get("{ws}/scripts/get/p/u/admin/private")).status_code == 404
    assert (await dev.post("{ws}/scripts/archive/p/u/admin/private")).status_code == 404
    assert "u/admin/private" not in await paths_of(dev, per_page=1000)


async def test_a_folder_gives_reading_and_writing_apart(dev, api):
    for name, grants in (("closed", {}), ("readable", {"u/dev": False}), ("writable", {"u/dev": True})):
        made = await api.post("{ws}/folders/create", json={"name": name, "extra_perms": grants})
        assert made.status_code in (200, 201), made.text
        await created(api, f"f/{name}/x")
    seen = [
        (await dev.get(f"{{ws}}/scripts/get/p/f/{name}/x")).status_code for name in ("closed", "readable", "writable")
    ]
    assert seen == [404, 200, 200]
    made = [(await create(dev, f"f/{name}/y")).status_code for name in ("closed", "readable", "writable", "unknown")]
    assert made == [403, 403, 201, 403]


async def test_the_list_has_filters(dev):
    await created(dev, "u/dev/lists/b1", "echo 1", "bash", summary="A Needle here")
    await created(dev, "u/dev/lists/p1", kind="approval")
    await created(dev, "u/dev/lists/p2")
    await dev.post("{ws}/scripts/archive/p/u/dev/lists/p2")
    assert await paths_of(dev, path_start="u/dev/lists/") == ["u/dev/lists/p1", "u/dev/lists/b1"]
    assert await paths_of(dev, path_start="u/dev/lists/", order_desc="false") == ["u/dev/lists/b1", "u/dev/lists/p1"]
    assert await paths_of(dev, path_exact="u/dev/lists/b1") == ["u/dev/lists/b1"]
    assert await paths_of(dev, path_start="u/dev/lists/", languages="bash,deno") == ["u/dev/lists/b1"]
    assert await paths_of(dev, path_start="u/dev/lists/", kinds="approval") == ["u/dev/lists/p1"]
    assert await paths_of(dev, search="needle") == ["u/dev/lists/b1"]
    assert await paths_of(dev, created_by="admin", path_start="u/dev/lists/") == []
    assert await paths_of(dev, show_archived="true", path_start="u/dev/lists/") == ["u/dev/lists/p2"]


async def test_the_list_leaves_the_code_out(dev):
    await created(dev, "u/dev/slim")
    (listed,) = (await dev.get("{ws}/scripts/list", params={"path_exact": "u/dev/slim"})).json()
    assert "content" not in listed and "lock" not in listed
    assert listed["ws_error_handler_muted"] is False


async def test_pages_zero_and_one_are_the_first(dev):
    for number in range(3):
        await created(dev, f"u/dev/pages/s{number}", "echo", "bash")
    where = {"path_start": "u/dev/pages/", "per_page": 2}
    assert await paths_of(dev, page=0, **where) == ["u/dev/pages/s2", "u/dev/pages/s1"]
    assert await paths_of(dev, page=1, **where) == ["u/dev/pages/s2", "u/dev/pages/s1"]
    assert await paths_of(dev, page=2, **where) == ["u/dev/pages/s0"]
    assert await paths_of(dev, page=3, **where) == []


@pytest.mark.parametrize("params", [{"page": -1}, {"per_page": 0}, {"page": "x"}])
async def test_a_bad_page_is_a_400(dev, params):
    assert (await dev.get("{ws}/scripts/list", params=params)).status_code == 400


async def test_exists_is_a_json_boolean(dev):
    await created(dev, "u/dev/being")
    for path, expected in (("u/dev/being", "true"), ("u/dev/nothing", "false")):
        response = await dev.get(f"{{ws}}/scripts/exists/p/{path}")
        assert (response.text, response.headers["content-type"]) == (expected, "application/json")


async def test_the_history_tells_every_version_newest_first(dev):
    first = await created(dev, "u/dev/story", deployment_message="one")
    second = await created(dev, "u/dev/story", ECHO + "# 2\n", parent_hash=first, deployment_message="two")
    versions = (await dev.get("{ws}/scripts/history/p/u/dev/story")).json()
    assert [(item["script_hash"], item["deployment_msg"]) for item in versions] == [(second, "two"), (first, "one")]
    assert (await dev.get("{ws}/scripts/get_latest_version/u/dev/story")).json()["script_hash"] == second
    changed = await dev.post(f"{{ws}}/scripts/history_update/h/{first}/p/u/dev/story", json={"deployment_msg": "uno"})
    assert changed.status_code == 200
    versions = (await dev.get("{ws}/scripts/history/p/u/dev/story")).json()
    assert versions[1]["deployment_msg"] == "uno"


async def test_the_latest_version_of_nothing_is_null(dev):
    assert (await dev.get("{ws}/scripts/get_latest_version/u/dev/nothing")).json() is None


async def test_an_archived_script_stays_readable_and_can_come_back(dev):
    hash = await created(dev, "u/dev/resting")
    assert (await dev.post("{ws}/scripts/archive/p/u/dev/resting")).status_code == 200
    assert (await dev.get("{ws}/scripts/exists/p/u/dev/resting")).json() is False
    assert (await dev.get(f"{{ws}}/scripts/get/h/{hash}")).json()["archived"] is True
    assert (await dev.post("{ws}/jobs/run/p/u/dev/resting", json={"x": 1})).status_code == 404
    await created(dev, "u/dev/resting", parent_hash=hash)
    assert (await dev.get("{ws}/scripts/exists/p/u/dev/resting")).json() is True


async def test_one_version_is_archived_by_its_hash(dev):
    hash = await created(dev, "u/dev/by_hash")
    assert (await dev.post(f"{{ws}}/scripts/archive/h/{hash}")).status_code == 200
    assert (await dev.get("{ws}/scripts/exists/p/u/dev/by_hash")).json() is False


async def test_a_deleted_script_is_gone_with_its_code_and_the_path_is_free(dev):
    first = await created(dev, "u/dev/doomed", ECHO + "# canary-of-the-doomed\n")
    await created(dev, "u/dev/doomed", auto_parent=True)
    assert (await dev.post("{ws}/scripts/delete/p/u/dev/doomed")).status_code == 200
    assert (await dev.get("{ws}/scripts/get/p/u/dev/doomed")).status_code == 404
    assert (await dev.get(f"{{ws}}/scripts/get/h/{first}")).status_code == 404
    async with dev.database.system() as tx:
        kept = await tx.connection.fetchval("SELECT count(*) FROM script WHERE content LIKE '%canary-of-the-doomed%'")
    assert kept == 0
    await created(dev, "u/dev/doomed")


@pytest.mark.parametrize("method, route", [
    ("GET", "scripts/get/p/u/dev/nothing"), ("GET", "scripts/raw/p/u/dev/nothing.py"),
    ("GET", "scripts/get/h/00000000000000aa"), ("GET", "scripts/deployment_status/h/00000000000000aa"),
    ("GET", "scripts/get/draft/u/dev/nothing"), ("POST", "scripts/archive/p/u/dev/nothing"),
    ("POST", "scripts/delete/p/u/dev/nothing"), ("POST", "scripts/delete/h/00000000000000aa"),
    ("DELETE", "drafts/delete/script/u/dev/nothing"), ("POST", "jobs/run/p/u/dev/nothing"),
    ("POST", "jobs/run/h/00000000000000aa"), ("POST", "jobs/run_wait_result/p/u/dev/nothing"),
])  # fmt: skip
async def test_what_does_not_exist_is_a_404_text(dev, method, route):
    response = await dev.call(method, "{ws}/" + route)
    assert response.status_code == 404
    assert response.headers["content-type"].startswith("text/plain") and response.text


@pytest.mark.parametrize("hash", ["xyz", "-1", "1" * 17, "0x10", "1_0"])
async def test_a_hash_that_is_none_is_refused(dev, hash):
    assert (await dev.get(f"{{ws}}/scripts/get/h/{hash}")).status_code == 400


async def test_the_raw_code_comes_as_text_with_or_without_a_suffix(dev):
    hash = await created(dev, "u/dev/raw")
    for route in ("p/u/dev/raw", "p/u/dev/raw.py", f"h/{hash}", f"h/{hash}.py"):
        response = await dev.get(f"{{ws}}/scripts/raw/{route}")
        assert (response.text, response.headers["content-type"]) == (ECHO, "text/plain; charset=utf-8")


async def test_a_draft_is_its_owners_and_deploying_forgets_it(dev, api):
    value = {"path": "u/dev/sketch", "content": "def main(): ...", "language": "python3", "summary": "draft"}
    saved = await dev.post("{ws}/drafts/create", json={"path": "u/dev/sketch", "typ": "script", "value": value})
    assert saved.status_code == 201
    alone = (await dev.get("{ws}/scripts/get/draft/u/dev/sketch")).json()
    assert (alone["draft_only"], alone["draft"]) == (True, value)
    assert (await api.get("{ws}/scripts/get/draft/u/dev/sketch")).status_code == 404
    assert [draft["path"] for draft in (await dev.get("{ws}/drafts/list")).json()] == ["u/dev/sketch"]
    await created(dev, "u/dev/sketch")
    assert "draft" not in (await dev.get("{ws}/scripts/get/draft/u/dev/sketch")).json()


async def test_skip_draft_deletion_keeps_the_draft(dev):
    await dev.post("{ws}/drafts/create", json={"path": "u/dev/kept", "typ": "script", "value": {"content": "1"}})
    await created(dev, "u/dev/kept", skip_draft_deletion=True)
    found = (await dev.get("{ws}/scripts/get/draft/u/dev/kept")).json()
    assert (found["draft"], found["content"]) == ({"content": "1"}, ECHO)
    assert (await dev.delete("{ws}/drafts/delete/script/u/dev/kept")).status_code == 200
    assert "draft" not in (await dev.get("{ws}/scripts/get/draft/u/dev/kept")).json()


async def test_the_deployment_status_always_has_both_keys(dev):
    status = await status_of(dev, await created(dev, "u/dev/status"))
    assert {"lock", "lock_error_logs", "job_id"} <= set(status)


async def test_bash_is_deployed_at_once_with_an_empty_lock(dev):
    status = await status_of(dev, await created(dev, "u/dev/shell", "echo hi", "bash"))
    assert (status["lock"], status["lock_error_logs"]) == ("", None)


async def test_a_lock_that_comes_along_is_kept_as_it_is(dev):
    hash = await created(dev, "u/dev/locked", lock="# py: 3.11\nidna==3.7\n")
    assert (await status_of(dev, hash))["lock"] == "# py: 3.11\nidna==3.7\n"
    lines = await created(dev, "u/dev/locked_lines", lock=["# py: 3.11", "idna==3.7"])
    assert (await status_of(dev, lines))["lock"] == "# py: 3.11\nidna==3.7"


async def test_the_schema_is_inferred_when_none_is_given_and_kept_when_one_is(dev):
    await created(dev, "u/dev/inferred")
    inferred = (await script_at(dev, "u/dev/inferred"))["schema"]
    assert inferred["properties"]["x"]["type"] == "integer"
    assert inferred["properties"]["note"]["default"] == "none"
    assert inferred["required"] == ["x"]
    given = {"type": "object", "properties": {"x": {"type": "integer", "maximum": 9}}, "order": ["x"]}
    await created(dev, "u/dev/given", schema=given)
    assert (await script_at(dev, "u/dev/given"))["schema"] == given


async def test_a_timeout_in_the_header_is_the_scripts_timeout(dev):
    await created(dev, "u/dev/header", "# extra_perms:\n#   timeout: 42\ndef main(): ...\n")
    assert (await script_at(dev, "u/dev/header"))["timeout"] == 42


async def test_code_that_does_not_parse_is_deployed_with_an_error_that_names_the_line(dev):
    hash = await created(dev, "u/dev/broken", "def main():\n    return (1\n")
    status = await status_of(dev, hash)
    assert status["lock"] is None and "line 2" in status["lock_error_logs"]
    assert (await script_at(dev, "u/dev/broken"))["content"] == "def main():\n    return (1\n"
    (listed,) = (await dev.get("{ws}/scripts/list", params={"path_exact": "u/dev/broken"})).json()
    assert listed["has_deploy_errors"] is True


async def test_running_a_script_without_a_lock_says_why_there_is_none(dev):
    await created(dev, "u/dev/broken_run", "def main(:\n")
    response = await dev.post("{ws}/jobs/run/p/u/dev/broken_run", json={})
    assert response.status_code == 404
    assert "line 1" in response.text


async def test_the_signature_is_told_without_running_the_code(dev):
    body = {"language": "python3", "content": "raise SystemExit\ndef main(a: bool): ..."}
    found = (await dev.post("{ws}/scripts/signature", json=body)).json()
    assert found["schema"]["properties"]["a"]["type"] == "boolean" and found["error"] is None
    broken = (await dev.post("{ws}/scripts/signature", json=body | {"content": "def main(:"})).json()
    assert broken["schema"] is None and broken["error"]["line"] == 1
    assert (await dev.post("{ws}/scripts/signature", json=body | {"language": "cobol"})).status_code == 400


@pytest.mark.slow
async def test_a_dependency_is_locked_installed_and_used(dev, platform):
    hash = await created(
        dev, "u/dev/punycode", "# requirements:\n# idna\nimport idna\ndef main(): return idna.encode('ä').decode()\n"
    )
    status = await deployed(dev, hash, 120)
    assert re.search(r"^idna==\d", status["lock"], re.MULTILINE), status
    response = await dev.post("{ws}/jobs/run_wait_result/p/u/dev/punycode", json={})
    assert (response.status_code, response.json()) == (200, "xn--4ca")


@pytest.mark.slow
async def test_an_unknown_package_is_a_lock_error_in_the_resolvers_words(dev):
    hash = await created(dev, "u/dev/unknown", "# requirements:\n# windlass-no-such-package-x9\ndef main(): ...\n")
    status = await deployed(dev, hash, 120)
    assert status["lock"] is None
    assert "windlass-no-such-package-x9" in status["lock_error_logs"]
    response = await dev.post("{ws}/jobs/run/p/u/dev/unknown", json={})
    assert response.status_code == 404
    assert "windlass-no-such-package-x9" in response.text


@pytest.mark.slow
async def test_while_a_new_version_has_no_lock_the_old_one_runs(dev):
    await deployed(dev, await created(dev, "u/dev/fallback", "def main(): return 'old'"))
    bad = "# requirements:\n# windlass-no-such-package-x9\ndef main(): return 'new'\n"
    await deployed(dev, await created(dev, "u/dev/fallback", bad, auto_parent=True), 120)
    response = await dev.post("{ws}/jobs/run_wait_result/p/u/dev/fallback", json={})
    assert response.json() == "old"
