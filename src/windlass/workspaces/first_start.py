"""Fills an empty instance: the first account, the workspaces `admins` and `main`. Called by `commands`."""

from windlass.auth import accounts
from windlass.auth.accounts import FirstLogin
from windlass.auth.providers.password import DEFAULT_PASSWORD
from windlass.db.pool import Database
from windlass.settings import Settings, generate_password
from windlass.workspaces import service

LOCK_KEY = 7_463_110_203
WORKSPACES = {service.ADMINS: "Admins", "main": "Main"}


async def prepare(database: Database, settings: Settings) -> str | None:
    """Make the first account and workspaces if there is no account yet; safe in many processes at once.

    Returns the password to show to whoever started the server, when this call has just made it up (or took
    the default one); None when there was nothing to do or when the person chose the password themselves.
    """
    login = first_login(settings)
    async with database.system() as tx:
        await service.queries.lock_first_start(tx.connection, key=LOCK_KEY)
        if not await accounts.create_first(tx, login):
            return None
        for workspace, name in WORKSPACES.items():
            await service.create(tx, workspace=workspace, name=name, owner_email=accounts.FIRST_EMAIL, username="admin")
    return None if settings.superadmin_initial_password else login.password


def first_login(settings: Settings) -> FirstLogin:
    """The chosen password, else the well-known one on loopback only, else a new random one."""
    if settings.superadmin_initial_password:
        chosen = settings.superadmin_initial_password
        return FirstLogin(password=chosen, loopback_only=False, must_change=False)
    if settings.is_loopback:
        return FirstLogin(password=DEFAULT_PASSWORD, loopback_only=True, must_change=True)
    return FirstLogin(password=generate_password(), loopback_only=False, must_change=True)
