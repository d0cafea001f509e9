"""Secrets rest encrypted in the `variable` table itself, under the key of their workspace."""

from windlass.auth.permissions import Principal
from windlass.db.pool import Transaction
from windlass.db.queries import load
from windlass.errors import WindlassError
from windlass.secrets import crypto

queries = load(__file__)


async def seal(tx: Transaction[Principal], text: str) -> str:
    """What to store for a secret text."""
    return crypto.seal(text, key=await _key(tx), workspace=_workspace(tx))


async def reveal(tx: Transaction[Principal], stored: str) -> str:
    """The text behind what is stored; WindlassError when it cannot be decrypted."""
    return crypto.reveal(stored, key=await _key(tx), workspace=_workspace(tx))


async def _key(tx: Transaction[Principal]) -> str:
    key = await queries.get_key(tx.connection, workspace=tx.actor.workspace)
    if key is None:
        raise WindlassError(f"workspace {tx.actor.workspace} has no encryption key")
    return key


def _workspace(tx: Transaction[Principal]) -> str:
    assert tx.actor.workspace is not None
    return tx.actor.workspace
