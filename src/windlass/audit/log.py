"""Write audit entries. Operation names are the protocol's (`scripts.create`, `variables.decrypt_secret` …)."""

import json
from typing import Literal, Protocol

from windlass.db.pool import Transaction
from windlass.db.queries import load

queries = load(__file__)

ActionKind = Literal["Created", "Updated", "Delete", "Execute"]


class Doer(Protocol):
    """Whoever did it."""

    @property
    def workspace(self) -> str | None:
        """Where."""
        ...

    @property
    def username(self) -> str:
        """Under which name."""
        ...


async def record(
    tx: Transaction[Doer], operation: str, action: ActionKind, resource: str | None = None, **parameters: object
) -> None:
    """Append an entry for the transaction's principal; it stands or falls with the transaction."""
    await queries.insert_entry(
        tx.connection, workspace_id=tx.actor.workspace, username=tx.actor.username, operation=operation,
        action_kind=action, resource=resource, parameters=json.dumps(parameters) if parameters else None,
    )  # fmt: skip
