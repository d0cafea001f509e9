"""Variables over HTTP."""

import asyncio
import base64
import inspect
import re

import pytest
import pytest_asyncio

from support.api import make_token
from windlass.worker import environment
from windlass.workspaces import service as workspaces

CANARY = "canary-7f3a"
PASSWORD = {"path": "u/dev/password", "value": CANARY, "is_secret": True, "description": "the password"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def team(api, dev, other, operator):
    """The folder f/team: dev owns it, operator and other read it."""
    async with api.database.system() as tx:
        await tx.connection.execute(
            "INSERT INTO folder (workspace_id, name, owners, extra_perms, created_by) VALUES "
            """('main', 'team', '{u/dev}', '{"u/other": false, "u/operator": false}', 'dev')"""
        )
    return "f/team"


async def create(client, path, value="v", *, is_secret=False, **more):
    body = {"path": path, "value": value, "is_secret": is_secret, "description": "", **more}
    return await client.post("{ws}/variables/create", json=body)


async def sealed(client, path):
    answer = await client.get(
        f"{{ws}}/variables/get/{path}", params={"decrypt_secret": "false", "include_encrypted": "true"}
    )
    return answer.json()["value"]


async def table_text(api):
    async with api.database.system() as tx:
        rows = await tx.connection.fetch("SELECT v::text FROM variable v UNION ALL SELECT a::text FROM audit_log a")
    return "\n".join(row[0] for row in rows)


async def audited(api, operation, path):
    async with api.database.system() as tx:
        return await tx.connection.fetchval(
            "SELECT count(*) FROM audit_log WHERE operation = $1 AND resource = $2", operation, path
        )


async def test_a_variable_is_created_read_changed_and_deleted(api, dev):
    made = await create(dev, "u/dev/plain", "one", labels=["a"])
    assert (made.status_code, made.headers["content-type"]) == (201, "text/plain; charset=utf-8")
    found = (await dev.get("{ws}/variables/get/u/dev/plain")).json()
    assert found.items() >= {"path": "u/dev/plain", "value": "one", "is_secret": False,
                             "workspace_id": "main", "extra_perms": {}, "labels": ["a"],
                             "is_expired": False}.items()  # fmt: skip
    assert (await dev.post("{ws}/variables/update/u/dev/plain", json={"value": "two"})).status_code == 200
    value = await dev.get("{ws}/variables/get_value/u/dev/plain")
    assert (value.text, value.headers["content-type"]) == ('"two"', "application/json")
    assert (await dev.get("{ws}/variables/exists/u/dev/plain")).json() is True
    assert (await dev.delete("{ws}/variables/delete/u/dev/plain")).status_code == 200
    assert (await dev.get("{ws}/variables/exists/u/dev/plain")).json() is False
    assert await audited(api, "variables.delete", "u/dev/plain") == 1


@pytest.mark.parametrize("method, path", [
    ("GET", "get"), ("GET", "get_value"), ("DELETE", "delete"), ("POST", "update"),
])  # fmt: skip
async def test_a_missing_variable_is_404(dev, method, path):
    kwargs = {"json": {"value": "x"}} if method == "POST" else {}
    answer = await dev.call(method, f"{{ws}}/variables/{path}/u/dev/nothing", **kwargs)
    assert (answer.status_code, answer.text) == (404, "variable u/dev/nothing not found")


async def test_a_secret_is_in_no_list_no_table_and_no_audit(api, dev):
    assert (await dev.post("{ws}/variables/create", json=PASSWORD)).status_code == 201
    listed = await dev.get("{ws}/variables/list", params={"path": "u/dev/password"})
    assert [entry["path"] for entry in listed.json()] == ["u/dev/password"]
    assert "value" not in listed.json()[0]
    assert (await dev.get("{ws}/variables/get_value/u/dev/password")).json() == CANARY
    text = await table_text(api)
    assert "u/dev/password" in text
    assert CANARY not in text


async def test_a_secret_cannot_be_guessed_by_searching(dev):
    await create(dev, "u/dev/guess", CANARY, is_secret=True)
    text = await sealed(dev, "u/dev/guess")
    for name in ("value", "broad_filter"):
        for guess in (CANARY, text, text[:8]):
            assert (await dev.get("{ws}/variables/list", params={name: guess})).json() == []


async def test_each_reading_of_a_secret_is_audited_and_hiding_it_is_none(api, dev):
    await create(dev, "u/dev/watched", CANARY, is_secret=True)
    hidden = await dev.get("{ws}/variables/get/u/dev/watched", params={"decrypt_secret": "false"})
    assert "value" not in hidden.json()
    assert await audited(api, "variables.decrypt_secret", "u/dev/watched") == 0
    assert (await dev.get("{ws}/variables/get/u/dev/watched")).json()["value"] == CANARY
    assert (await dev.get("{ws}/variables/get_value/u/dev/watched")).json() == CANARY
    assert await audited(api, "variables.decrypt_secret", "u/dev/watched") == 2


async def test_a_sealed_text_travels_and_comes_back(dev):
    await create(dev, "u/dev/travels", CANARY, is_secret=True)
    text = await sealed(dev, "u/dev/travels")
    assert len(base64.b64decode(text)) % 16 == 0
    body = {"path": "u/dev/arrived", "value": text, "is_secret": True, "description": ""}
    made = await dev.post("{ws}/variables/create", params={"already_encrypted": "true"}, json=body)
    assert made.status_code == 201
    assert await sealed(dev, "u/dev/arrived") == text
    await dev.post("{ws}/variables/update/u/dev/travels", json={"value": "new"})
    await dev.post("{ws}/variables/update/u/dev/travels", params={"already_encrypted": "true"}, json={"value": text})
    assert (await dev.get("{ws}/variables/get_value/u/dev/travels")).json() == CANARY


async def test_encrypt_answers_a_text_that_create_takes(dev):
    answer = await dev.post("{ws}/variables/encrypt", json="é\0")
    assert answer.headers["content-type"].startswith("text/plain")
    body = {"path": "u/dev/encrypted", "value": answer.text, "is_secret": True, "description": ""}
    await dev.post("{ws}/variables/create", params={"already_encrypted": "true"}, json=body)
    assert (await dev.get("{ws}/variables/get_value/u/dev/encrypted")).json() == "é\0"


async def test_what_is_not_sealed_by_this_workspace_is_refused(dev):
    body = {"path": "u/dev/forged", "value": "plain", "is_secret": True, "description": ""}
    answer = await dev.post("{ws}/variables/create", params={"already_encrypted": "true"}, json=body)
    assert answer.status_code == 400
    assert "not an encrypted value" in answer.text


async def test_a_secret_that_was_altered_in_the_database_says_so(api, dev):
    await create(dev, "u/dev/altered", CANARY, is_secret=True)
    async with api.database.system() as tx:
        await tx.connection.execute(
            "UPDATE variable SET value = left(value, 20) || 'AAAA' || substr(value, 25) WHERE path = $1",
            "u/dev/altered",
        )
    answer = await dev.get("{ws}/variables/get_value/u/dev/altered")
    assert answer.status_code == 500
    assert answer.text == "secret u/dev/altered cannot be decrypted: it was altered, or belongs to another workspace"


async def test_a_variable_can_become_secret_and_plain_again(api, dev):
    await create(dev, "u/dev/turns", "turncoat-text")
    await dev.post("{ws}/variables/update/u/dev/turns", json={"is_secret": True})
    assert "turncoat-text" not in await table_text(api)
    assert (await dev.get("{ws}/variables/get_value/u/dev/turns")).json() == "turncoat-text"
    await dev.post("{ws}/variables/update/u/dev/turns", json={"is_secret": False})
    assert "turncoat-text" in await table_text(api)
    found = (await dev.get("{ws}/variables/get/u/dev/turns")).json()
    assert (found["is_secret"], found["value"]) == (False, "turncoat-text")


async def test_a_renamed_secret_can_still_be_read(dev):
    await create(dev, "u/dev/before", CANARY, is_secret=True)
    assert (await dev.post("{ws}/variables/update/u/dev/before", json={"path": "u/dev/after"})).status_code == 200
    assert (await dev.get("{ws}/variables/get_value/u/dev/after")).json() == CANARY
    assert (await dev.get("{ws}/variables/get/u/dev/before")).status_code == 404


async def test_a_rename_onto_another_variable_is_refused(dev):
    await create(dev, "u/dev/here")
    await create(dev, "u/dev/there")
    answer = await dev.post("{ws}/variables/update/u/dev/here", json={"path": "u/dev/there"})
    assert (answer.status_code, answer.text) == (400, "variable u/dev/there already exists")


async def test_a_rename_into_a_foreign_place_is_refused(dev):
    await create(dev, "u/dev/leaving")
    answer = await dev.post("{ws}/variables/update/u/dev/leaving", json={"path": "u/other/arriving"})
    assert answer.status_code == 403


async def test_of_many_that_create_the_same_variable_one_wins(dev):
    answers = await asyncio.gather(*(create(dev, "u/dev/race", str(number)) for number in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [400] * 7
    assert {answer.text for answer in answers if answer.status_code == 400} == {"variable u/dev/race already exists"}


async def test_the_same_path_in_another_workspace_is_another_variable(api, dev):
    await create(dev, "u/dev/local", "here")
    async with api.database.system() as tx:
        await workspaces.create(tx, workspace="second", name="S", owner_email="dev@example.com", username="dev")
    elsewhere = type(dev)(http=dev.http, database=dev.database, token=dev.token, workspace="second")
    assert (await elsewhere.get("{ws}/variables/get/u/dev/local")).status_code == 404
    text = (await dev.post("{ws}/variables/encrypt", json="x")).text
    body = {"path": "u/dev/smuggled", "value": text, "is_secret": True, "description": ""}
    refused = await elsewhere.post("{ws}/variables/create", params={"already_encrypted": "true"}, json=body)
    assert refused.status_code == 400


async def test_an_unknown_workspace_is_404_for_the_superadmin(api):
    nowhere = type(api)(http=api.http, database=api.database, token=api.token, workspace="nowhere")
    assert (await nowhere.get("{ws}/variables/get/u/dev/x")).status_code == 404


async def test_nobody_without_a_token_gets_in(anonymous):
    assert (await anonymous.get("{ws}/variables/list")).status_code == 401


async def test_private_variables_stay_private(dev, other):
    await create(dev, "u/dev/own", CANARY, is_secret=True)
    assert (await other.get("{ws}/variables/get_value/u/dev/own")).status_code == 404
    assert (await other.delete("{ws}/variables/delete/u/dev/own")).status_code == 404
    assert (await other.get("{ws}/variables/list", params={"path_start": "u/dev/"})).json() == []
    assert (await create(other, "u/dev/planted")).status_code == 403


async def test_a_reader_of_a_folder_reads_and_does_not_write(team, dev, other):
    assert (await create(dev, "f/team/shared", "s", is_secret=True)).status_code == 201
    assert (await other.get("{ws}/variables/get_value/f/team/shared")).json() == "s"
    assert (await create(other, "f/team/more")).status_code == 403
    assert (await other.post("{ws}/variables/update/f/team/shared", json={"value": "x"})).status_code == 403
    assert (await other.delete("{ws}/variables/delete/f/team/shared")).status_code == 403
    gone = await other.delete("{ws}/variables/delete_bulk", json={"paths": ["f/team/shared"]})
    assert gone.json() == []


async def test_an_operator_reads_and_does_not_write(team, dev, operator):
    await create(dev, "f/team/for_operators", "o")
    assert (await operator.get("{ws}/variables/get_value/f/team/for_operators")).json() == "o"
    assert (await create(operator, "u/operator/x")).status_code == 403
    assert (await operator.delete("{ws}/variables/delete/f/team/for_operators")).status_code == 403


async def test_a_variable_that_was_shared_with_write_can_be_changed(api, dev, other):
    for path, grant in (("u/dev/lent", "true"), ("u/dev/shown", "false")):
        await create(dev, path)
        async with api.database.system() as tx:
            await tx.connection.execute(
                "UPDATE variable SET extra_perms = $1::jsonb WHERE path = $2", f'{{"u/other": {grant}}}', path
            )
    assert (await other.post("{ws}/variables/update/u/dev/lent", json={"value": "w"})).status_code == 200
    assert (await dev.get("{ws}/variables/get_value/u/dev/lent")).json() == "w"
    refused = await other.post("{ws}/variables/update/u/dev/shown", json={"value": "w"})
    assert (refused.status_code, refused.text) == (403, "other may not change variable u/dev/shown")


async def test_a_read_only_token_writes_nothing(api, dev):
    async with api.database.system() as tx:
        token = await make_token(tx, "dev@example.com", read_only=True)
    assert (await create(dev.as_token(token), "u/dev/read_only")).status_code == 403


async def test_a_list_is_paged_from_zero_or_one_and_whole_without_paging(dev):
    for number in range(5):
        await create(dev, f"u/dev/page/{number}")
    query = {"path_start": "u/dev/page/"}
    whole = [entry["path"] for entry in (await dev.get("{ws}/variables/list", params=query)).json()]
    assert whole == [f"u/dev/page/{number}" for number in range(5)]
    for page, expected in ((0, whole[:2]), (1, whole[:2]), (2, whole[2:4]), (3, whole[4:]), (4, [])):
        answer = await dev.get("{ws}/variables/list", params=query | {"page": page, "per_page": 2})
        assert [entry["path"] for entry in answer.json()] == expected
    second = await dev.get("{ws}/variables/list", params=query | {"page": 2})
    assert second.json() == []


async def test_a_list_is_filtered(dev):
    await create(dev, "u/dev/find/one", "Needle", description="first", labels=["red"])
    await create(dev, "u/dev/find/two", "hay", description="Second", labels=["blue"])
    for query, names in (
        ({"value": "needle"}, ["one"]), ({"description": "SECOND"}, ["two"]), ({"label": "blue"}, ["two"]),
        ({"path": "u/dev/find/one"}, ["one"]), ({"broad_filter": "find/"}, ["one", "two"]),
        ({"value": "%"}, []),
    ):  # fmt: skip
        answer = await dev.get("{ws}/variables/list", params={"path_start": "u/dev/find/"} | query)
        assert [entry["path"].rsplit("/")[-1] for entry in answer.json()] == names, query


async def test_several_are_deleted_at_once(dev):
    await create(dev, "u/dev/bulk/a")
    await create(dev, "u/dev/bulk/b")
    answer = await dev.delete(
        "{ws}/variables/delete_bulk", json={"paths": ["u/dev/bulk/a", "u/dev/bulk/b", "u/dev/bulk/none"]}
    )
    assert sorted(answer.json()) == ["u/dev/bulk/a", "u/dev/bulk/b"]


async def test_an_expired_variable_says_so(dev):
    await create(dev, "u/dev/old", expires_at="2020-01-01T00:00:00Z")
    assert (await dev.get("{ws}/variables/get/u/dev/old")).json()["is_expired"] is True


async def test_the_contextual_variables_are_named(dev):
    listed = (await dev.get("{ws}/variables/list_contextual")).json()
    given = set(re.findall(r'"(WM_\w+)"', inspect.getsource(environment.of_job)))
    assert {entry["name"] for entry in listed} == given
    assert all(entry.keys() == {"name", "value", "description", "is_custom"} for entry in listed)
    assert {"name": "WM_USERNAME", "value": "dev"}.items() <= next(
        entry for entry in listed if entry["name"] == "WM_USERNAME"
    ).items()


@pytest.mark.parametrize("body, reason", [
    ({}, "path: Field required"),
    ({"path": "u/dev/x", "value": 5, "is_secret": False}, "value: "),
    ({"path": "u/dev/x", "value": "v"}, "is_secret: Field required"),
    ({"path": "nonsense", "value": "v", "is_secret": False}, "path 'nonsense' is not valid"),
    ({"path": "u/dev/x/../y", "value": "v", "is_secret": False}, "is not valid"),
    ({"path": "u/dev/x", "value": "a\0b", "is_secret": False}, "NUL"),
    ({"path": "u/dev/x", "value": "v", "is_secret": True, "description": "\0"}, "NUL"),
    ({"path": "u/dev/x", "value": "v", "is_secret": True, "labels": ["\0"]}, "NUL"),
    ({"path": "u/dev/x", "value": "v", "is_secret": False, "expires_at": "soon"}, "expires_at: "),
])  # fmt: skip
async def test_a_bad_body_is_400_with_field_and_reason(dev, body, reason):
    answer = await dev.post("{ws}/variables/create", json=body)
    assert answer.status_code == 400
    assert reason in answer.text


@pytest.mark.parametrize("is_secret", ["true", "false"])
async def test_half_a_surrogate_pair_is_400(dev, is_secret):
    body = f'{{"path": "u/dev/half", "value": "\\ud800", "is_secret": {is_secret}}}'.encode()
    answer = await dev.post("{ws}/variables/create", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400


@pytest.mark.parametrize("path", ["%00", "u/dev/%00", "u/dev", "'; drop table variable; --", "u/dev/x%0Ay"])
@pytest.mark.parametrize("route", ["get", "get_value", "exists"])
async def test_a_malformed_path_is_400_or_404(dev, route, path):
    assert (await dev.get(f"{{ws}}/variables/{route}/{path}")).status_code in {400, 404}


@pytest.mark.parametrize("name", ["path_start", "path", "description", "value", "broad_filter", "label"])
async def test_a_nul_in_a_search_is_400(dev, name):
    assert (await dev.get("{ws}/variables/list", params={name: "\0"})).status_code == 400


@pytest.mark.parametrize("value", ["", "é☃𝄞", "a'b\"c\\d\n\r\t", "x" * 100_000])
@pytest.mark.parametrize("is_secret", [True, False])
async def test_every_text_comes_back_as_it_was(dev, value, is_secret):
    await create(dev, "u/dev/text", value, is_secret=is_secret)
    assert (await dev.get("{ws}/variables/get_value/u/dev/text")).json() == value
    await dev.delete("{ws}/variables/delete/u/dev/text")
