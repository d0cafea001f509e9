"""What a path or a hash stands for. `Versions` remembers it, and a push by what was remembered is guarded: it writes
nothing when the version was changed or replaced in between. Called by `launch` and `submit`.
"""

from typing import Any

import orjson

from windlass.db.pool import Database, Transaction
from windlass.db.queries import load
from windlass.errors import NotFound
from windlass.hashes import hex_of
from windlass.jobs.model import RunRequest, Version

queries = load(__file__)

MEMORY_SIZE = 1024
Key = tuple[str | None, str | int | None]


async def resolve(tx: Transaction[Any], workspace: str | None, request: RunRequest) -> Version:
    """The version that a request means. NotFound when there is none, or when it has no lock and will not get one."""
    if request.hash is not None:
        row = await queries.resolve_script_by_hash(tx.connection, workspace=workspace, hash=request.hash)
    else:
        row = await queries.resolve_script_by_path(tx.connection, workspace=workspace, path=request.path)
    if row is None:
        raise unknown(request)
    return Version(
        path=row["path"], hash=row["hash"], language=row["language"], tag=row["tag"], timeout=row["timeout"],
        priority=row["priority"], schema=row["schema"], readers=frozenset(orjson.loads(row["extra_perms"])),
        error=None if row["is_locked"] else row["lock_error_logs"], stamp=row["stamp"],
    )  # fmt: skip


def unknown(request: RunRequest) -> NotFound:
    """The same words whether there is nothing or nothing that the caller may see."""
    return NotFound(f"{name(request)} not found")


def name(request: RunRequest) -> str:
    """How people are told of what was asked for."""
    return f"script {request.path}" if request.hash is None else f"script version {hex_of(request.hash)}"


class Versions:
    """The versions that one server process has resolved."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[Key, Version] = {}

    def recall(self, workspace: str | None, request: RunRequest) -> Version | None:
        """What the request meant when somebody asked before. Good enough to say yes, with the guard of the push."""
        return self._known.get(_key(workspace, request))

    async def find(self, workspace: str | None, request: RunRequest) -> Version:
        """What the request means. Errors as `resolve` has them."""
        async with self._database.system_statement() as tx:
            version = await resolve(tx, workspace, request)
        if len(self._known) >= MEMORY_SIZE:
            self._known.clear()
        self._known[_key(workspace, request)] = version
        return version

    def forget(self, workspace: str | None, request: RunRequest) -> None:
        """What was known of it is no longer true."""
        self._known.pop(_key(workspace, request), None)


def _key(workspace: str | None, request: RunRequest) -> Key:
    return workspace, request.path if request.hash is None else request.hash
