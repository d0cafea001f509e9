"""How a job ends, whoever ends it: a worker, a cancel, the reaper. The only caller of `jobs.complete`, because here is
where a parent learns of it, in the same transaction.
"""

from windlass.db.pool import Transaction
from windlass.jobs.complete import complete
from windlass.jobs.model import Completion


async def settle(tx: Transaction, completion: Completion) -> bool:
    """End a job; False when the attempt is fenced (somebody else ended or holds it), and then nothing changed."""
    return await complete(tx, completion)
