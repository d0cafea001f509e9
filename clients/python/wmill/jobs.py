"""Jobs: start, watch, wait for and cancel them."""

import atexit
import json
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Literal

from . import settings
from .connection import Connection
from .errors import JobFailed, WindmillError

JobStatus = Literal["RUNNING", "WAITING", "COMPLETED"]
Timeout = timedelta | int | float | None

FIRST_POLL_SECONDS = 0.02
LONGEST_POLL_SECONDS = 0.5
LOCAL_HOSTS = ("localhost", "127.0.0.1")


class Jobs(Connection):
    """The calls on jobs."""

    def create_token(self, duration: timedelta = timedelta(days=1)) -> str:
        """A new token for the same user, valid for `duration`."""
        now = datetime.now(UTC)
        body = {"label": f"refresh {now.timestamp()}", "expiration": f"{now + duration:%Y-%m-%dT%H:%M:%SZ}"}
        return self.post("/users/tokens/create", json=body).text

    def run_script_async(
        self,
        path: str | None = None,
        hash_: str | None = None,
        args: dict | None = None,
        scheduled_in_secs: int | None = None,
        tag: str | None = None,
    ) -> str:
        """Start the script at a path or of a hash, and return the job's id."""
        return self._run_script_async_internal(path, hash_, args, scheduled_in_secs, tag)

    def run_script_by_path_async(
        self,
        path: str,
        args: dict | None = None,
        scheduled_in_secs: int | None = None,
        tag: str | None = None,
        retry: dict | None = None,
    ) -> str:
        """Start the script at a path, and return the job's id."""
        return self._run_script_async_internal(path, None, args, scheduled_in_secs, tag, retry)

    def run_script_by_hash_async(
        self,
        hash_: str,
        args: dict | None = None,
        scheduled_in_secs: int | None = None,
        tag: str | None = None,
        retry: dict | None = None,
    ) -> str:
        """Start one exact version of a script, and return the job's id."""
        return self._run_script_async_internal(None, hash_, args, scheduled_in_secs, tag, retry)

    def _run_script_async_internal(
        self,
        path: str | None = None,
        hash_: str | None = None,
        args: dict | None = None,
        scheduled_in_secs: int | None = None,
        tag: str | None = None,
        retry: dict | None = None,
    ) -> str:
        if not path and not hash_:
            raise WindmillError("path or hash_ must be provided")
        target = f"p/{path}" if path else f"h/{hash_}"
        retry_text = json.dumps(retry) if retry else None
        return self._start(target, args, scheduled_in_secs=scheduled_in_secs, tag=tag, retry=retry_text, **_parents())

    def run_flow_async(
        self,
        path: str,
        args: dict | None = None,
        scheduled_in_secs: int | None = None,
        do_not_track_in_parent: bool = True,
        tag: str | None = None,
    ) -> str:
        """Start the flow at a path, and return the job's id.

        Track it in the parent only when the parent waits for it and starts nothing beside it: both would
        write their state to the same root.
        """
        parents = {} if do_not_track_in_parent else _parents()
        return self._start(f"f/{path}", args, scheduled_in_secs=scheduled_in_secs, tag=tag, **parents)

    def run_script_preview_async(
        self, content: str, language: str = "python3", args: dict | None = None, tag: str | None = None
    ) -> str:
        """Start a job from source text, and return its id."""
        body = {"content": content, "language": language, "args": args or {}}
        if tag:
            body["tag"] = tag
        return self.post(self._at("jobs/run/preview"), json=body).text

    def run_script(
        self,
        path: str | None = None,
        hash_: str | None = None,
        args: dict | None = None,
        timeout: Timeout = None,
        verbose: bool = False,
        cleanup: bool = True,
        assert_result_is_not_none: bool = False,
        tag: str | None = None,
    ) -> Any:
        """Run a script by path or hash to its end and return its result; see `wait_job`."""
        job_id = self.run_script_async(path, hash_, args, tag=tag)
        return self.wait_job(job_id, timeout, verbose, cleanup, assert_result_is_not_none)

    def run_script_by_path(
        self,
        path: str,
        args: dict | None = None,
        timeout: Timeout = None,
        verbose: bool = False,
        cleanup: bool = True,
        assert_result_is_not_none: bool = False,
        tag: str | None = None,
    ) -> Any:
        """Run the script at a path to its end and return its result; see `wait_job`."""
        return self.run_script(path, None, args, timeout, verbose, cleanup, assert_result_is_not_none, tag)

    def run_script_by_hash(
        self,
        hash_: str,
        args: dict | None = None,
        timeout: Timeout = None,
        verbose: bool = False,
        cleanup: bool = True,
        assert_result_is_not_none: bool = False,
        tag: str | None = None,
    ) -> Any:
        """Run one exact version of a script to its end and return its result; see `wait_job`."""
        return self.run_script(None, hash_, args, timeout, verbose, cleanup, assert_result_is_not_none, tag)

    def run_flow(self, path: str, args: dict | None = None, timeout: Timeout = None, tag: str | None = None) -> Any:
        """Run the flow at a path to its end and return its result; see `wait_job`."""
        return self.wait_job(self.run_flow_async(path, args, tag=tag), timeout)

    def run_script_preview(
        self,
        content: str,
        language: str = "python3",
        args: dict | None = None,
        timeout: Timeout = None,
        tag: str | None = None,
    ) -> Any:
        """Run source text as a job to its end and return its result; see `wait_job`."""
        return self.wait_job(self.run_script_preview_async(content, language, args, tag), timeout)

    def run_inline_script_preview(self, content: str, language: str, args: dict | None = None) -> Any:
        """Run source text and return its result, as a job of its own only if the server is remote."""
        kind = "run_inline" if self.worker_has_internal_server() else "run_wait_result"
        body = {"content": content, "language": language, "args": args or {}}
        return self.post(self._at(f"jobs/{kind}/preview"), json=body).json()

    def worker_has_internal_server(self) -> bool:
        """Whether the server runs beside this worker."""
        return self._transport.host in LOCAL_HOSTS

    def wait_job(
        self,
        job_id: str,
        timeout: Timeout = None,
        verbose: bool = False,
        cleanup: bool = True,
        assert_result_is_not_none: bool = False,
    ) -> Any:
        """Wait for a job's end and return its result.

        After `timeout` seconds the job is cancelled and TimeoutError raised. With `cleanup` it is cancelled
        as well when this script ends first. JobFailed when the job failed.
        """
        cancel = partial(self.cancel_job, job_id, "parent script cancelled")
        if cleanup:
            atexit.register(cancel)
        try:
            outcome = self._poll(job_id, timeout, verbose)
        except TimeoutError:
            atexit.unregister(cancel)
            raise
        atexit.unregister(cancel)
        return _result(job_id, outcome, assert_result_is_not_none)

    def cancel_job(self, job_id: str, reason: str | None = None) -> str:
        """Cancel a queued or running job and return the server's answer."""
        body = {"reason": reason or "cancelled via cancel_job method"}
        return self.post(self._at(f"jobs_u/queue/cancel/{job_id}"), json=body).text

    def cancel_running(self) -> dict[str, str]:
        """Cancel the other running jobs of this script and return the server's answer for each job id."""
        params = {"running": True, "script_path_exact": self.path}
        running = [job["id"] for job in self.get(self._at("jobs/list"), params=params).json()]
        reason = "killed by `cancel_running` method"
        return {job: self.cancel_job(job, reason) for job in running if job != settings.job_id()}

    def get_job(self, job_id: str) -> dict:
        """Everything the server knows of a job."""
        return self.get(self._at(f"jobs_u/get/{job_id}")).json()

    def get_job_status(self, job_id: str) -> JobStatus:
        """Whether a job is waiting, running or completed."""
        job = self.get_job(job_id)
        if job["type"].lower() == "completedjob":
            return "COMPLETED"
        return "RUNNING" if job.get("running") else "WAITING"

    def get_root_job_id(self, job_id: str | None = None) -> str:
        """The outermost flow a job (this one by default) belongs to."""
        return self.get(self._at(f"jobs_u/get_root_job_id/{job_id or settings.job_id()}")).json()

    def get_result(self, job_id: str, assert_result_is_not_none: bool = True) -> Any:
        """The result of a completed job; ApiError while it is not completed."""
        response = self.get(self._at(f"jobs_u/completed/get_result/{job_id}"))
        if assert_result_is_not_none and not response.content:
            raise WindmillError(f"Job {job_id} has no result")
        try:
            return response.json()
        except ValueError:
            return response.text

    def set_progress(self, value: int, job_id: str | None = None) -> None:
        """Show how far a job (this one by default) has come, in percent from 0 to 99."""
        job_id = job_id or settings.job_id()
        flow_id = self.get_job(job_id).get("parent_job") if job_id else settings.flow_job_id()
        body = {"percent": value, "flow_job_id": flow_id}
        self.post(self._at(f"job_metrics/set_progress/{job_id}"), json=body)

    def get_progress(self, job_id: str | None = None) -> int | None:
        """How far a job (this one by default) has come, in percent, or None when it never said."""
        return self.get(self._at(f"job_metrics/get_progress/{job_id or settings.job_id()}")).json()

    def worker_is_draining(self, job_id: str | None = None) -> bool:
        """Whether the worker of a job (this one by default) is about to stop and it should wrap up."""
        return self.get(self._at(f"jobs/worker_is_draining/{job_id or settings.job_id()}")).json()

    def _start(self, target: str, args: dict | None, **params: Any) -> str:
        return self.post(self._at(f"jobs/run/{target}"), json=args or {}, params=params).text

    def _poll(self, job_id: str, timeout: Timeout, verbose: bool) -> dict:
        deadline, pause = _deadline(timeout), FIRST_POLL_SECONDS
        while not (outcome := self._outcome(job_id))["completed"]:
            if verbose and not outcome["started"]:
                print(f"job {job_id} has not started yet", flush=True)
            if time.monotonic() > deadline:
                self.cancel_job(job_id, "reached timeout")
                raise TimeoutError(f"job {job_id} did not end in time and was cancelled")
            time.sleep(min(pause, max(0.0, deadline - time.monotonic())))
            pause = min(pause * 1.5, LONGEST_POLL_SECONDS)
        return outcome

    def _outcome(self, job_id: str) -> dict:
        return self.get(self._at(f"jobs_u/completed/get_result_maybe/{job_id}")).json()


def _deadline(timeout: Timeout) -> float:
    seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
    return time.monotonic() + seconds if seconds else float("inf")


def _result(job_id: str, outcome: dict, must_exist: bool) -> Any:
    result = outcome["result"]
    if not outcome["success"]:
        raise JobFailed(job_id=job_id, error=result.get("error", result) if isinstance(result, dict) else result)
    if must_exist and result is None:
        raise WindmillError(f"Job {job_id} returned no result")
    return result


def _parents() -> dict[str, str | None]:
    return {"parent_job": settings.job_id(), "root_job": settings.root_flow_job_id()}
