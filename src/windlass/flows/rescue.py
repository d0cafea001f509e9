"""Takes an attempt from a worker that cannot finish it: gives the job back to the queue, or ends it when it must not
start again. Called by the reaper for workers that fell silent, and by a worker that stops."""

from typing import Any

from windlass.db.pool import Transaction
from windlass.flows.settle import settle
from windlass.jobs import pull, rescue
from windlass.jobs.model import Completion
from windlass.jobs.pull import Held
from windlass.jobs.rescue import RescuePolicy


async def take_back(tx: Transaction[None], held: Held, policy: RescuePolicy) -> None:
    """Take back an attempt; nothing happens when it is held no longer."""
    attempt = await rescue.find_running(tx, held)
    if attempt is not None:
        await take_from_worker(tx, attempt, policy)


async def take_from_worker(tx: Transaction[None], attempt: Any, policy: RescuePolicy) -> bool:
    """Act on an attempt that `jobs.rescue` found and locked; True when the job was given up."""
    decision = rescue.decide(attempt, policy)
    if isinstance(decision, Completion):
        return await settle(tx, decision)
    await pull.release(tx, decision)
    return False
