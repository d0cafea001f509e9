"""The client that a job's script imports as `wmill`.

Scripts call the names in `__all__`. Each loads the file that holds it on first use, because a job that only
reads its arguments must not pay for the HTTP library; `__init__.pyi` shows the same names to type checkers.
"""

from importlib import import_module

__version__ = "0.1.0"

_HOMES = {
    "client": "Client Windmill",
    "errors": "ApiError JobFailed NotFound Unreachable WindmillError",
    "functions": """
        boto3_connection_settings cancel_job cancel_running commit_kafka_offsets create_resource
        create_token datatable default_client delete_resource delete_s3_object duckdb_connection_settings
        ducklake get_approval_urls get_flow_user_state get_id_token get_job get_job_status
        get_presigned_s3_public_url get_presigned_s3_public_urls get_progress get_resource get_result
        get_resume_url get_resume_urls get_root_job_id get_state get_state_path get_variable get_version
        get_workspace list_resources load_s3_file load_s3_file_reader polars_connection_settings
        request_interactive_slack_approval run_flow run_flow_async run_inline_script_preview run_script
        run_script_async run_script_by_hash run_script_by_hash_async run_script_by_path
        run_script_by_path_async run_script_by_path_sync run_script_preview run_script_preview_async
        run_script_sync send_teams_message set_flow_user_state set_progress set_resource set_state
        set_variable sign_s3_object sign_s3_objects update_resource username_to_email wait_job whoami
        worker_is_draining write_s3_file""",
    "jobs": "JobStatus",
    "s3_reader": "S3BufferedReader",
    "s3_types": """
        Boto3ConnectionSettings DuckDbConnectionSettings PolarsConnectionSettings S3FsArgs S3FsClientKwargs
        S3Object StorageOptions""",
    "shared_state": "get_shared_state get_shared_state_pickle set_shared_state set_shared_state_pickle",
    "sql": "DataTableClient DucklakeClient SqlQuery infer_sql_type parse_sql_client_name",
    "streams": "append_to_result_stream stream_result",
    "syntax": "parse_resource_syntax parse_s3_object parse_variable_syntax",
    "tasks": "task",
    "texts": "JsonList JsonObject",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = sorted(_HOME_OF)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name):
    if name in _HOMES:
        return import_module(f".{name}", __name__)
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOME_OF[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__, *_HOMES})
