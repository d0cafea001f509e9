"""The calls as plain functions, on one client built from the job's environment at the first call.

Each promises what the method of `Windmill` that it calls promises. Where a signature differs from the
method's, it is the one that Windmill's own package gives the function.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module

# Type checkers take this name for true. A script that imports a function pays for HTTP when it calls one.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta
    from typing import Any, BinaryIO

    from .client import Windmill
    from .jobs import JobStatus, Timeout
    from .s3_reader import S3BufferedReader
    from .s3_types import (
        Boto3ConnectionSettings,
        DuckDbConnectionSettings,
        PolarsConnectionSettings,
        S3Object,
    )
    from .sql import DataTableClient, DucklakeClient
    from .storage import S3Reference


@cache
def default_client() -> Windmill:
    """The client behind the functions; `default_client.cache_clear()` makes the next call build a new one."""
    return import_module(".client", __package__).Windmill()


def get_workspace() -> str:
    """The workspace this job runs in."""
    return default_client().workspace


def get_version() -> str:
    """The server's version text."""
    return default_client().version


def whoami() -> dict:
    """The user this job runs as."""
    return default_client().whoami()


def username_to_email(username: str) -> str:
    """The e-mail address of a user of this workspace."""
    return default_client().username_to_email(username)


def create_token(duration: timedelta | None = None) -> str:
    """A new token for the same user, valid for `duration` (a day by default)."""
    return default_client().create_token() if duration is None else default_client().create_token(duration)


def run_script_async(
    hash_or_path: str, args: dict | None = None, scheduled_in_secs: int | None = None, tag: str | None = None
) -> str:
    """Start a script and return the job's id; what has a slash is a path, the rest a hash."""
    path, hash_ = (hash_or_path, None) if "/" in hash_or_path else (None, hash_or_path)
    return default_client().run_script_async(path, hash_, args, scheduled_in_secs, tag)


def run_script_by_path_async(
    path: str,
    args: dict | None = None,
    scheduled_in_secs: int | None = None,
    tag: str | None = None,
    retry: dict | None = None,
) -> str:
    """Start the script at a path, and return the job's id."""
    return default_client().run_script_by_path_async(path, args, scheduled_in_secs, tag, retry)


def run_script_by_hash_async(
    hash_: str,
    args: dict | None = None,
    scheduled_in_secs: int | None = None,
    tag: str | None = None,
    retry: dict | None = None,
) -> str:
    """Start one exact version of a script, and return the job's id."""
    return default_client().run_script_by_hash_async(hash_, args, scheduled_in_secs, tag, retry)


def run_flow_async(
    path: str,
    args: dict | None = None,
    scheduled_in_secs: int | None = None,
    do_not_track_in_parent: bool = True,
    tag: str | None = None,
) -> str:
    """Start the flow at a path, and return the job's id."""
    return default_client().run_flow_async(path, args, scheduled_in_secs, do_not_track_in_parent, tag)


def run_script_preview_async(
    content: str, language: str = "python3", args: dict | None = None, tag: str | None = None
) -> str:
    """Start a job from source text, and return its id."""
    return default_client().run_script_preview_async(content, language, args, tag)


def run_script(
    path: str | None = None,
    hash_: str | None = None,
    args: dict | None = None,
    timeout: Timeout = None,
    verbose: bool = False,
    cleanup: bool = True,
    assert_result_is_not_none: bool = True,
    tag: str | None = None,
) -> Any:
    """Run a script by path or hash to its end and return its result."""
    return default_client().run_script(path, hash_, args, timeout, verbose, cleanup, assert_result_is_not_none, tag)


def run_script_by_path(
    path: str,
    args: dict | None = None,
    timeout: Timeout = None,
    verbose: bool = False,
    cleanup: bool = True,
    assert_result_is_not_none: bool = True,
    tag: str | None = None,
) -> Any:
    """Run the script at a path to its end and return its result."""
    return run_script(path, None, args, timeout, verbose, cleanup, assert_result_is_not_none, tag)


def run_script_by_hash(
    hash_: str,
    args: dict | None = None,
    timeout: Timeout = None,
    verbose: bool = False,
    cleanup: bool = True,
    assert_result_is_not_none: bool = True,
    tag: str | None = None,
) -> Any:
    """Run one exact version of a script to its end and return its result."""
    return run_script(None, hash_, args, timeout, verbose, cleanup, assert_result_is_not_none, tag)


def run_script_sync(
    hash: str,
    args: dict | None = None,
    verbose: bool = False,
    assert_result_is_not_none: bool = True,
    cleanup: bool = True,
    timeout: Timeout = None,
    tag: str | None = None,
) -> Any:
    """The older name of `run_script_by_hash`."""
    return run_script_by_hash(hash, args, timeout, verbose, cleanup, assert_result_is_not_none, tag)


def run_script_by_path_sync(
    path: str,
    args: dict | None = None,
    verbose: bool = False,
    assert_result_is_not_none: bool = True,
    cleanup: bool = True,
    timeout: Timeout = None,
    tag: str | None = None,
) -> Any:
    """The older name of `run_script_by_path`."""
    return run_script_by_path(path, args, timeout, verbose, cleanup, assert_result_is_not_none, tag)


def run_flow(path: str, args: dict | None = None, timeout: Timeout = None, tag: str | None = None) -> Any:
    """Run the flow at a path to its end and return its result."""
    return default_client().run_flow(path, args, timeout, tag)


def run_script_preview(
    content: str,
    language: str = "python3",
    args: dict | None = None,
    timeout: Timeout = None,
    tag: str | None = None,
) -> Any:
    """Run source text as a job to its end and return its result."""
    return default_client().run_script_preview(content, language, args, timeout, tag)


def run_inline_script_preview(content: str, language: str, args: dict | None = None) -> Any:
    """Run source text and return its result, without a job of its own where the worker's server allows it."""
    return default_client().run_inline_script_preview(content, language, args)


def wait_job(
    job_id: str,
    timeout: Timeout = None,
    verbose: bool = False,
    cleanup: bool = True,
    assert_result_is_not_none: bool = False,
) -> Any:
    """Wait for a job's end and return its result; JobFailed when it failed, TimeoutError when late."""
    return default_client().wait_job(job_id, timeout, verbose, cleanup, assert_result_is_not_none)


def cancel_job(job_id: str, reason: str | None = None) -> str:
    """Cancel a queued or running job."""
    return default_client().cancel_job(job_id, reason)


def cancel_running() -> dict[str, str]:
    """Cancel the other running jobs of this script."""
    return default_client().cancel_running()


def get_job(job_id: str) -> dict:
    """Everything the server knows of a job."""
    return default_client().get_job(job_id)


def get_job_status(job_id: str) -> JobStatus:
    """Whether a job is waiting, running or completed."""
    return default_client().get_job_status(job_id)


def get_root_job_id(job_id: str | None = None) -> str:
    """The outermost flow a job (this one by default) belongs to."""
    return default_client().get_root_job_id(job_id)


def get_result(job_id: str, assert_result_is_not_none: bool = True) -> Any:
    """The result of a completed job."""
    return default_client().get_result(job_id, assert_result_is_not_none)


def set_progress(value: int, job_id: str | None = None) -> None:
    """Show how far a job (this one by default) has come, in percent from 0 to 99."""
    default_client().set_progress(value, job_id)


def get_progress(job_id: str | None = None) -> int | None:
    """How far a job (this one by default) has come, in percent."""
    return default_client().get_progress(job_id)


def worker_is_draining(job_id: str | None = None) -> bool:
    """Whether the worker is about to stop, so that the job should wrap up."""
    return default_client().worker_is_draining(job_id)


def get_variable(path: str) -> str:
    """A variable's text. When it holds a JSON object or list it also answers as one."""
    return default_client().get_variable(path)


def set_variable(path: str, value: str, is_secret: bool = False) -> None:
    """Write a variable, creating it if need be."""
    default_client().set_variable(path, value, is_secret)


def get_resource(path: str, none_if_undefined: bool = False, interpolated: bool = True) -> Any:
    """A resource's value; NotFound when there is none, or None with `none_if_undefined`."""
    return default_client().get_resource(path, none_if_undefined, interpolated)


def set_resource(path: str, value: Any, resource_type: str = "any") -> None:
    """Write a resource's value, creating the resource if need be."""
    default_client().set_resource(value, path, resource_type)


def list_resources(
    resource_type: str | None = None, page: int | None = None, per_page: int | None = None
) -> list[dict]:
    """The resources this job may see, each with path, resource_type and description."""
    return default_client().list_resources(resource_type, page, per_page)


def create_resource(path: str, resource_type: str, value: Any, description: str = "") -> None:
    """Add a resource; ApiError when the path is taken."""
    default_client().create_resource(path, resource_type, value, description)


def update_resource(path: str, value: Any, description: str | None = None) -> None:
    """Replace a resource's value; NotFound when there is none."""
    default_client().update_resource(path, value, description)


def delete_resource(path: str) -> None:
    """Remove a resource; NotFound when there is none."""
    default_client().delete_resource(path)


def get_state_path() -> str:
    """Path of the resource that keeps this script's state."""
    return default_client().state_path


def get_state(path: str | None = None) -> Any:
    """What an earlier run of this script kept, or None."""
    return default_client().get_state(path)


def set_state(value: Any, path: str | None = None) -> None:
    """Keep a JSON value for later runs of this script, at once: it stays even if this run fails."""
    default_client().set_state(value, path)


def set_flow_user_state(key: str, value: Any) -> None:
    """Keep a JSON value in the outermost flow."""
    default_client().set_flow_user_state(key, value)


def get_flow_user_state(key: str) -> Any:
    """The value kept in the outermost flow, or None."""
    return default_client().get_flow_user_state(key)


def get_resume_urls(approver: str | None = None, flow_level: bool | None = None) -> dict:
    """Signed links {approvalPage, resume, cancel} for this step, or for the whole flow with `flow_level`."""
    return default_client().get_resume_urls(approver, flow_level)


def get_resume_url(approver: str | None = None) -> str:
    """The signed link that resumes the flow."""
    return default_client().get_resume_url(approver)


def get_approval_urls(step_key: str = "approval", approver: str | None = None) -> dict:
    """Signed links for a named approval of a workflow as code."""
    return default_client().get_approval_urls(step_key, approver)


def request_interactive_slack_approval(
    slack_resource_path: str,
    channel_id: str,
    message: str | None = None,
    approver: str | None = None,
    default_args_json: dict | None = None,
    dynamic_enums_json: dict | None = None,
) -> None:
    """Ask for this step's approval in a Slack channel; only inside a flow."""
    default_client().request_interactive_slack_approval(
        slack_resource_path, channel_id, message, approver, default_args_json, dynamic_enums_json
    )


def send_teams_message(conversation_id: str, text: str, success: bool = True, card_block: dict | None = None) -> Any:
    """Post to a Microsoft Teams conversation; `success` chooses the colour."""
    return default_client().send_teams_message(conversation_id, text, success, card_block)


def get_id_token(audience: str, expires_in: int | None = None) -> str:
    """An OpenID Connect token of this job for an outside service, valid for `expires_in` seconds."""
    return default_client().get_id_token(audience, expires_in)


def commit_kafka_offsets(trigger_path: str, topic: str, partition: int, offset: int) -> None:
    """Tell a Kafka trigger without auto commit that a message is done with."""
    default_client().commit_kafka_offsets(trigger_path, topic, partition, offset)


def load_s3_file(s3object: S3Reference, s3_resource_path: str | None = None) -> bytes:
    """A stored file's whole content."""
    return default_client().load_s3_file(s3object, s3_resource_path)


def load_s3_file_reader(s3object: S3Reference, s3_resource_path: str | None = None) -> S3BufferedReader:
    """A stored file as an open binary stream."""
    return default_client().load_s3_file_reader(s3object, s3_resource_path)


def write_s3_file(
    s3object: S3Reference | None,
    file_content: BinaryIO | bytes,
    s3_resource_path: str | None = None,
    content_type: str | None = None,
    content_disposition: str | None = None,
) -> S3Object:
    """Store bytes or an open binary file and return where it is."""
    return default_client().write_s3_file(s3object, file_content, s3_resource_path, content_type, content_disposition)


def delete_s3_object(s3object: S3Reference, s3_resource_path: str | None = None) -> None:
    """Remove a stored file for good."""
    default_client().delete_s3_object(s3object, s3_resource_path)


def sign_s3_objects(s3_objects: Sequence[S3Reference], expiry_secs: int | None = None) -> list[S3Object]:
    """The same objects with a signature that lets anyone read them for `expiry_secs` seconds."""
    return default_client().sign_s3_objects(s3_objects, expiry_secs)


def sign_s3_object(s3_object: S3Reference, expiry_secs: int | None = None) -> S3Object:
    """The same object with a signature."""
    return default_client().sign_s3_object(s3_object, expiry_secs)


def get_presigned_s3_public_urls(
    s3_objects: Sequence[S3Reference], base_url: str | None = None, expiry_secs: int | None = None
) -> list[str]:
    """Links that let anyone read the files for `expiry_secs` seconds."""
    return default_client().get_presigned_s3_public_urls(s3_objects, base_url, expiry_secs)


def get_presigned_s3_public_url(
    s3_object: S3Reference, base_url: str | None = None, expiry_secs: int | None = None
) -> str:
    """A link that lets anyone read the file for `expiry_secs` seconds."""
    return default_client().get_presigned_s3_public_url(s3_object, base_url, expiry_secs)


def duckdb_connection_settings(s3_resource_path: str = "") -> DuckDbConnectionSettings:
    """Statements that connect DuckDB to the workspace storage or to an S3 resource."""
    return default_client().get_duckdb_connection_settings(s3_resource_path)


def polars_connection_settings(s3_resource_path: str = "") -> PolarsConnectionSettings:
    """What Polars needs to reach the workspace storage or an S3 resource."""
    return default_client().get_polars_connection_settings(s3_resource_path)


def boto3_connection_settings(s3_resource_path: str = "") -> Boto3ConnectionSettings:
    """Keyword arguments with which boto3 reaches the workspace storage or an S3 resource."""
    return default_client().get_boto3_connection_settings(s3_resource_path)


def datatable(name: str = "main", *, role: str | None = None) -> DataTableClient:
    """A data table to query, `name` or `name:schema`."""
    return default_client().datatable(name, role=role)


def ducklake(name: str = "main") -> DucklakeClient:
    """A ducklake to query."""
    return default_client().ducklake(name)
