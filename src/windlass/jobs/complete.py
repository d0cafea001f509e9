"""The end of a job, in one guarded statement. Called by `flows.settle` only, so that no parent flow is forgotten."""

from collections.abc import Sequence
from typing import Any

import orjson

from windlass.db.pool import Transaction
from windlass.jobs.launch import queries
from windlass.jobs.logs import length
from windlass.jobs.model import Completion
from windlass.jobs.pull import Claim, Exchange, exchange


async def complete(tx: Transaction, completion: Completion) -> bool:
    """Move a job from the queue to the completed; False when this attempt no longer holds it, and nothing changed."""
    moved = await queries.complete_job(
        tx.connection, id=completion.job_id, epoch=completion.epoch, status=completion.status,
        result=completion.result.decode(), canceled_by=completion.canceled_by,
        canceled_reason=completion.canceled_reason, mem_peak=completion.mem_peak, labels=list(completion.labels),
        dead_letter=completion.is_dead_letter,
    )  # fmt: skip
    return moved == 1


async def complete_and_pull(tx: Transaction[None], completions: Sequence[Completion], claim: Claim) -> Exchange:
    """Complete many, each guarded for itself, and claim jobs, in one statement."""
    return await exchange(tx, _columns(completions), claim)


def _columns(completions: Sequence[Completion]) -> dict[str, list[Any]]:
    logs = [item.log for item in completions]
    return {
        "ids": [item.job_id for item in completions],
        "epochs": [item.epoch for item in completions],
        "statuses": [item.status for item in completions],
        "results": [item.result.decode() for item in completions],
        "mems": [item.mem_peak for item in completions],
        "cancelers": [item.canceled_by for item in completions],
        "reasons": [item.canceled_reason for item in completions],
        "labels": [orjson.dumps(item.labels).decode() if item.labels else None for item in completions],
        "log_starts": [chunk and chunk.start for chunk in logs],
        "log_ends": [chunk and chunk.start + length(chunk.content) for chunk in logs],
        "logs": [chunk and chunk.content for chunk in logs],
    }
