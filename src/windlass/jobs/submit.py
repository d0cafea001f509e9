"""The door for requests from outside: many at once, most of them for the same few runnables. What they need to know is
remembered, and what they write goes in common statements. The routes of `api` call it.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import UUID

from windlass.auth.permissions import Principal
from windlass.db.pool import Database
from windlass.errors import BadRequest, Conflict, Forbidden, InvalidArguments, NotFound, QueueFull
from windlass.jobs import arguments
from windlass.jobs.launch import is_deployed, prepare
from windlass.jobs.model import RunRequest
from windlass.jobs.push import SERIES, Birth, Pusher, write_batch
from windlass.jobs.runnables import Versions, name, queries

MAX_BATCH = 10_000
MAX_KEY = 255
TRIES = 5
assert MAX_BATCH < SERIES


class Submissions:
    """Launches on behalf of requests, for one server process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._versions = Versions(database)
        self._pusher = Pusher(database)

    def close(self) -> None:
        """Drop the connections."""
        self._pusher.close()

    async def submit(
        self, actor: Principal, request: RunRequest, *, key: str | None = None, queue_limit: int | None = None
    ) -> UUID:
        """Put a job into the queue and return its id; it is durable then.

        With a `key`, or an id of the caller's choice, the same request launches one job however often it comes.
        Raises what `prepare` raises, Conflict when the key or the id belongs to another request, and QueueFull when
        more than `queue_limit` jobs of its tag wait already.
        """

        async def push_one(birth: Birth) -> bool:
            if queue_limit is not None:
                await self._check_queue(birth, queue_limit)
            return await self._pusher.push(birth)

        return await self._launch(actor, request, push_one, key=key)

    async def submit_batch(self, actor: Principal, request: RunRequest, *, key: str | None = None) -> list[UUID]:
        """One job for each of the arguments in `request.args`, a JSON array of objects; all or none. Their ids come in
        the same order. Errors as `submit` has them; BadRequest for more than 10,000.
        """
        given = arguments.parse_many(request.args)
        if not 0 < len(given) <= MAX_BATCH:
            raise BadRequest(f"a batch has 1 to {MAX_BATCH} jobs, this one {len(given)}")

        async def push_all(birth: Birth) -> bool:
            async with self._database.system_statement() as tx:
                return await write_batch(tx, birth, _series(birth.id, len(given)))

        return _series(await self._launch(actor, request, push_all, key=key, each=given), len(given))

    async def _launch(
        self, actor: Principal, request: RunRequest, push: Callable[[Birth], Awaitable[bool]], *,
        key: str | None, each: Sequence[dict[str, Any]] | None = None,
    ) -> UUID:  # fmt: skip
        """The id of the job, or of the first one, whether it is new or was made by the same request before."""
        _check_names(request, key)
        request = await self._rooted(actor, request)
        for _ in range(TRIES):
            birth = await self._birth(actor, request, key=key, each=each)
            if await push(birth):
                return birth.id
            earlier = await self._earlier(birth, is_chosen=request.job_id is not None)
            if earlier is not None:
                return earlier
            self._versions.forget(actor.workspace, request)
        raise Conflict(f"{name(request)} is being deployed again and again; try later")

    async def _birth(self, actor: Principal, request: RunRequest, **options: Any) -> Birth:
        """The job, after every check. A refusal by a remembered version is not believed, but decided anew."""
        if not is_deployed(request):
            return prepare(actor, request, None, **options)
        recalled = self._versions.recall(actor.workspace, request)
        if recalled is not None:
            with suppress(NotFound, Forbidden, InvalidArguments):
                return prepare(actor, request, recalled, **options)
        return prepare(actor, request, await self._versions.find(actor.workspace, request), **options)

    async def _rooted(self, actor: Principal, request: RunRequest) -> RunRequest:
        """The root of the tree is its parent's, if the caller may see the parent."""
        if request.parent_job is None or request.root_job is not None:
            return request
        async with self._database.transaction(actor) as tx:
            root = await queries.find_root(tx.connection, id=request.parent_job, workspace=actor.workspace)
        return replace(request, root_job=root)

    async def _check_queue(self, birth: Birth, limit: int) -> None:
        async with self._database.system_statement() as tx:
            waiting = await queries.count_waiting(tx.connection, workspace=birth.terms.workspace, tag=birth.terms.tag)
        if waiting > limit:
            raise QueueFull(f"{waiting} jobs wait for tag {birth.terms.tag}, more than the limit of {limit}")

    async def _earlier(self, birth: Birth, *, is_chosen: bool) -> UUID | None:
        """The job of the same request, made before, if there is one. Conflict when another request has taken the key,
        or the id that the caller chose."""
        workspace = birth.terms.workspace
        if birth.key is not None:
            async with self._database.system_statement() as tx:
                known = await queries.find_by_key(tx.connection, workspace=workspace, key=birth.key)
            if known is not None and known["request_hash"] != birth.fingerprint:
                raise Conflict(f"the Idempotency-Key {birth.key!r} belongs to another request")
            return known["job_id"] if known else None
        if not is_chosen:
            return None
        async with self._database.system_statement() as tx:
            known = await queries.find_twin(tx.connection, id=birth.id)
        if known is not None and not _is_twin(birth, known):
            raise Conflict(f"a job {birth.id} exists already")
        return birth.id if known else None


def _is_twin(birth: Birth, known: Any) -> bool:
    """Whether the job was made by the same person for the same thing."""
    terms = replace(
        birth.terms, workspace=known["workspace_id"], email=known["permissioned_as_email"], kind=known["kind"],
        path=known["runnable_path"], hash=known["runnable_hash"], language=known["language"], code=known["raw_code"],
        lock=known["raw_lock"],
    )  # fmt: skip
    return replace(birth, terms=terms, args=known["args"]).fingerprint == birth.fingerprint


def _check_names(request: RunRequest, key: str | None) -> None:
    if key is not None and request.job_id is not None:
        raise BadRequest("job_id: choose an id or send an Idempotency-Key, not both")
    if key is not None and not 0 < len(key) <= MAX_KEY:
        raise BadRequest(f"Idempotency-Key: has 1 to {MAX_KEY} characters")


def _series(first: UUID, count: int) -> list[UUID]:
    return [UUID(int=first.int + number) for number in range(count)]
