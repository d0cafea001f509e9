"""The example workspace: loaded through the API, and each of its scripts run for real."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio

from support.api import make_member, running_api
from support.postgres import fresh_database
from support.relay import tcp_relay

LOAD = "{ws}/workspaces/load_examples"
SCRIPTS = {"hello", "types_tour", "fetch_and_transform", "maintenance_window", "manage_resources", "get_table_sizes",
           "deploy_service"}  # fmt: skip
OTHERS = {"api_key", "maintenance_windows", "api_credentials", "deploy_target"}
EVERYTHING = {"f/examples", "c_api_credentials", "c_deploy_target"} | {
    f"f/examples/{name}" for name in SCRIPTS | OTHERS
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def loaded(platform):
    """What the first load answered."""
    response = await platform.api.post(LOAD)
    assert response.status_code == 200, response.text
    return response.json()


async def run(platform, script, /, timeout=60, **args):
    """Run an example and return its result."""
    response = await platform.api.post(f"{{ws}}/jobs/run/p/f/examples/{script}", json=args)
    assert response.status_code == 201, response.text
    job = await platform.result(response.text, timeout)
    assert job["success"], job["result"]
    return job["result"]


async def manage(platform, action, **args):
    """Run the example that manages resources."""
    return await run(platform, "manage_resources", action=action, **args)


async def test_loading_makes_every_item_of_the_folder(loaded, platform):
    assert (set(loaded["created"]), loaded["skipped"]) == (EVERYTHING, [])
    listed = (await platform.api.get("{ws}/scripts/list?path_start=f/examples/")).json()
    assert {script["path"] for script in listed} == {f"f/examples/{name}" for name in SCRIPTS}
    assert all(script["summary"] and script["description"] for script in listed)
    for kind in ("resources", "variables"):
        items = (await platform.api.get(f"{{ws}}/{kind}/list?path_start=f/examples/")).json()
        assert items and all(item["description"] for item in items)


async def test_loading_again_leaves_everything_alone(loaded, platform):
    await platform.api.post("{ws}/variables/update/f/examples/api_key", json={"value": "changed"})
    again = (await platform.api.post(LOAD)).json()
    assert (again["created"], set(again["skipped"])) == ([], EVERYTHING)
    assert (await platform.api.get("{ws}/variables/get_value/f/examples/api_key")).json() == "changed"


async def test_what_was_deleted_comes_back_alone(loaded, platform):
    await platform.api.delete("{ws}/resources/delete/f/examples/deploy_target")
    assert (await platform.api.post(LOAD)).json()["created"] == ["f/examples/deploy_target"]


async def test_an_operator_may_not_load_them(loaded, platform):
    operator = await make_member(platform.api, "olga", operator=True)
    assert (await operator.post(LOAD)).status_code == 403


async def test_a_developer_without_the_folder_may_not_load_into_it(loaded, platform):
    await platform.api.delete("{ws}/variables/delete/f/examples/api_key")
    developer = await make_member(platform.api, "dora")
    response = await developer.post(LOAD)
    assert (response.status_code, "may not write to f/examples" in response.text) == (403, True)
    assert (await platform.api.post(LOAD)).json()["created"] == ["f/examples/api_key"]


async def test_a_developer_owns_the_folder_that_they_load(postgres):
    async with fresh_database(postgres) as urls, running_api(urls) as api:
        developer = await make_member(api, "emil")
        response = await developer.post(LOAD)
        assert set(response.json()["created"]) == EVERYTHING, response.text
        assert (await developer.get("{ws}/folders/get/examples")).json()["owners"] == ["u/emil"]


async def test_hello_prints_and_greets(loaded, platform):
    result = await run(platform, "hello", name="Ada", times=1)
    assert result == {"greeting": "Hello, Ada!", "times": 1, "color": "blue"}


async def test_the_types_tour_gets_each_argument_as_its_type(loaded, platform):
    rows = await run(
        platform, "types_tour", text="x", priority="high", day="2030-01-02", moment="2030-01-02T03:04:05Z", file="aGk=",
        address={"street": "s", "city": "c"}, credentials="$res:f/examples/api_credentials",
    )  # fmt: skip
    types = {row["name"]: row["type"] for row in rows}
    assert types["text"] == "str" and types["priority"] == "Priority"
    assert (types["day"], types["moment"], types["file"]) == ("date", "datetime", "bytes")
    values = {row["name"]: row["value"] for row in rows}
    assert (values["file"], values["credentials"]["api_key"]) == ("2 bytes", "example-key")


async def test_the_maintenance_window_reads_its_variable(loaded, platform):
    assert await run(platform, "maintenance_window", at="12:15") == {"at": "12:15", "open": ["lunch"], "may_run": True}


async def test_resources_are_listed_made_read_changed_and_deleted(loaded, platform):
    path = "f/examples/made"
    made = await manage(platform, "create", resource_path=path, resource_type="http", resource_value={"url": "one"})
    assert made == {"action": "created", "path": path, "success": True}
    assert path in [item["path"] for item in (await manage(platform, "list"))["resources"]]
    await manage(platform, "update", resource_path=path, resource_value={"url": "two"})
    assert (await manage(platform, "get", resource_path=path))["value"] == {"url": "two"}
    await manage(platform, "delete", resource_path=path)
    assert (await manage(platform, "get", resource_path=path))["found"] is False


async def test_deploy_service_is_a_dry_run(loaded, platform):
    result = await run(platform, "deploy_service", service_name="shop", version="1.2")
    assert (result["status"], result["dry_run"], result["region"]) == ("success", True, "eu-west-1")


@pytest.mark.slow
async def test_table_sizes_are_read_from_a_postgresql(loaded, platform, urls):
    url = urlsplit(urls.owner)
    socket = Path(parse_qs(url.query)["host"][0]) / ".s.PGSQL.5432"
    async with tcp_relay(socket) as port:
        database = {"host": "127.0.0.1", "port": port, "user": url.username, "password": url.password,
                    "dbname": url.path.removeprefix("/")}  # fmt: skip
        rows = await run(platform, "get_table_sizes", timeout=120, db=database)
    assert {"script", "job", "resource"} <= {row["tablename"] for row in rows}
    sizes = [row["size_bytes"] for row in rows]
    assert sizes == sorted(sizes, reverse=True) and sizes[0] > 0


@pytest.mark.slow
async def test_fetch_and_transform_summarises_its_sample_records(loaded, platform):
    result = await run(platform, "fetch_and_transform", timeout=300, date_range_days=2)
    assert (len(result["data"]), result["metadata"]["total_records"]) == (4, 4)
    assert {row["value_normalized"] for row in result["data"]} >= {0.0, 1.0}
