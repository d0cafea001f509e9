"""The variables that every job finds in its environment, described for people who write scripts."""

from dataclasses import dataclass

from windlass.auth.permissions import Principal


@dataclass(frozen=True, kw_only=True)
class ContextualVariable:
    """A variable of a job's environment, with an example of its value."""

    name: str
    value: str
    description: str
    is_custom: bool = False


def list_contextual(principal: Principal, base_url: str) -> list[ContextualVariable]:
    """The contextual variables with example values for this principal."""
    own = {
        "WM_WORKSPACE": (principal.workspace or "", "Workspace of the job"),
        "WM_EMAIL": (principal.email, "E-mail of the user whose rights the job has"),
        "WM_USERNAME": (principal.username, "Name of that user in the workspace"),
        "WM_PERMISSIONED_AS": (f"u/{principal.username}", "User or group whose rights the job has"),
        "WM_STATE_PATH": (f"u/{principal.username}/my_script", "Path of the resource with the state"),
        "WM_BASE_URL": (base_url, "Public URL of this instance"),
    }
    return [
        ContextualVariable(name=name, value=value, description=description)
        for name, (value, description) in (own | _OF_THE_RUN).items()
    ]


_EXAMPLE_ID = "017e0ad5-f499-73b6-5488-92a61c5196dd"
_OF_THE_RUN = {
    "WM_TOKEN": ("a token", "Token with the rights of the job, valid until the job ends"),
    "WM_END_USER_EMAIL": ("", "E-mail of the person who uses the app or webhook that started the job"),
    "WM_JOB_ID": (_EXAMPLE_ID, "Id of the job"),
    "WM_JOB_PATH": ("u/user/script_path", "Path of the script or flow that the job runs"),
    "WM_FLOW_JOB_ID": (_EXAMPLE_ID, "Id of the flow that the job is a step of"),
    "WM_ROOT_FLOW_JOB_ID": (_EXAMPLE_ID, "Id of the outermost flow that the job is a step of"),
    "WM_FLOW_PATH": ("u/user/flow_path", "Path of the flow that the job is a step of"),
    "WM_FLOW_STEP_ID": ("c", "Id of the step in the flow"),
    "WM_SCHEDULE_PATH": ("u/user/schedule_path", "Path of the schedule that started the job"),
    "WM_STATE_PATH_NEW": ("u/user/script_path/u_user_trigger", "Path of the state of one script and trigger"),
    "WM_OBJECT_PATH": (f"workspace/u/user/script_path/{_EXAMPLE_ID}", "Path of the job's own in an object storage"),
    "WM_RUNNABLE_ID": ("5a1c0d3e9f7b2846", "Hash of the version that the job runs"),
    "WM_SCHEDULED_FOR": ("2030-01-01T00:00:00+00:00", "When the job was due"),
    "WM_WORKER_GROUP": ("default", "Group of the worker that runs the job"),
}
