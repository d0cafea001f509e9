"""What a job meets when it runs: its environment, its ways to end, its results, its references, its state."""

import asyncio
import json
import math
import os
import re
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio

from support.api import make_member
from support.runs import asleep, ended, job, logged, preview, until
from windlass.languages.python import lock
from windlass.worker.environment import SEARCH_PATH

COUNTER = """
import wmill
def main(fail):
    n = (wmill.get_state() or 0) + 1
    wmill.set_state(n)
    assert not fail, "later"
    return n
"""
LEAVES_A_CHILD = """
import subprocess, sys, time
def main(marker):
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", marker], start_new_session=True)
    time.sleep(60)
"""
ENVIRONMENT = "import os\ndef main(): return dict(os.environ)"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def api(platform):
    """The admin."""
    return platform.api


async def result(platform, expression, setup="", **args):
    done = await platform.preview(f"{setup}\ndef main(**given):\n    return {expression}", **args)
    assert done["success"], done["result"]
    return done["result"]


async def error(platform, content, language="python3", **args):
    done = await platform.preview(content, language, **args)
    assert (done["success"], done["canceled"]) == (False, False)
    return done["result"]["error"]


# The environment


async def test_a_job_has_the_protocols_environment(platform, api):
    hash = await platform.deploy("u/admin/env", ENVIRONMENT)
    parent = await ended(api, await preview(api, "def main(): ..."))
    response = await api.post("{ws}/jobs/run/p/u/admin/env", params={"parent_job": parent["id"]}, json={})
    done = await ended(api, response.text)
    env = done["result"]
    assert env.pop("WM_TOKEN").startswith("wj_")
    known = {name: value for name, value in env.items() if name.startswith("WM_") or name.startswith("BASE_")}
    scheduled_for = known.pop("WM_SCHEDULED_FOR")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT.*\+00:00", scheduled_for)
    assert known == {
        "WM_WORKSPACE": "main", "WM_EMAIL": "admin@windmill.dev", "WM_END_USER_EMAIL": "admin@windmill.dev",
        "WM_USERNAME": "admin", "WM_PERMISSIONED_AS": "u/admin", "WM_BASE_URL": platform.settings.public_url,
        "BASE_URL": platform.settings.public_url, "BASE_INTERNAL_URL": platform.url, "WM_JOB_ID": done["id"],
        "WM_JOB_PATH": "u/admin/env", "WM_FLOW_JOB_ID": parent["id"], "WM_ROOT_FLOW_JOB_ID": parent["id"],
        "WM_FLOW_PATH": "", "WM_FLOW_STEP_ID": "", "WM_SCHEDULE_PATH": "", "WM_STATE_PATH": "u/admin/u_admin_env",
        "WM_STATE_PATH_NEW": "u/admin/u_admin_env", "WM_RUNNABLE_ID": hash, "WM_WORKER_GROUP": "default",
        "WM_OBJECT_PATH": f"main/u/admin/env/{done['id']}",
    }  # fmt: skip


async def test_nothing_of_the_workers_environment_reaches_a_job(platform, monkeypatch):
    for name in ("CANARY_SECRET", "DATABASE_URL", "AWS_SECRET_ACCESS_KEY", "PIP_INDEX_URL", "UV_TOKEN"):
        monkeypatch.setenv(name, "canary-71f0")
    for language, code in (("python3", ENVIRONMENT), ("bash", "env")):
        done = await platform.preview(code, language)
        assert "canary-71f0" not in json.dumps(done)
    env = (await platform.preview(ENVIRONMENT))["result"]
    ours = re.compile(r"WM_.*|BASE_(INTERNAL_)?URL|PATH|HOME|TMPDIR|LANG|TZ|LC_CTYPE")
    assert [name for name in env if not ours.fullmatch(name)] == []
    assert (env["PATH"], env["TZ"], env["LANG"]) == (SEARCH_PATH, "UTC", "C.UTF-8")


def left_in(jobs: Path) -> list[Path]:
    """What is there but for the folders of warm processes, which are empty between jobs."""
    return [found for found in jobs.iterdir() if not found.name.startswith("w") or list(found.iterdir())]


async def test_a_job_has_a_folder_of_its_own_that_is_gone_afterwards(platform):
    code = ("import os, pathlib\ndef main():\n    pathlib.Path('mine').write_text('x')\n"
            "    return [os.getcwd(), os.environ['HOME'], os.listdir(os.environ['TMPDIR'])]\n")  # fmt: skip
    first = (await platform.preview(code))["result"]
    second = (await platform.preview(code))["result"]
    assert first[0] == first[1] != second[0] and first[2] == []
    async with asyncio.timeout(5):
        while Path(first[0]).exists() or left_in(platform.home / "jobs"):
            await asyncio.sleep(0.02)


# Ends


@pytest.mark.parametrize("code, language, expected", [
    ("exit 3", "bash", 3), ("false", "bash", 1), ("kill -9 $$", "bash", 137),
    ("import os\ndef main(): os._exit(4)", "python3", 4), ("import sys\ndef main(): sys.exit(5)", "python3", 5),
    ("import sys\ndef main(): sys.exit('sentence')", "python3", 1),
])  # fmt: skip
async def test_an_exit_code_is_told(platform, code, language, expected):
    assert (await error(platform, code, language))["exit_code"] == expected


@pytest.mark.parametrize("code", ["sys.exit()", "sys.exit(0)", "os._exit(0)", "return None"])
async def test_a_good_exit_is_a_success_without_a_result(platform, code):
    done = await platform.preview(f"import os, sys\ndef main(): {code}")
    assert (done["success"], done["result"]) == (True, None)


async def test_an_exception_has_its_name_message_and_the_users_own_lines(platform):
    found = await error(
        platform, "class Sour(Exception): ...\n\ndef bite():\n    raise Sour('lemon')\n\ndef main():\n    bite()\n"
    )
    assert (found["name"], found["message"]) == ("Sour", "lemon")
    assert "line 7, in main" in found["stack"] and "line 4, in bite" in found["stack"]
    assert "raise Sour('lemon')" in found["stack"]
    assert "windlass" not in found["stack"] and "runner" not in found["stack"]


@pytest.mark.parametrize("code, name", [
    ("def main(:", "SyntaxError"), ("x = 1", "MissingEntrypoint"), ("def main(a): ...", "MissingArgument"),
    ("def main():\n    __import__('no_such_module_q9')", "ModuleNotFoundError"), ("1/0", "ZeroDivisionError"),
    ("raise KeyboardInterrupt", None),
    ("def main():\n    def f(): f()\n    f()", "RecursionError"),
])  # fmt: skip
async def test_what_cannot_run_fails_with_a_name(platform, code, name):
    found = await error(platform, code)
    assert found["message"] and (name is None or found["name"] == name)


async def test_a_timeout_takes_the_whole_tree_of_processes_with_it(platform, api):
    marker = uuid4().hex
    done = await ended(api, await preview(api, LEAVES_A_CHILD, args={"marker": marker}, params={"timeout": 1}))
    assert done["result"]["error"]["name"] == "Timeout" and "1 second" in done["result"]["error"]["message"]
    assert [line for line in commands() if marker in line] == []


async def test_a_process_that_outlives_its_job_is_ended(platform):
    marker = uuid4().hex
    code = f"nohup setsid bash -c 'exec -a {marker} sleep 60' >/dev/null 2>&1 &\necho done"
    assert (await platform.preview(code, "bash"))["result"] == "done"
    await until(lambda: gone(marker), 5)


async def gone(marker):
    return not [line for line in commands() if marker in line]


def commands():
    lines = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and folder.name != str(os.getpid()):
            try:
                lines.append((folder / "cmdline").read_bytes().decode("utf-8", "replace"))
            except OSError:
                continue
    return lines


# Results


@pytest.mark.parametrize("expression, expected", [
    ("datetime.datetime(2030, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)", "2030-01-02T03:04:05+00:00"),
    ("datetime.date(2030, 1, 2)", "2030-01-02"), ("float('nan')", None), ("[float('inf'), 1.5]", [None, 1.5]),
    ("b'ab'", "YWI="), ("{1: 'a', None: 'b'}", {"1": "a", "null": "b"}), ("(1, 2)", [1, 2]), ("{3}", [3]),
    ("decimal.Decimal('0.1')", 0.1), ("pathlib.Path('/a')", "/a"), ("(n for n in range(3))", [0, 1, 2]),
    (r"'a\x00b'", "a\x00b"), (r"'a\ud800b'", "a\ufffdb"), (r"{'\x00': '\udc00'}", {"\x00": "\ufffd"}), ("2**63", 2**63),
    (r"'😀\u2028'", "😀\u2028"), ("'x' * 100_000", "x" * 100_000),
])  # fmt: skip
async def test_any_value_becomes_json(platform, expression, expected):
    found = await result(platform, expression, "import datetime, decimal, pathlib")
    assert found == expected


async def test_integers_of_any_size_come_back_whole(platform, api):
    done = await platform.preview("def main(): return 2**80")
    raw = await api.get(f"{{ws}}/jobs_u/completed/get_result/{done['id']}")
    assert raw.text == str(2**80)


async def test_a_result_over_the_limit_is_a_failure_that_says_so(platform):
    found = await error(platform, "def main(): return 'x' * 9_000_000")
    assert found["name"] == "ResultTooLarge" and "8192 KiB" in found["message"]


async def test_a_result_that_contains_itself_is_a_failure(platform):
    assert "itself" in (await error(platform, "def main():\n    a = []\n    a.append(a)\n    return a"))["message"]


@pytest.mark.parametrize("kind", ["symlink", "hardlink", "fifo", "folder"])
async def test_a_result_file_that_points_elsewhere_is_not_read(platform, kind):
    make = {
        "symlink": "os.symlink('/etc/passwd', 'result.json')",
        "hardlink": "open('other', 'w').write('\"root:\"'); os.link('other', 'result.json')",
        "fifo": "os.mkfifo('result.json')", "folder": "os.mkdir('result.json')",
    }[kind]  # fmt: skip
    done = await platform.preview(f"import os\ndef main():\n    {make}\n    os._exit(0)")
    assert done["success"] is False
    assert "root:" not in json.dumps(done["result"])


async def test_labels_in_a_result_are_labels_of_the_job_whatever_they_are(platform):
    done = await platform.preview("def main(): return {'wm_labels': ['sweet', 7, 'a\\x00b', 'x' * 500]}")
    assert done["labels"] == ["sweet", "7", "a\ufffdb", "x" * 100]
    for odd in ("'text'", "None", "{'a': 1}"):
        assert (await platform.preview(f"def main(): return {{'wm_labels': {odd}}}"))["success"] is True


async def test_floats_survive(platform):
    found = await result(platform, "[0.1, 1e300, -0.0, 5e-324]")
    assert found == [0.1, 1e300, 0.0, 5e-324] and math.copysign(1, found[2]) == -1


# References


async def test_variables_and_resources_are_filled_into_arguments(platform, api):
    for path, value, secret in (("u/admin/plain", "p", False), ("u/admin/hidden", "top-secret-5e1", True)):
        body = {"path": path, "value": value, "is_secret": secret, "description": ""}
        assert (await api.post("{ws}/variables/create", json=body)).status_code == 201
    value = {"host": "h", "password": "$var:u/admin/hidden"}
    body = {"path": "u/admin/db", "value": value, "resource_type": "any"}
    assert (await api.post("{ws}/resources/create", json=body)).status_code == 201
    args = {"a": "$var:u/admin/plain", "b": ["$var:u/admin/hidden"], "c": "$res:u/admin/db", "d": "$variable"}
    done = await platform.preview("def main(**given): return given", **args)
    filled = {"host": "h", "password": "top-secret-5e1"}
    assert done["result"] == {"a": "p", "b": ["top-secret-5e1"], "c": filled, "d": "$variable"}
    assert done["args"] == args


@pytest.mark.parametrize("reference", ["$var:u/admin/missing", "$res:u/admin/missing"])
async def test_a_missing_reference_is_a_failure_that_names_it_and_where(platform, reference):
    found = await error(platform, "def main(x): return x", x={"deep": [reference]})
    assert found["name"] == "NotFound"
    assert "u/admin/missing" in found["message"] and "x.deep[0]" in found["message"]


async def test_a_job_reads_only_what_its_user_may_read(platform, api):
    dev = await make_member(api, "dev")
    body = {"path": "u/admin/own", "value": "canary-a81", "is_secret": True, "description": ""}
    await api.post("{ws}/variables/create", json=body)
    done = await ended(dev, await preview(dev, "def main(x): return x", args={"x": "$var:u/admin/own"}))
    assert done["success"] is False and "canary-a81" not in json.dumps(done)


# The client inside a job


async def test_state_is_kept_even_when_the_job_fails_later(platform):
    await platform.deploy("u/admin/stateful", COUNTER)

    async def run(fail):
        return await platform.api.post("{ws}/jobs/run_wait_result/p/u/admin/stateful", json={"fail": fail})

    assert (await run(True)).json()["error"]["message"] == "later"
    assert (await run(False)).json() == 2
    assert (await platform.preview("import wmill\ndef main(): return wmill.get_state()"))["result"] is None


async def test_a_job_can_run_another_script_and_wait_for_it(platform):
    await platform.deploy("u/admin/callee", "def main(x: int): return x * 2")
    code = "import wmill\ndef main(): return wmill.run_script_by_path('u/admin/callee', args={'x': 21})"
    assert (await platform.preview(code))["result"] == 42


# Slots


async def test_two_jobs_run_at_the_same_time_and_a_third_waits(platform, api):
    first, second = await asleep(api), await asleep(api)
    third = await preview(api, "def main(): return 3")
    waiting = (await api.get("{ws}/jobs/queue/list", params={"running": "false"})).json()
    assert third in [item["id"] for item in waiting]
    await api.post(f"{{ws}}/jobs_u/queue/cancel/{first}", json={})
    assert (await ended(api, third))["result"] == 3
    assert (await job(api, second))["running"] is True
    await api.post(f"{{ws}}/jobs_u/queue/cancel/{second}", json={})
    await ended(api, second)


async def test_a_job_that_another_attempt_took_over_is_stopped_and_its_result_dropped(platform, api):
    id = await asleep(api)
    async with api.database.system() as tx:
        await tx.connection.execute("UPDATE job_queue SET epoch = epoch + 1, worker = 'other' WHERE id = $1", id)
        await tx.connection.execute("SELECT pg_notify('job_cancel', $1)", id)
    marker = f"{id}-1"
    await until(lambda: nothing_in(platform.home / "jobs", marker))
    assert (await job(api, id))["type"] == "QueuedJob"
    await api.post(f"{{ws}}/jobs_u/queue/force_cancel/{id}", json={})


async def nothing_in(folder, name):
    return not await asyncio.to_thread((folder / name).exists)


async def test_a_job_whose_worker_was_given_up_runs_again_and_its_log_says_so(platform, api):
    code = "import os, time\ndef main():\n    print('asleep', flush=True)\n    time.sleep(1)\n    return 'ended'"
    id = await preview(api, code)
    await logged(api, id, "asleep")
    async with api.database.system() as tx:
        await tx.connection.execute("UPDATE job_queue SET running = false, worker = NULL WHERE id = $1", id)
    done = await ended(api, id)
    assert done["result"] == "ended"
    async with api.database.system() as tx:
        assert await tx.connection.fetchval("SELECT count(*) FROM job_completed WHERE id = $1", id) == 1


@pytest.mark.slow
@pytest.mark.parametrize("requirement, succeeds", [("idna==3.10", True), ("windlass-no-such-package-x9==1.0", False)])
async def test_an_install_leaves_nothing_aside_however_it_ends(platform, requirement, succeeds):
    body = {"content": "def main(): return 1", "lock": f"# py: 3.11\n{requirement}\n"}
    done = await ended(platform.api, await preview(platform.api, **body), 120)
    assert done["success"] is succeeds, done
    assert succeeds or done["result"]["error"]["name"] == "InstallError"
    packages = platform.home / "cache" / platform.api.workspace / "python"
    assert [name for name in os.listdir(packages) if "." in name] == []


# Installing


PLANTED = ("script.py", "args.json", "job.json", "lock.txt", "requirements.in")


@pytest.fixture
def hostile_tool(monkeypatch, tmp_path):
    """An installer that leaves links to somebody else's file where the worker writes next; returns that file."""
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    plant = "".join(f"ln -sf {victim} $HOME/{name};" for name in PLANTED)
    monkeypatch.setattr(lock, "uv", lambda tools, verb: ("bash", "-c", plant))
    return victim


async def test_links_that_an_install_leaves_do_not_lead_the_worker_out_of_the_folder(platform, api, hostile_tool):
    done = await ended(api, await preview(api, "def main(): return 'ran'", lock=f"evil=={uuid4().int}"))
    assert hostile_tool.read_text() == "untouched"
    assert done["result"] == "ran"


async def test_links_that_a_resolver_leaves_do_not_lead_the_worker_out_of_the_folder(platform, api, hostile_tool):
    code = f"#requirements:\n#evil=={uuid4().int}\n\ndef main(): ..."
    done = await ended(api, await preview(api, code))
    assert hostile_tool.read_text() == "untouched"
    assert done["result"]["error"]["name"] == "LeftoverRefused"


async def test_each_workspace_has_a_cache_of_its_own(platform, api, hostile_tool):
    await ended(api, await preview(api, "def main(): ...", lock=f"kept=={uuid4().int}"))
    assert {path.name for path in (platform.home / "cache").iterdir()} == {api.workspace}
    assert not [path for path in (platform.home / "cache" / api.workspace / "python").iterdir() if path.suffix]
