"""What a watcher of a job gets: single updates, and the same as a stream of server-sent events."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import orjson
from fastapi import Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from windlass.api.access import Caller
from windlass.api.responses import encode
from windlass.errors import DatabaseUnavailable, NotFound
from windlass.jobs import read, wait

QUIET_WAIT_S = 0.5
STREAM_LIMIT_S = 3600.0
PING_S = 15.0


class UpdateQuery(BaseModel):
    """What the watcher knows already."""

    model_config = ConfigDict(extra="ignore")

    running: bool | None = None
    log_offset: int = Field(0, ge=0, le=2**31 - 1)
    stream_offset: int = Field(0, ge=0, le=2**31 - 1)
    no_logs: bool = False
    only_result: bool = False


async def next_update(caller: Caller, job_id: UUID, query: UpdateQuery) -> dict[str, Any]:
    """The update since the query's offsets; waits half a second for news when there is none."""
    update: dict[str, Any] | None = None
    async for _ in wait.changes(caller.app.listener, job_id, poll=QUIET_WAIT_S):
        is_second_look = update is not None
        update = await _update(caller, job_id, query)
        if is_second_look or _is_news(update, query):
            break
    assert update is not None
    return update


def event_stream(caller: Caller, job_id: UUID, query: UpdateQuery) -> Response:
    """Events until the job has ended, the watcher leaves, or an hour is over (`timeout`: connect again)."""
    return StreamingResponse(
        _events(caller, job_id, query), media_type="text/event-stream",
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )  # fmt: skip


async def _events(caller: Caller, job_id: UUID, query: UpdateQuery) -> AsyncIterator[bytes]:
    clock = asyncio.get_running_loop().time
    until = clock() + STREAM_LIMIT_S
    quiet_since: float | None = None
    async for _ in wait.changes(caller.app.listener, job_id):
        if clock() > until:
            yield _event({"type": "timeout"})
            return
        try:
            update = await _update(caller, job_id, query)
        except NotFound:
            yield _event({"type": "not_found"})
            return
        except DatabaseUnavailable as error:
            yield _event({"type": "error", "error": str(error)})
            return
        if quiet_since is None or _is_news(update, query):
            yield _event({"type": "update"} | update)
            quiet_since = clock()
        elif clock() - quiet_since > PING_S:
            yield _event({"type": "ping"})
            quiet_since = clock()
        if update["completed"]:
            return
        query = query.model_copy(update={name: update[name] for name in ("running", "log_offset", "stream_offset")})


def _event(value: dict[str, Any]) -> bytes:
    return b"data: " + encode(value) + b"\n\n"


def _is_news(update: dict[str, Any], query: UpdateQuery) -> bool:
    return bool(
        update["completed"]
        or update.get("new_logs")
        or update.get("new_result_stream")
        or update["running"] != bool(query.running)
    )


async def _update(caller: Caller, job_id: UUID, query: UpdateQuery) -> dict[str, Any]:
    async with caller.transaction() as tx:
        news = await read.update(
            tx, job_id, log_offset=query.log_offset, stream_offset=query.stream_offset, with_logs=not query.no_logs
        )
        shape = {
            "running": news.running, "completed": news.completed, "new_logs": news.new_logs or None,
            "log_offset": news.log_offset, "new_result_stream": news.new_stream or None,
            "stream_offset": news.stream_offset, "progress": news.progress, "mem_peak": news.mem_peak,
        }  # fmt: skip
        if news.completed and query.only_result:
            outcome, _ = await read.outcome(tx, job_id)
            shape["only_result"] = orjson.Fragment(outcome.result) if outcome else None
    return {name: value for name, value in shape.items() if value is not None}
