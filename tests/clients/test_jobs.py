"""Starting, watching and ending jobs on the wire."""

import json
from datetime import UTC, datetime, timedelta

import pytest

DONE = {"started": True, "completed": True, "success": True, "result": 42}
WAITING = {"started": False, "completed": False, "success": None, "result": None}
FAILED = {**DONE, "success": False, "result": {"error": {"name": "ValueError", "message": "bad input"}}}
PARENTS = {"parent_job": "job-1", "root_job": "root-1"}


def test_run_script_by_path_async_sends_arguments_and_options(wmill, server):
    server.on("POST", "jobs/run/p/f/demo/x", text="id-1", status=201)
    options = {"scheduled_in_secs": 5, "tag": "gpu", "retry": {"constant": {"attempts": 2}}}
    assert wmill.run_script_by_path_async("f/demo/x", {"n": 1}, **options) == "id-1"
    assert server.last.json == {"n": 1}
    retry = json.dumps(options["retry"])
    assert server.last.query == {"scheduled_in_secs": "5", "tag": "gpu", "retry": retry, **PARENTS}


def test_run_script_by_hash_async_uses_the_hash(wmill, server):
    server.on("POST", "jobs/run/h/00ff", text="id-2")
    assert wmill.run_script_by_hash_async("00ff") == wmill.run_script_async("00ff") == "id-2"
    assert server.last.json == {}


def test_run_script_async_takes_what_has_a_slash_for_a_path(wmill, server):
    server.on("POST", "jobs/run/p/u/ada/x", text="id-3")
    assert wmill.run_script_async("u/ada/x") == "id-3"


def test_run_script_needs_a_path_or_a_hash(wmill, server):
    with pytest.raises(wmill.WindmillError, match="path or hash_"):
        wmill.run_script()
    assert server.seen == []


def test_flows_are_tracked_in_the_parent_only_on_request(wmill, server):
    server.on("POST", "jobs/run/f/f/demo/flow", text="id-4")
    assert wmill.run_flow_async("f/demo/flow", {"a": 1}) == "id-4"
    assert server.last.query == {}
    wmill.run_flow_async("f/demo/flow", do_not_track_in_parent=False)
    assert server.last.query == PARENTS


def test_dates_in_arguments_travel_as_iso_text(wmill, server):
    server.on("POST", "jobs/run/p/f/demo/x", text="id-5")
    wmill.run_script_by_path_async("f/demo/x", {"at": datetime(2026, 1, 2, tzinfo=UTC)})
    assert server.last.json == {"at": "2026-01-02T00:00:00+00:00"}


@pytest.mark.parametrize(
    ("name", "kind", "given"),
    [
        ("run_script_by_path", "p/f/demo/x", "f/demo/x"),
        ("run_script_by_path_sync", "p/f/demo/x", "f/demo/x"),
        ("run_script_by_hash", "h/00ff", "00ff"),
        ("run_script_sync", "h/00ff", "00ff"),
        ("run_script", "p/f/demo/x", "f/demo/x"),
        ("run_flow", "f/f/demo/x", "f/demo/x"),
    ],
)
def test_the_waiting_calls_return_the_result(wmill, server, name, kind, given):
    server.on("POST", f"jobs/run/{kind}", text="id-6")
    server.on("GET", "jobs_u/completed/get_result_maybe/id-6", WAITING, WAITING, DONE)
    assert getattr(wmill, name)(given, args={"n": 1}) == 42
    assert server.seen[0].json == {"n": 1}
    assert len(server.seen) == 4


def test_a_failed_job_raises_with_its_error(wmill, server):
    server.on("GET", "jobs_u/completed/get_result_maybe/id", FAILED)
    with pytest.raises(wmill.JobFailed, match="Job id was not successful: .*bad input") as caught:
        wmill.wait_job("id")
    assert caught.value.error == {"name": "ValueError", "message": "bad input"}


def test_a_job_that_takes_too_long_is_cancelled(wmill, server):
    server.on("GET", "jobs_u/completed/get_result_maybe/id", WAITING)
    server.on("POST", "jobs_u/queue/cancel/id", text="cancelled")
    with pytest.raises(TimeoutError):
        wmill.wait_job("id", timeout=timedelta(milliseconds=50))
    assert server.calls[-1] == ("POST", "jobs_u/queue/cancel/id")
    assert server.last.json == {"reason": "reached timeout"}


def test_an_empty_result_is_refused_when_one_must_exist(wmill, server):
    server.on("GET", "jobs_u/completed/get_result_maybe/id", {**DONE, "result": None})
    assert wmill.wait_job("id") is None
    with pytest.raises(wmill.WindmillError, match="no result"):
        wmill.wait_job("id", assert_result_is_not_none=True)


def test_cancel_job_gives_the_reason(wmill, server):
    server.on("POST", "jobs_u/queue/cancel/id", text="id")
    assert wmill.cancel_job("id", "enough") == "id"
    assert server.last.json == {"reason": "enough"}


def test_cancel_running_spares_this_job(wmill, server):
    server.on("GET", "jobs/list", [{"id": "job-1"}, {"id": "job-2"}])
    server.on("POST", "jobs_u/queue/cancel/job-2", text="job-2")
    assert wmill.cancel_running() == {"job-2": "job-2"}
    assert server.seen[0].query == {"running": "true", "script_path_exact": "f/demo/this"}


@pytest.mark.parametrize(
    ("job", "status"),
    [
        ({"type": "CompletedJob"}, "COMPLETED"),
        ({"type": "QueuedJob", "running": True}, "RUNNING"),
        ({"type": "QueuedJob", "running": False}, "WAITING"),
    ],
)
def test_get_job_status_reads_the_kind_of_job(wmill, server, job, status):
    server.on("GET", "jobs_u/get/id", job)
    assert wmill.get_job_status("id") == status
    assert wmill.get_job("id") == job


def test_get_result_is_json_or_else_the_text(wmill, server):
    server.on("GET", "jobs_u/completed/get_result/id", {"rows": 2})
    assert wmill.get_result("id") == {"rows": 2}
    server.on("GET", "jobs_u/completed/get_result/id", text="plain words")
    assert wmill.get_result("id") == "plain words"


def test_progress_is_reported_with_the_parent_flow(wmill, server):
    server.on("GET", "jobs_u/get/job-1", {"type": "QueuedJob", "parent_job": "flow-1"})
    server.on("POST", "job_metrics/set_progress/job-1")
    server.on("GET", "job_metrics/get_progress/job-1", 30)
    wmill.set_progress(30)
    assert server.last.json == {"percent": 30, "flow_job_id": "flow-1"}
    assert wmill.get_progress() == 30


def test_root_job_and_draining_are_asked_for_this_job(wmill, server):
    server.on("GET", "jobs_u/get_root_job_id/job-1", "root-1")
    server.on("GET", "jobs/worker_is_draining/job-1", True)
    assert wmill.get_root_job_id() == "root-1"
    assert wmill.worker_is_draining() is True


def test_create_token_expires_at_a_moment_in_utc(wmill, server):
    server.on("POST", "/users/tokens/create", text="fresh")
    assert wmill.create_token(timedelta(hours=1)) == "fresh"
    expiration = datetime.fromisoformat(server.last.json["expiration"])
    assert abs(expiration - datetime.now(UTC) - timedelta(hours=1)) < timedelta(minutes=1)


def test_an_inline_preview_stays_on_a_local_server(wmill, server):
    server.on("POST", "jobs/run_inline/preview", [1])
    assert wmill.run_inline_script_preview("select 1", "postgresql", {"database": "d"}) == [1]
    assert server.last.json == {"content": "select 1", "language": "postgresql", "args": {"database": "d"}}


def test_a_preview_runs_source_text_as_a_job(wmill, server):
    server.on("POST", "jobs/run/preview", text="id-7")
    server.on("GET", "jobs_u/completed/get_result_maybe/id-7", DONE)
    assert wmill.run_script_preview("def main(): return 42") == 42
    assert server.seen[0].json == {"content": "def main(): return 42", "language": "python3", "args": {}}


def test_a_task_runs_as_its_own_job_and_its_override_runs_in_place(wmill, server, monkeypatch):
    @wmill.task(tag="gpu")
    def double(n: int) -> int:
        return 2 * n

    server.on("POST", "jobs/run/workflow_as_code/job-1/double", text="id-8")
    server.on("GET", "jobs_u/completed/get_result_maybe/id-8", DONE)
    assert double(21) == 42
    assert (server.seen[0].json, server.seen[0].query) == ({"args": {"n": 21}}, {"tag": "gpu"})
    monkeypatch.setenv("MAIN_OVERRIDE", "double")
    assert double(4) == 8
    assert len(server.seen) == 2


def test_a_task_refuses_the_options_it_cannot_honour(wmill):
    with pytest.raises(NotImplementedError):
        wmill.task(retry={"attempts": 3})
