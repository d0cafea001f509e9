"""How many jobs wait and how many have ended, and where a moment stands in the queue."""

from typing import Any

from windlass.auth.permissions import Principal
from windlass.db.pool import Transaction
from windlass.jobs.launch import queries

LATEST_MS = 10**14  # the year 5138; later moments do not fit a timestamp


async def waiting(tx: Transaction[Principal]) -> dict[str, int]:
    """Waiting and suspended jobs of the workspace, in the protocol's shape."""
    return dict(await queries.count_queue(tx.connection, workspace=tx.actor.workspace))


async def completed(tx: Transaction[Principal]) -> int:
    """Jobs of the workspace that have ended."""
    return await queries.count_completed(tx.connection, workspace=tx.actor.workspace)


async def completed_by(
    tx: Transaction[Principal], *, success: bool | None, seconds: int | None, tags: list[str] | None
) -> int:
    """Jobs that ended within the last seconds, by success and tags; None means any."""
    return await queries.count_completed_by(
        tx.connection, workspace=tx.actor.workspace, success=success, seconds=seconds, tags=tags
    )


async def position(tx: Transaction[Principal], *, milliseconds: int) -> int:
    """Waiting jobs that are due before a moment, in milliseconds since 1970."""
    moment = min(max(milliseconds, 0), LATEST_MS)
    return await queries.position_in_queue(tx.connection, workspace=tx.actor.workspace, milliseconds=moment)


async def clock(tx: Transaction[None]) -> int:
    """The database's clock in milliseconds since 1970."""
    return await queries.database_clock(tx.connection)


async def by_tag(tx: Transaction[None], *, horizon: int, workspace: str | None) -> list[dict[str, Any]]:
    """Jobs of the instance that ended within `horizon` seconds, by tag."""
    return [dict(row) async for row in queries.count_by_tag(tx.connection, horizon=horizon, workspace=workspace)]
