"""What a step does with its flow, its people and its triggers: approvals, user state, messages, schedules."""

import json
import random
from typing import Any
from urllib.parse import quote

from . import settings
from .connection import Connection
from .errors import WindmillError

# The TypeScript client draws from the same range; the server stores it in 32 bits.
LARGEST_NONCE = 2**32 - 1


class Flows(Connection):
    """The calls on flows and on what stands around them."""

    def get_resume_urls(self, approver: str | None = None, flow_level: bool | None = None) -> dict:
        """Signed links {approvalPage, resume, cancel} for this step.

        With `flow_level` they belong to the whole flow: used early, they count for the next step that waits.
        """
        endpoint = f"jobs/resume_urls/{settings.job_id() or 'NO_ID'}/{random.randint(0, LARGEST_NONCE)}"
        return self.get(self._at(endpoint), params={"approver": approver, "flow_level": flow_level}).json()

    def get_resume_url(self, approver: str | None = None) -> str:
        """The signed link that resumes the flow."""
        return self.get_resume_urls(approver)["resume"]

    def get_approval_urls(self, step_key: str = "approval", approver: str | None = None) -> dict:
        """Signed links {approvalPage, resume, cancel} for a named approval of a workflow as code."""
        endpoint = f"jobs/wac_approval_urls/{settings.job_id() or 'NO_ID'}/{quote(step_key, safe='')}"
        return self.get(self._at(endpoint), params={"approver": approver}).json()

    def set_flow_user_state(self, key: str, value: Any) -> None:
        """Keep a JSON value in the outermost flow; NotFound outside a flow."""
        self.post(self._user_state(key), json=value)

    def get_flow_user_state(self, key: str) -> Any:
        """The value kept in the outermost flow, or None when there is none or no flow."""
        response = self.get(self._user_state(key), raise_for_status=False)
        return None if response.status_code == 404 else response.raise_for_status().json()

    def _user_state(self, key: str) -> str:
        root = self.get(self._at(f"jobs_u/get_root_job_id/{settings.job_id()}")).json()
        return self._at(f"jobs/flow/user_states/{root}/{key}")

    def request_interactive_slack_approval(
        self,
        slack_resource_path: str,
        channel_id: str,
        message: str | None = None,
        approver: str | None = None,
        default_args_json: dict | None = None,
        dynamic_enums_json: dict | None = None,
    ) -> None:
        """Ask for this step's approval in a Slack channel; only inside a flow."""
        if settings.flow_job_id() is None:
            raise WindmillError("An approval can be requested only from a step of a flow")
        params = {
            "slack_resource_path": slack_resource_path,
            "channel_id": channel_id,
            "message": message or None,
            "approver": approver or None,
            "flow_step_id": settings.flow_step_id(),
            "default_args_json": json.dumps(default_args_json) if default_args_json else None,
            "dynamic_enums_json": json.dumps(dynamic_enums_json) if dynamic_enums_json else None,
        }
        self.get(self._at(f"jobs/slack_approval/{settings.job_id()}"), params=params)

    def send_teams_message(
        self, conversation_id: str, text: str, success: bool = True, card_block: dict | None = None
    ) -> Any:
        """Post to a Microsoft Teams conversation; `success` chooses the colour."""
        body = {
            "conversation_id": conversation_id,
            "text": text,
            "success": success,
            "card_block": card_block,
        }
        return self.post("/teams/activities", json=body)

    def get_id_token(self, audience: str, expires_in: int | None = None) -> str:
        """An OpenID Connect token of this job for an outside service, valid for `expires_in` seconds."""
        return self.post(self._at(f"oidc/token/{audience}"), params={"expires_in": expires_in}).text

    def commit_kafka_offsets(self, trigger_path: str, topic: str, partition: int, offset: int) -> None:
        """Tell a Kafka trigger without auto commit that a message is done with."""
        body = {"topic": topic, "partition": partition, "offset": offset}
        self.post(self._at(f"kafka_triggers/commit_offsets/{trigger_path}"), json=body)

    def update_schedule(self, workspace: str, path: str, schedule: dict) -> None:
        """Change the given fields of a schedule, and turn it on or off when `enabled` is among them.

        The other fields keep their values.
        """
        changes = {key: value for key, value in schedule.items() if key != "enabled"}
        if changes:
            current = self.get(f"/w/{workspace}/schedules/get/{path}").json()
            kept = {key: value for key, value in current.items() if key in SCHEDULE_FIELDS and value is not None}
            body = {"args": None, **kept, **changes}
            self.post(f"/w/{workspace}/schedules/update/{path}", json=body)
        if "enabled" in schedule:
            self.post(f"/w/{workspace}/schedules/setenabled/{path}", json={"enabled": schedule["enabled"]})


SCHEDULE_FIELDS = frozenset(
    """schedule timezone args on_failure on_failure_times on_failure_exact on_failure_extra_args on_recovery
    on_recovery_times on_recovery_extra_args on_success on_success_extra_args ws_error_handler_muted retry
    no_flow_overlap summary description tag paused_until cron_version dynamic_skip labels""".split()
)
