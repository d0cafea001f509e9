"""Removes what has expired: tokens, sessions, old login attempts, idempotency keys."""

from datetime import timedelta

from windlass.auth import tokens
from windlass.db.pool import Database
from windlass.jobs import push
from windlass.maintenance.runner import Duty

INTERVAL_S = 600.0
ATTEMPTS_COUNT_FOR = timedelta(hours=1)
KEYS_COUNT_FOR = timedelta(hours=24)


def duty() -> Duty:
    """Every ten minutes; expired tokens are worth nothing meanwhile."""

    async def work(database: Database) -> None:
        async with database.system() as tx:
            await tokens.delete_dead(tx, older_than=ATTEMPTS_COUNT_FOR)
            await push.forget_keys(tx, older_than=KEYS_COUNT_FOR)

    return Duty(name="expirer", interval=INTERVAL_S, work=work)
