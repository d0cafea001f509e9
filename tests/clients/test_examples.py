"""The example scripts, run as a job runs them: a process of its own, with our `wmill` and a server."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from .conftest import PACKAGE

WORKSPACE_FOLDER = Path(__file__).parents[2] / "examples" / "workspace"
SCRIPTS = WORKSPACE_FOLDER / "f" / "examples"
RUN_MAIN = """
import importlib, json, sys
result = importlib.import_module(sys.argv[1]).main(**json.loads(sys.argv[2]))
print("\\n" + json.dumps(result))
"""


def read_yaml(path):
    return YAML(typ="safe").load(path.read_text())


def run_python(script, **arguments):
    done = subprocess.run(
        [sys.executable, "-c", RUN_MAIN, script, json.dumps(arguments)],
        cwd=SCRIPTS,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(PACKAGE.parent), str(SCRIPTS)]),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def run_bash(*arguments):
    script = SCRIPTS / "deploy_service.sh"
    return subprocess.run(["bash", str(script), *arguments], capture_output=True, text=True)


def test_every_script_has_its_settings_and_every_settings_file_its_script():
    scripts = {path.stem for path in SCRIPTS.iterdir() if path.suffix in (".py", ".sh")}
    settings = {path.name.removesuffix(".script.yaml") for path in SCRIPTS.glob("*.script.yaml")}
    assert scripts == settings != set()
    assert all(read_yaml(path)["summary"] for path in SCRIPTS.glob("*.script.yaml"))


def test_every_resource_fits_its_type():
    resources = [read_yaml(path) for path in SCRIPTS.glob("*.resource.yaml")]
    assert resources
    for resource in resources:
        kind = read_yaml(WORKSPACE_FOLDER / f"{resource['resource_type']}.resource-type.yaml")
        assert set(resource["value"]) == set(kind["schema"]["properties"])


@pytest.mark.usefixtures("wmill")
def test_hello_greets():
    greeting = {"greeting": "Hello, Ada!", "times": 1, "color": "violet"}
    assert run_python("hello", name="Ada", times=1, color="violet") == greeting


@pytest.mark.usefixtures("wmill")
def test_the_types_tour_returns_every_argument():
    rows = {row["name"]: row for row in run_python("types_tour", text="x", choice="large")}
    assert (rows["text"]["type"], rows["whole_number"]["value"], rows["choice"]["value"]) == (
        "str",
        3,
        "large",
    )
    assert rows["priority"]["value"] == "normal"


@pytest.mark.usefixtures("wmill")
@pytest.mark.parametrize(("at", "names"), [("12:15", ["lunch"]), ("03:00", []), ("01:00", ["nightly"])])
def test_a_maintenance_window_is_open_from_its_start_until_its_end(server, at, names):
    text = read_yaml(SCRIPTS / "maintenance_windows.variable.yaml")["value"]
    server.on("GET", "variables/get_value/f/examples/maintenance_windows", text)
    assert run_python("maintenance_window", at=at) == {"at": at, "open": names, "may_run": bool(names)}


@pytest.mark.usefixtures("wmill")
def test_manage_resources_lists_creates_updates_and_deletes(server):
    server.on("GET", "resources/list", [{"path": "f/x", "resource_type": "http", "is_oauth": False}])
    server.on("POST", "resources/create", status=201)
    server.on("POST", "resources/update/f/x")
    server.on("DELETE", "resources/delete/f/x")
    listed = [{"path": "f/x", "resource_type": "http", "description": None}]
    assert run_python("manage_resources") == {"total": 1, "resources": listed}
    given = {"resource_path": "f/x", "resource_type": "http", "resource_value": {"url": "u"}}
    done = [run_python("manage_resources", action=action, **given) for action in ("create", "update", "delete")]
    assert [each["action"] for each in done] == ["created", "updated", "deleted"]
    assert run_python("manage_resources", action="get", resource_path="f/none")["found"] is False


@pytest.mark.usefixtures("wmill")
def test_deploy_service_is_a_dry_run_unless_told_otherwise(server):
    target = read_yaml(SCRIPTS / "deploy_target.resource.yaml")["value"]
    server.on("GET", "resources/get_value_interpolated/f/examples/deploy_target", target)
    done = run_bash("shop", "1.2")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout[done.stdout.index("\n{") :])
    wanted = {"service": "shop", "environment": "staging", "region": "eu-west-1", "dry_run": True}
    assert wanted.items() <= result.items()
    assert len(server.seen) == 1


@pytest.mark.usefixtures("wmill")
def test_deploy_service_deploys_and_waits_for_health(server):
    target = {"url": f"{server.url}/deploy", "region": "r1"}
    server.on("GET", "resources/get_value_interpolated/f/examples/deploy_target", target)
    server.on("POST", "/deploy/production/shop/deploy", text="ok")
    server.on("GET", "/deploy/production/shop/health", text="ok")
    done = run_bash("shop", "1.2", "production", "false")
    assert done.returncode == 0, done.stderr
    assert server.seen[1].body == b"version=1.2&region=r1"
    assert '"dry_run": false' in done.stdout


@pytest.mark.usefixtures("wmill")
def test_deploy_service_fails_when_the_target_cannot_be_read():
    done = run_bash("shop", "1.2")
    assert done.returncode != 0
    assert "success" not in done.stdout
