"""The only reader of the environment: what the worker tells a job about itself.

Every other file asks here. An empty variable counts as absent: that is how a worker says "not applicable".
"""

import os


def read(*names: str) -> str | None:
    """The first of these variables that is set and not empty, else None."""
    return next((value for name in names if (value := os.environ.get(name))), None)


def base_url() -> str | None:
    """Address of the server without `/api`."""
    return read("BASE_INTERNAL_URL", "WM_BASE_URL", "BASE_URL")


def public_base_url() -> str:
    """Address under which people outside the workers reach the server."""
    return read("WM_BASE_URL") or "http://localhost:3000"


def token() -> str | None:
    return read("WM_TOKEN")


def workspace() -> str | None:
    return read("WM_WORKSPACE")


def job_id() -> str | None:
    return read("WM_JOB_ID")


def job_path() -> str | None:
    return read("WM_JOB_PATH")


def root_flow_job_id() -> str | None:
    return read("WM_ROOT_FLOW_JOB_ID")


def flow_job_id() -> str | None:
    return read("WM_FLOW_JOB_ID")


def flow_step_id() -> str | None:
    return read("WM_FLOW_STEP_ID")


def state_path() -> str | None:
    """Path of the resource that keeps a script's state between runs."""
    return read("WM_STATE_PATH_NEW", "WM_STATE_PATH")


def mocked_api_file() -> str | None:
    return read("WM_MOCKED_API_FILE")


def main_override() -> str | None:
    """Name of the one function this job was started to run, if it is a task of another job."""
    return read("MAIN_OVERRIDE")
