"""Variables, resources and state on the wire."""

import json

import pytest


def test_every_request_carries_the_token_and_goes_below_api(wmill, server):
    server.on("GET", "/users/whoami", {"email": "ada@example.com"})
    assert wmill.whoami() == {"email": "ada@example.com"}
    assert server.last.headers["Authorization"] == "Bearer secret-token"


def test_get_variable_returns_the_text(wmill, server):
    server.on("GET", "variables/get_value/u/ada/greeting", "hello")
    assert wmill.get_variable("var://u/ada/greeting") == "hello"


def test_a_json_object_variable_is_its_exact_text_and_a_mapping(wmill, server):
    text = '{"windows": ["sun"],  "limit": 3}'
    server.on("GET", "variables/get_value/f/demo/config", text)
    config = wmill.get_variable("f/demo/config")
    assert config == text and isinstance(config, str)
    assert (config.get("windows", []), config["limit"], config.get("absent", 7)) == (["sun"], 3, 7)
    assert ("windows" in config, "sun" in config, dict(config)) == (True, False, json.loads(text))
    assert json.loads(config) == json.loads(text) and json.loads(json.dumps(config)) == text
    assert f"{config}" == text and config.encode() == text.encode()


def test_a_json_list_variable_is_its_exact_text_and_a_sequence(wmill, server):
    server.on("GET", "variables/get_value/f/demo/approvers", '["alice", "bob"]')
    approvers = wmill.get_variable("f/demo/approvers")
    assert approvers == '["alice", "bob"]' and json.loads(approvers) == ["alice", "bob"]
    assert (list(approvers), approvers[1]) == (["alice", "bob"], "bob")
    assert "alice" in approvers and "ali" not in approvers


@pytest.mark.parametrize("text", ["{not json", "[1, 2", "plain", "", "3"])
def test_any_other_variable_is_a_plain_text(wmill, server, text):
    server.on("GET", "variables/get_value/f/demo/x", text)
    assert type(wmill.get_variable("f/demo/x")) is str
    assert wmill.get_variable("f/demo/x") == text


def test_set_variable_creates_what_is_not_there(wmill, server):
    server.on("POST", "variables/create", status=201)
    wmill.set_variable("f/demo/new", "v", is_secret=True)
    assert server.calls == [("GET", "variables/get/f/demo/new"), ("POST", "variables/create")]
    assert server.seen[0].query == {"decrypt_secret": "false"}
    assert server.last.json == {"path": "f/demo/new", "value": "v", "is_secret": True, "description": ""}


def test_set_variable_updates_what_is_there(wmill, server):
    server.on("GET", "variables/get/f/demo/old", {"path": "f/demo/old"})
    server.on("POST", "variables/update/f/demo/old")
    wmill.set_variable("f/demo/old", "v")
    assert server.last.json == {"value": "v"}


def test_set_variable_creates_nothing_when_the_look_up_fails(wmill, server):
    server.on("GET", "variables/get/f/demo/x", status=403, text="Not allowed")
    with pytest.raises(wmill.ApiError, match="Not allowed"):
        wmill.set_variable("f/demo/x", "v")
    assert len(server.seen) == 1


def test_a_resource_answers_database_and_dbname_alike_but_spreads_only_real_keys(wmill, server):
    server.on("GET", "resources/get_value_interpolated/f/demo/db", {"host": "h", "dbname": "shop"})
    db = wmill.get_resource("$res:f/demo/db")
    assert (db["database"], db["dbname"], db.get("database"), db.get("port", 5432)) == (
        "shop",
        "shop",
        "shop",
        5432,
    )
    assert dict(**db) == {"host": "h", "dbname": "shop"} == db
    with pytest.raises(KeyError):
        db["user"]


def test_a_resource_named_database_also_answers_dbname(wmill, server):
    server.on("GET", "resources/get_value_interpolated/f/demo/db", {"database": "shop"})
    assert wmill.get_resource("f/demo/db")["dbname"] == "shop"


def test_get_resource_can_leave_references_as_they_are(wmill, server):
    server.on("GET", "resources/get_value/f/demo/db", ["$var:x"])
    assert wmill.get_resource("f/demo/db", interpolated=False) == ["$var:x"]


def test_a_missing_resource_is_not_found_or_none(wmill):
    assert wmill.get_resource("f/demo/none", none_if_undefined=True) is None
    with pytest.raises(wmill.NotFound):
        wmill.get_resource("f/demo/none")


def test_set_resource_creates_or_updates(wmill, server):
    server.on("POST", "resources/create", status=201)
    wmill.set_resource("f/demo/r", {"a": 1}, "c_thing")
    assert server.last.json == {"path": "f/demo/r", "value": {"a": 1}, "resource_type": "c_thing"}
    server.on("GET", "resources/get/f/demo/r", {"path": "f/demo/r"})
    server.on("POST", "resources/update_value/f/demo/r")
    wmill.set_resource("f/demo/r", {"a": 2})
    assert server.last.json == {"value": {"a": 2}}


def test_resources_are_listed_created_updated_and_deleted(wmill, server):
    server.on("GET", "resources/list", [{"path": "f/demo/r"}])
    server.on("POST", "resources/create", status=201)
    server.on("POST", "resources/update/f/demo/r")
    server.on("DELETE", "resources/delete/f/demo/r")
    assert wmill.list_resources("slack", per_page=5) == [{"path": "f/demo/r"}]
    assert server.last.query == {"resource_type": "slack", "per_page": "5"}
    wmill.create_resource(path="f/demo/r", resource_type="http", value={"url": "x"}, description="d")
    created = {"path": "f/demo/r", "resource_type": "http", "value": {"url": "x"}, "description": "d"}
    assert server.last.json == created
    wmill.update_resource(path="f/demo/r", value={"url": "y"})
    assert server.last.json == {"value": {"url": "y"}}
    wmill.delete_resource(path="f/demo/r")
    assert server.calls[-1] == ("DELETE", "resources/delete/f/demo/r")


def test_state_is_a_resource_of_type_state_at_the_state_path(wmill, server):
    assert wmill.get_state() is None
    server.on("POST", "resources/create", status=201)
    wmill.set_state({"seen": 3})
    assert server.last.json == {"path": "f/demo/this_state", "value": {"seen": 3}, "resource_type": "state"}
    server.on("GET", "resources/get_value_interpolated/f/demo/this_state", {"seen": 3})
    assert wmill.get_state() == wmill.default_client().state == {"seen": 3}


def test_state_is_not_mistaken_for_empty_when_the_server_fails(wmill, server):
    server.on("GET", "resources/get_value_interpolated/f/demo/this_state", status=500, text="database is down")
    with pytest.raises(wmill.ApiError, match="database is down"):
        wmill.get_state()


def test_the_newer_state_path_wins(wmill, monkeypatch):
    monkeypatch.setenv("WM_STATE_PATH_NEW", "f/demo/newer")
    assert wmill.get_state_path() == "f/demo/newer"


def test_mocked_values_are_read_and_written_without_the_server(wmill, server, monkeypatch, tmp_path):
    mocks = tmp_path / "mocks.json"
    mocks.write_text(json.dumps({"variables": {"f/v": "one"}, "resources": {"f/r": {"a": 1}}}))
    monkeypatch.setenv("WM_MOCKED_API_FILE", str(mocks))
    assert (wmill.get_variable("f/v"), wmill.get_resource("f/r")) == ("one", {"a": 1})
    assert wmill.get_resource("f/none", none_if_undefined=True) is None
    wmill.set_variable("f/v", "two")
    wmill.set_state([1])
    assert (wmill.get_variable("f/v"), wmill.get_state()) == ("two", [1])
    assert server.seen == []


def test_what_is_not_mocked_comes_from_the_server(wmill, server, monkeypatch, tmp_path):
    mocks = tmp_path / "mocks.json"
    mocks.write_text("{}")
    monkeypatch.setenv("WM_MOCKED_API_FILE", str(mocks))
    server.on("GET", "variables/get_value/f/real", "yes")
    assert wmill.get_variable("f/real") == "yes"
