"""Resources and their types over HTTP."""

import asyncio
import json

import pytest

from support.api import make_token


async def create(client, path, value=None, resource_type="any", *, params=None, **more):
    body = {"path": path, "value": value, "resource_type": resource_type, **more}
    return await client.post("{ws}/resources/create", json=body, params=params or {})


async def value_of(client, path, route="get_value"):
    return (await client.get(f"{{ws}}/resources/{route}/{path}")).json()


async def test_a_resource_is_created_read_changed_and_deleted(dev):
    made = await create(dev, "u/dev/db", {"host": "h"}, "postgresql", description="d", labels=["a"])
    assert (made.status_code, made.headers["content-type"]) == (201, "text/plain; charset=utf-8")
    found = (await dev.get("{ws}/resources/get/u/dev/db")).json()
    assert found.items() >= {"path": "u/dev/db", "value": {"host": "h"}, "resource_type": "postgresql",
                             "description": "d", "labels": ["a"], "is_oauth": False,
                             "created_by": "dev"}.items()  # fmt: skip
    changed = await dev.post("{ws}/resources/update/u/dev/db", json={"value": [1], "description": "e"})
    assert changed.status_code == 200
    assert await value_of(dev, "u/dev/db") == [1]
    assert (await dev.post("{ws}/resources/update_value/u/dev/db", json={"value": None})).status_code == 200
    assert await value_of(dev, "u/dev/db") is None
    found = (await dev.get("{ws}/resources/get/u/dev/db")).json()
    assert (found["description"], found["resource_type"], found["value"]) == ("e", "postgresql", None)
    assert (await dev.get("{ws}/resources/exists/u/dev/db")).json() is True
    assert (await dev.delete("{ws}/resources/delete/u/dev/db")).status_code == 200
    assert (await dev.get("{ws}/resources/exists/u/dev/db")).json() is False


@pytest.mark.parametrize("method, route", [
    ("GET", "get"), ("GET", "get_value"), ("GET", "get_value_interpolated"), ("DELETE", "delete"),
    ("POST", "update"), ("POST", "update_value"),
])  # fmt: skip
async def test_a_missing_resource_is_404(dev, method, route):
    kwargs = {"json": {"value": 1}} if method == "POST" else {}
    answer = await dev.call(method, f"{{ws}}/resources/{route}/u/dev/nothing", **kwargs)
    assert (answer.status_code, answer.text) == (404, "resource u/dev/nothing not found")


async def test_a_second_creation_is_400_or_replaces_when_asked(dev):
    await create(dev, "u/dev/twice", 1)
    refused = await create(dev, "u/dev/twice", 2)
    assert (refused.status_code, refused.text) == (400, "resource u/dev/twice already exists")
    assert await value_of(dev, "u/dev/twice") == 1
    assert (await create(dev, "u/dev/twice", 2, params={"update_if_exists": "true"})).status_code == 201
    assert await value_of(dev, "u/dev/twice") == 2


async def test_of_many_that_create_the_same_resource_one_wins(dev):
    answers = await asyncio.gather(*(create(dev, "u/dev/race", number) for number in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [400] * 7


async def test_references_are_filled_in_only_when_asked(dev):
    variable = {"path": "u/dev/password", "value": "hunter2", "is_secret": True, "description": ""}
    await dev.post("{ws}/variables/create", json=variable)
    await create(dev, "u/dev/refers", {"password": "$var:u/dev/password"})
    assert await value_of(dev, "u/dev/refers") == {"password": "$var:u/dev/password"}
    assert await value_of(dev, "u/dev/refers", "get_value_interpolated") == {"password": "hunter2"}


async def test_a_circle_is_400(dev):
    await create(dev, "u/dev/circle", ["$res:u/dev/circle"])
    answer = await dev.get("{ws}/resources/get_value_interpolated/u/dev/circle")
    assert (answer.status_code, "u/dev/circle -> u/dev/circle" in answer.text) == (400, True)


async def test_a_missing_reference_is_404_with_its_name(dev):
    await create(dev, "u/dev/dangling", {"x": "$var:u/dev/none"})
    answer = await dev.get("{ws}/resources/get_value_interpolated/u/dev/dangling")
    assert (answer.status_code, "variable u/dev/none not found" in answer.text) == (404, True)


async def test_an_operator_writes_state_and_nothing_else(dev, operator):
    assert (await create(operator, "u/operator/script_state", {"n": 1}, "state")).status_code == 201
    answer = await operator.post("{ws}/resources/update_value/u/operator/script_state", json={"value": {"n": 2}})
    assert answer.status_code == 200
    assert await value_of(operator, "u/operator/script_state") == {"n": 2}
    upsert = {"update_if_exists": "true"}
    assert (await create(operator, "u/operator/script_state", 3, "state", params=upsert)).status_code == 201
    assert (await create(operator, "u/operator/db", {}, "postgresql")).status_code == 403
    assert (await create(operator, "u/operator/script_state", 3, "postgresql", params=upsert)).status_code == 403
    assert (await create(operator, "u/dev/script_state", 1, "state")).status_code == 403
    changed = await operator.post("{ws}/resources/update/u/operator/script_state", json={"resource_type": "any"})
    assert changed.status_code == 403
    assert (await operator.delete("{ws}/resources/delete/u/operator/script_state")).status_code == 403


async def test_an_operator_cannot_turn_a_resource_of_another_type_into_state(api, operator):
    await create(api, "u/operator/made_by_admin", "kept", "postgresql")
    upsert = {"update_if_exists": "true"}
    assert (await create(operator, "u/operator/made_by_admin", 1, "state", params=upsert)).status_code == 403
    answer = await operator.post("{ws}/resources/update_value/u/operator/made_by_admin", json={"value": 1})
    assert answer.status_code == 403
    assert await value_of(operator, "u/operator/made_by_admin") == "kept"


async def test_a_token_for_state_alone_replaces_nothing_of_another_type(api, dev):
    plain = {"path": "u/dev/db", "value": 1, "resource_type": "c_db"}
    assert (await dev.post("{ws}/resources/create", json=plain)).status_code == 201
    token = await dev.post("/users/tokens/create", json={"scopes": ["state:write"]})
    state = {"path": "u/dev/db", "value": 2, "resource_type": "state"}
    answer = await api.as_token(token.text).post("{ws}/resources/create?update_if_exists=true", json=state)
    assert answer.status_code == 403
    assert (await dev.get("{ws}/resources/get_value/u/dev/db")).json() == 1


async def test_a_read_only_token_writes_not_even_state(api, dev):
    async with api.database.system() as tx:
        token = await make_token(tx, "dev@example.com", read_only=True)
    assert (await create(dev.as_token(token), "u/dev/no_state", 1, "state")).status_code == 403


async def test_private_resources_stay_private(dev, other):
    await create(dev, "u/dev/own", "canary")
    assert (await other.get("{ws}/resources/get/u/dev/own")).status_code == 404
    assert (await other.get("{ws}/resources/get_value_interpolated/u/dev/own")).status_code == 404
    assert (await other.post("{ws}/resources/update_value/u/dev/own", json={"value": 1})).status_code == 404
    assert "canary" not in (await other.get("{ws}/resources/list_search")).text
    assert (await create(other, "u/dev/planted")).status_code == 403
    assert (await create(other, "u/dev/planted", 1, "state")).status_code == 403


async def test_a_reader_of_a_folder_reads_and_does_not_write(api, dev, other):
    async with api.database.system() as tx:
        await tx.connection.execute(
            "INSERT INTO folder (workspace_id, name, owners, extra_perms, created_by) "
            """VALUES ('main', 'team', '{u/dev}', '{"u/other": false}', 'dev')"""
        )
    assert (await create(dev, "f/team/shared", "s")).status_code == 201
    assert await value_of(other, "f/team/shared") == "s"
    assert (await other.post("{ws}/resources/update/f/team/shared", json={"value": 1})).status_code == 403
    assert (await other.delete("{ws}/resources/delete/f/team/shared")).status_code == 403
    assert (await create(other, "f/team/shared", 1, params={"update_if_exists": "true"})).status_code == 403
    assert await value_of(dev, "f/team/shared") == "s"


async def test_a_resource_is_renamed_but_not_onto_another_nor_into_a_foreign_place(dev):
    await create(dev, "u/dev/first", 1)
    await create(dev, "u/dev/second", 2)
    taken = await dev.post("{ws}/resources/update/u/dev/first", json={"path": "u/dev/second"})
    assert (taken.status_code, taken.text) == (400, "resource u/dev/second already exists")
    assert (await dev.post("{ws}/resources/update/u/dev/first", json={"path": "u/other/x"})).status_code == 403
    assert (await dev.post("{ws}/resources/update/u/dev/first", json={"path": "bad"})).status_code == 400
    assert (await dev.post("{ws}/resources/update/u/dev/first", json={"path": "u/dev/third"})).status_code == 200
    assert await value_of(dev, "u/dev/third") == 1


@pytest.mark.parametrize("text", [
    '{"big":123456789012345678901234567890}', '{"nul":"\\u0000","half":"\\ud83d","é":"☃𝄞"}',
    "[1.5,-0.0,1e-9,true,null]", '""', "[" * 120 + "]" * 120, '{"__proto__":{},"":0}',
])  # fmt: skip
async def test_every_value_comes_back_as_it_was(dev, text):
    body = f'{{"path":"u/dev/exact","resource_type":"any","value":{text}}}'.encode()
    made = await dev.post("{ws}/resources/create?update_if_exists=true", content=body,
                          headers={"Content-Type": "application/json"})  # fmt: skip
    assert made.status_code == 201, made.text
    stored = (await dev.get("{ws}/resources/get_value/u/dev/exact")).content
    assert json.loads(stored) == json.loads(text)
    assert json.loads((await dev.get("{ws}/resources/get/u/dev/exact")).content)["value"] == json.loads(text)
    assert (await dev.get("{ws}/resources/get_value_interpolated/u/dev/exact")).content == stored


@pytest.mark.parametrize("body, reason", [
    (b"{", "JSON"), (b'{"resource_type":"any","value":1}', "path: Field required"),
    (b'{"path":"u/dev/x","resource_type":"any"}', "value: Field required"),
    (b'{"path":"u/dev/x","value":1}', "resource_type: Field required"),
    (b'{"path":"x","value":1,"resource_type":"any"}', "path 'x' is not valid"),
    (b'{"path":"u/dev/x","value":NaN,"resource_type":"any"}', "value: "),
    (b'{"path":"u/dev/x","value":1e999,"resource_type":"any"}', "value: "),
    (b'{"path":"u/dev/x","value":1,"resource_type":"a\\u0000"}', "NUL"),
    (b'{"path":"u/dev/x","value":1,"resource_type":"any","description":"\\ud800"}', ""),
    (b'{"path":"u/dev/x","resource_type":"any","value":' + b"[" * 50_000 + b"]" * 50_000 + b"}", ""),
])  # fmt: skip
async def test_a_bad_body_is_400_with_a_reason(dev, body, reason):
    answer = await dev.post("{ws}/resources/create", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert answer.text
    assert reason in answer.text


async def test_a_list_is_filtered_by_type_and_shows_no_values(dev):
    for name, kind in (("a", "postgresql"), ("b", "mysql"), ("c", "state")):
        await create(dev, f"u/dev/list/{name}", f"Needle-{name}", kind)

    async def names(**query):
        answer = await dev.get("{ws}/resources/list", params={"path_start": "u/dev/list/"} | query)
        assert all("value" not in entry for entry in answer.json())
        return [entry["path"].rsplit("/")[-1] for entry in answer.json()]

    assert await names() == ["a", "b", "c"]
    assert await names(resource_type="postgresql,mysql") == ["a", "b"]
    assert await names(resource_type_exclude="state,mysql") == ["a"]
    assert await names(value="needle-b") == ["b"]
    assert await names(broad_filter="needle") == ["a", "b", "c"]
    assert [await names(page=page, per_page=2) for page in (0, 1, 2, 3)] == [
        ["a", "b"],
        ["a", "b"],
        ["c"],
        [],
    ]
    named = (await dev.get("{ws}/resources/list_names/mysql")).json()
    assert {"name": "b", "path": "u/dev/list/b"} in named


async def test_the_content_search_cuts_long_values(dev):
    await create(dev, "u/dev/long", "x" * 20_000)
    await create(dev, "u/dev/short", "y")
    found = {entry["path"]: entry for entry in (await dev.get("{ws}/resources/list_search")).json()}
    assert found["u/dev/long"]["truncated"] is True
    assert found["u/dev/short"] == {"path": "u/dev/short", "value": '"y"', "truncated": False}


async def test_several_are_deleted_at_once(dev):
    await create(dev, "u/dev/bulk_a")
    answer = await dev.delete("{ws}/resources/delete_bulk", json={"paths": ["u/dev/bulk_a", "u/dev/bulk_none"]})
    assert answer.json() == ["u/dev/bulk_a"]


async def test_a_type_is_created_read_changed_and_deleted(dev):
    schema = {"type": "object", "properties": {"b": {}, "a": {}}}
    body = {
        "name": "c_thing",
        "schema": schema,
        "description": "d",
        "format_extension": "ini",
        "is_fileset": False,
    }
    assert (await dev.post("{ws}/resources/type/create", json=body)).status_code == 201
    found = (await dev.get("{ws}/resources/type/get/c_thing")).json()
    assert found.items() >= body.items()
    assert list(found["schema"]["properties"]) == ["b", "a"]
    assert (await dev.post("{ws}/resources/type/create", json=body)).status_code == 400
    extensions = (await dev.get("{ws}/resources/file_resource_type_to_file_ext_map")).json()
    assert extensions["c_thing"] == {"format_extension": "ini", "is_fileset": False}
    await dev.post("{ws}/resources/type/update/c_thing", json={"format_extension": None, "description": "e"})
    found = (await dev.get("{ws}/resources/type/get/c_thing")).json()
    assert (found["description"], found["schema"], "format_extension" in found) == ("e", schema, False)
    assert "c_thing" in (await dev.get("{ws}/resources/type/listnames")).json()
    assert "c_thing" in [entry["name"] for entry in (await dev.get("{ws}/resources/type/list")).json()]
    assert (await dev.get("{ws}/resources/type/exists/c_thing")).json() is True
    assert (await dev.delete("{ws}/resources/type/delete/c_thing")).status_code == 200
    assert (await dev.get("{ws}/resources/type/exists/c_thing")).json() is False
    assert (await dev.get("{ws}/resources/type/get/c_thing")).status_code == 404
    assert (await dev.delete("{ws}/resources/type/delete/c_thing")).status_code == 404


async def test_shared_types_are_seen_and_not_changed(api, dev):
    async with api.database.system() as tx:
        await tx.connection.execute(
            "INSERT INTO workspace (id, name, owner) VALUES ('admins', 'Admins', 'x') ON CONFLICT DO NOTHING"
        )
        await tx.connection.execute(
            "INSERT INTO resource_type (workspace_id, name, description, created_by) "
            "VALUES ('admins', 'c_shared', 'theirs', 'x')"
        )
    assert (await dev.get("{ws}/resources/type/get/c_shared")).json()["workspace_id"] == "admins"
    assert (await dev.post("{ws}/resources/type/update/c_shared", json={"description": "x"})).status_code == 404
    assert (await dev.delete("{ws}/resources/type/delete/c_shared")).status_code == 404
    await dev.post("{ws}/resources/type/create", json={"name": "c_shared", "description": "ours"})
    assert (await dev.get("{ws}/resources/type/get/c_shared")).json()["description"] == "ours"
    names = (await dev.get("{ws}/resources/type/listnames")).json()
    assert names.count("c_shared") == 1


async def test_an_operator_does_not_make_types(operator):
    assert (await operator.post("{ws}/resources/type/create", json={"name": "c_operator"})).status_code == 403


@pytest.mark.parametrize("path", ["%00", "u/dev/%00", "u/dev", "'; drop table resource; --"])
@pytest.mark.parametrize("route", ["get", "get_value", "get_value_interpolated", "exists", "type/get"])
async def test_a_malformed_path_is_400(dev, route, path):
    assert (await dev.get(f"{{ws}}/resources/{route}/{path}")).status_code == 400


@pytest.mark.parametrize(
    "query", ["path_start", "path", "description", "value", "broad_filter", "label", "resource_type"]
)
async def test_a_nul_in_a_search_is_400(dev, query):
    assert (await dev.get("{ws}/resources/list", params={query: "\0"})).status_code == 400
