"""Approvals, user state, messages and schedules on the wire."""

import re

import pytest

URLS = {"approvalPage": "http://a", "resume": "http://r", "cancel": "http://c"}


def answer_resume_urls(wmill, server, monkeypatch):
    monkeypatch.setattr(wmill.flows.random, "randint", lambda low, high: 7)
    server.on("GET", "jobs/resume_urls/job-1/7", URLS)


def test_resume_urls_are_asked_with_a_nonce(wmill, server):
    with pytest.raises(wmill.NotFound):
        wmill.get_resume_urls()
    assert re.fullmatch(r"jobs/resume_urls/job-1/\d+", server.last.path)


def test_resume_urls_carry_approver_and_level(wmill, server, monkeypatch):
    answer_resume_urls(wmill, server, monkeypatch)
    assert wmill.get_resume_urls("ada", flow_level=True) == URLS
    assert server.last.query == {"approver": "ada", "flow_level": "true"}


def test_get_resume_url_is_the_link_that_resumes(wmill, server, monkeypatch):
    answer_resume_urls(wmill, server, monkeypatch)
    assert wmill.get_resume_url() == "http://r"
    assert server.last.query == {}


def test_an_approval_key_is_quoted_whole(wmill, server):
    server.on("GET", "jobs/wac_approval_urls/job-1/two%2Fparts", URLS)
    assert wmill.get_approval_urls("two/parts") == URLS


def test_flow_user_state_belongs_to_the_root_job(wmill, server):
    server.on("GET", "jobs_u/get_root_job_id/job-1", "root-1")
    server.on("POST", "jobs/flow/user_states/root-1/k")
    server.on("GET", "jobs/flow/user_states/root-1/k", [1])
    wmill.set_flow_user_state("k", [1])
    assert server.last.json == [1]
    assert wmill.get_flow_user_state("k") == [1]
    assert wmill.get_flow_user_state("absent") is None


def test_a_slack_approval_needs_a_flow(wmill, server, monkeypatch):
    with pytest.raises(wmill.WindmillError, match="step of a flow"):
        wmill.request_interactive_slack_approval("u/ada/slack", "C1")
    monkeypatch.setenv("WM_FLOW_JOB_ID", "flow-1")
    monkeypatch.setenv("WM_FLOW_STEP_ID", "a")
    server.on("GET", "jobs/slack_approval/job-1", text="sent")
    wmill.request_interactive_slack_approval("u/ada/slack", "C1", "please", default_args_json={"n": 1})
    assert server.last.query == {
        "slack_resource_path": "u/ada/slack",
        "channel_id": "C1",
        "message": "please",
        "flow_step_id": "a",
        "default_args_json": '{"n": 1}',
    }


def test_a_teams_message_is_posted(wmill, server):
    server.on("POST", "/teams/activities", text="ok")
    wmill.send_teams_message("c1", "done", True)
    assert server.last.json == {"conversation_id": "c1", "text": "done", "success": True, "card_block": None}


def test_an_id_token_is_text(wmill, server):
    server.on("POST", "oidc/token/vault", text="a.b.c")
    assert wmill.get_id_token("vault", 60) == "a.b.c"
    assert server.last.query == {"expires_in": "60"}


def test_kafka_offsets_are_committed(wmill, server):
    server.on("POST", "kafka_triggers/commit_offsets/f/demo/k")
    wmill.commit_kafka_offsets("f/demo/k", "events", 0, 12)
    assert server.last.json == {"topic": "events", "partition": 0, "offset": 12}


def test_update_schedule_keeps_the_fields_that_are_not_given(wmill, server):
    current = {
        "schedule": "0 0 * * * *",
        "timezone": "UTC",
        "args": {"n": 1},
        "summary": "s",
        "edited_by": "ada",
    }
    server.on("GET", "schedules/get/f/demo/s", current)
    server.on("POST", "schedules/update/f/demo/s")
    server.on("POST", "schedules/setenabled/f/demo/s")
    wmill.Client().update_schedule(
        workspace="demo", path="f/demo/s", schedule={"schedule": "0 5 * * * *", "enabled": False}
    )
    assert server.seen[1].json == {
        "schedule": "0 5 * * * *",
        "timezone": "UTC",
        "args": {"n": 1},
        "summary": "s",
    }
    assert server.last.json == {"enabled": False}
