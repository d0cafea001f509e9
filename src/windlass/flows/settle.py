"""How a job ends, whoever ends it: a worker, a cancel, the reaper. The only caller of `jobs.complete`, because here is
where a parent learns of it, in the same transaction.
"""

from collections.abc import Sequence

from windlass.db.pool import Transaction
from windlass.jobs.complete import complete, complete_and_pull
from windlass.jobs.model import Completion
from windlass.jobs.pull import Claim, Exchange


async def settle(tx: Transaction, completion: Completion) -> bool:
    """End a job; False when the attempt is fenced (somebody else ended or holds it), and then nothing changed."""
    return await complete(tx, completion)


async def settle_and_pull(tx: Transaction[None], completions: Sequence[Completion], claim: Claim) -> Exchange:
    """End many jobs and claim others for the freed slots at once; each end is accepted or fenced for itself."""
    return await complete_and_pull(tx, completions, claim)
