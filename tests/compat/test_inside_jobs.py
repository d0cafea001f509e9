"""The `wmill` that a job imports: ours, or the published one when the script pins it."""

import pytest

from .conftest import PINNED, VERSION

TELL = """
import wmill

def main(path: str):
    value = wmill.get_variable(path)
    wmill.set_state({"seen": value})
    return {"value": value, "state": wmill.get_state(), "file": wmill.__file__, "path": wmill.get_state_path()}
"""
WATCH = """
import os
import wmill

def main(child: str):
    wmill.set_progress(40)
    job_id = wmill.run_script_by_path_async(child, {"a": 1})
    return {
        "progress": wmill.get_progress(), "draining": wmill.worker_is_draining(),
        "root_is_own": wmill.get_root_job_id() == os.environ["WM_JOB_ID"],
        "root_of_child": wmill.get_root_job_id(job_id) == os.environ["WM_JOB_ID"],
        "parent_of_child": wmill.get_job(job_id)["parent_job"] == os.environ["WM_JOB_ID"],
        "result": wmill.run_script_by_path(child, {"a": 1}), "others": len(wmill.cancel_running()),
        "job": os.environ["WM_JOB_ID"],
    }
"""
TOKEN = "import wmill\n\ndef main():\n    return wmill.Windmill().create_token()\n"
FLAVOURS = {"ours": "", "published": PINNED}
flavours = pytest.mark.parametrize(
    "header", [pytest.param(head, id=name, marks=[pytest.mark.slow] if head else []) for name, head in FLAVOURS.items()]
)


@flavours
async def test_a_job_reads_a_variable_and_keeps_its_state(platform, header):
    path = "u/admin/inside"
    await platform.api.post("{ws}/variables/create", json={"path": path, "value": "deep", "is_secret": True,
                                                           "description": ""})  # fmt: skip
    job = await platform.preview(header + TELL, path="u/admin/inside", timeout=120)
    assert job["success"], job["result"]
    result = job["result"]
    assert (result["value"], result["state"]) == ("deep", {"seen": "deep"})
    assert ("_wmill" in result["file"] or "clients/python" in result["file"]) is (header == "")
    kept = await platform.api.get(f"{{ws}}/resources/get/{result['path']}")
    assert (kept.json()["resource_type"], kept.json()["value"]) == ("state", {"seen": "deep"})


@flavours
async def test_a_job_tells_its_progress_and_is_the_parent_of_what_it_runs(platform, scripts, header):
    job = await platform.preview(header + WATCH, child="f/compat/add", timeout=120)
    assert job["success"], job["result"]
    expected = {"progress": 40, "draining": False, "root_is_own": True, "root_of_child": True, "parent_of_child": True,
                "result": 3, "others": 0, "job": job["id"]}  # fmt: skip
    assert job["result"] == expected


@flavours
async def test_a_jobs_own_token_makes_no_other(platform, header):
    job = await platform.preview(header + TOKEN, timeout=120)
    assert not job["success"] and "403" in str(job["result"]["error"])


@pytest.mark.slow
async def test_a_deployed_script_that_pins_the_client_has_it_in_its_lock(platform, scripts):
    number = await platform.deploy("f/compat/pinned", PINNED + TELL)
    script = (await platform.api.get(f"{{ws}}/scripts/get/h/{number}")).json()
    assert f"wmill=={VERSION}" in script["lock"], script["lock_error_logs"]
    number = await platform.deploy("f/compat/unpinned", TELL)
    assert "wmill" not in (await platform.api.get(f"{{ws}}/scripts/get/h/{number}")).json()["lock"]
