"""From an HTTP request to a run request, and from a finished job to an answer. Shared by every way to run something."""

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import unquote
from uuid import UUID

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field

from windlass.api.access import UI_HEADER, Caller
from windlass.api.responses import raw_json, text
from windlass.errors import BadRequest
from windlass.jobs import arguments
from windlass.jobs.model import RunRequest
from windlass.jobs.push import new_id

MAX_DELAY_S = 10 * 365 * 24 * 3600


class RunQuery(BaseModel):
    """The query parameters of every run."""

    model_config = ConfigDict(extra="ignore")

    scheduled_for: datetime | None = None
    scheduled_in_secs: int | None = Field(None, ge=0, le=MAX_DELAY_S)
    parent_job: UUID | None = None
    root_job: UUID | None = None
    job_id: UUID | None = None
    tag: str | None = Field(None, max_length=200)
    timeout: int | None = Field(None, ge=1, le=2**31 - 1)
    invisible_to_owner: bool = False
    include_header: str | None = None
    include_query: str | None = None
    payload: str | None = None
    queue_limit: int | None = Field(None, ge=0)
    retry_on_crash: bool = True


async def run_request(
    request: Request, query: RunQuery, *, path: str | None = None, hash: int | None = None
) -> RunRequest:
    """What the request asks to run: arguments from the body (or `payload` by GET), asked-for headers and queries."""
    body = await request.body() if request.method == "POST" else _payload(query.payload)
    headers = {_argument(name): value for name, value in _copied(request.headers, query.include_header).items()}
    extra = headers | _copied(request.query_params, query.include_query)
    return _asked(request, query, _merged(extra, body), path=path, hash=hash)


def _asked(request: Request, query: RunQuery, args: bytes, *, path: str | None, hash: int | None) -> RunRequest:
    return RunRequest(
        path=path, hash=hash, args=args, tag=query.tag, timeout=query.timeout,
        scheduled_for=_aware(query.scheduled_for), scheduled_in_secs=query.scheduled_in_secs,
        parent_job=query.parent_job, root_job=query.root_job, job_id=query.job_id,
        visible_to_owner=not query.invisible_to_owner, retry_on_crash=query.retry_on_crash,
        trigger_kind="ui" if UI_HEADER in request.headers else "webhook",
    )  # fmt: skip


async def batch_request(
    request: Request, query: RunQuery, *, path: str | None = None, hash: int | None = None
) -> RunRequest:
    """What the request asks to run many times: the body is the array of arguments, all else holds for each."""
    if query.job_id is not None or query.include_header or query.include_query:
        raise BadRequest("job_id, include_header, include_query: not with a batch")
    return _asked(request, query, await request.body(), path=path, hash=hash)


async def run_and_wait(
    caller: Caller, request: RunRequest, *, key: str | None = None, queue_limit: int | None = None
) -> Response:
    """Launch, then answer the result: 200 when the job succeeded, 500 with the error object when it failed, 408 when it
    runs on beyond the wait limit.
    """
    app, timeout = caller.app, caller.app.settings.timeout_wait_result
    if key is None and request.job_id is None:
        job_id = new_id()
        with app.outcomes.expecting(job_id) as expected:
            await app.submissions.submit(caller.principal, replace(request, job_id=job_id), queue_limit=queue_limit)
            outcome = await app.outcomes.wait(expected, timeout=timeout)
    else:
        job_id = await app.submissions.submit(caller.principal, request, key=key, queue_limit=queue_limit)
        outcome = await app.outcomes.find(job_id, timeout=timeout)
    if outcome is None:
        return text(f"job {job_id} is still running; its result can be read later", 408)
    return raw_json(outcome.result, 200 if outcome.success else 500)


def _merged(extra: dict[str, str], body: bytes) -> bytes:
    """A body that stands alone goes on as it came, so that numbers of any size arrive whole."""
    given = arguments.parse(body)
    return body if given and not extra else arguments.encode(extra | given)


def _copied(source: Mapping[str, Any], names: str | None) -> dict[str, str]:
    return {name: source[name] for name in (names or "").split(",") if name and name in source}


def _argument(header: str) -> str:
    return header.strip().lower().replace("-", "_")


def _payload(payload: str | None) -> bytes:
    if not payload:
        return b""
    try:
        text = unquote(payload).replace("-", "+").replace("_", "/")
        return unquote(b64decode(text + "=" * (-len(text) % 4), validate=True).decode()).encode()
    except ValueError as error:
        raise BadRequest(f"payload: not base64 of JSON text: {error}") from error


def _aware(moment: datetime | None) -> datetime | None:
    if moment is not None and moment.tzinfo is None:
        raise BadRequest("scheduled_for: needs a time zone, such as 2030-01-01T00:00:00Z")
    return moment
