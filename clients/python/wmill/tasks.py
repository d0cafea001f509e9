"""Functions of a script that run as jobs of their own when the script calls them."""

import functools
import inspect
import json
from collections.abc import Callable
from typing import Any

from . import settings
from .functions import default_client


def task(
    _func: Callable | None = None,
    *,
    path: str | None = None,
    tag: str | None = None,
    timeout: int | None = None,
    cache_ttl: int | None = None,
    priority: int | None = None,
    concurrency_limit: int | None = None,
    concurrency_key: str | None = None,
    concurrency_time_window_s: int | None = None,
    retry: dict | None = None,
) -> Any:
    """Mark a function that runs as a job of its own (on workers with `tag`) when a job calls it.

    Its result crosses JSON either way. The options other than `tag` belong to workflows and are refused.
    """
    options = (
        path,
        timeout,
        cache_ttl,
        priority,
        concurrency_limit,
        concurrency_key,
        concurrency_time_window_s,
        retry,
    )
    if any(option is not None for option in options):
        raise NotImplementedError("task() takes only `tag`: the other options need workflows as code")
    return _marked(_func, tag) if _func else functools.partial(_marked, tag=tag)


def _marked(function: Callable, tag: str | None) -> Callable:
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        named = inspect.signature(function).bind(*args, **kwargs).arguments
        if settings.job_id() is None or settings.main_override() == function.__name__:
            return json.loads(json.dumps(function(*args, **kwargs), default=str))
        return _run_as_job(function.__name__, named, tag)

    return call


def _run_as_job(name: str, args: dict, tag: str | None) -> Any:
    client = default_client()
    endpoint = f"/w/{client.workspace}/jobs/run/workflow_as_code/{settings.job_id()}/{name}"
    job_id = client.post(endpoint, json={"args": args}, params={"tag": tag}).text
    print(f"task {name} runs as job {job_id}", flush=True)
    return client.wait_job(job_id)
