"""Where a worker gets its jobs and brings them back: the queue, over SQL. (A worker far away will speak HTTP here.)"""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from windlass.auth import tokens
from windlass.auth.identity import Keys, identify
from windlass.auth.permissions import Principal
from windlass.db.pool import Database, Transaction, guarding, patiently
from windlass.flows.settle import settle
from windlass.jobs import workers
from windlass.jobs.model import ClaimedJob, Completion
from windlass.jobs.pull import CancelRequest, Held, beat, pull, release, release_unknown
from windlass.jobs.workers import WorkerInfo
from windlass.resources.interpolate import has_references, interpolate
from windlass.scripts.deploy import Lock, record_lock


class SqlSource:
    """The queue as one worker sees it."""

    def __init__(self, database: Database, info: WorkerInfo) -> None:
        self._database = database
        self.info = info
        self.job_key = b""

    async def open(self) -> None:
        """Read the key that job tokens are signed with."""
        async with self._database.system() as tx:
            self.job_key = await tokens.job_key(tx)

    async def pull(self, slots: int) -> list[ClaimedJob]:
        """Claim up to `slots` jobs."""
        async with self._database.system_statement() as tx:
            return await pull(tx, worker=self.info.name, tags=self.info.tags, slots=slots)

    async def release_unknown(self, held: Sequence[UUID]) -> None:
        """Give back what a pull claimed whose answer never arrived."""
        async with self._database.system_statement() as tx:
            await release_unknown(tx, worker=self.info.name, held=held)

    async def settle(self, completion: Completion, lock: Lock | None = None) -> bool:
        """Bring an outcome home, retrying while the database is away; False when the attempt was fenced.

        Repeating is safe: when the first try was committed and only its answer was lost, the second finds nothing
        to do.
        """
        return await patiently(lambda: self._settle(completion, lock))

    async def _settle(self, completion: Completion, lock: Lock | None) -> bool:
        if lock is None:
            async with self._database.system_statement() as tx:
                return await settle(tx, completion)
        async with self._database.system() as tx:
            is_settled = await settle(tx, completion)
            if is_settled:
                await record_lock(tx, lock)
            return is_settled

    async def release(self, held: Held) -> None:
        """Give an attempt back to the queue."""
        async with self._database.system() as tx:
            await release(tx, held)

    async def interpolate(self, job: ClaimedJob, token: str) -> bytes:
        """The job's arguments with variables and resources filled in, read with the rights of the job's user."""
        return await patiently(lambda: self._interpolate(job, token)) if has_references(job.args) else job.args

    async def _interpolate(self, job: ClaimedJob, token: str) -> bytes:
        async with self._database.system_statement() as tx:
            principal = await self._principal(tx, job, token)
        async with self._database.transaction(principal) as tx:
            return await interpolate(tx, job.args)

    async def _principal(self, tx: Transaction[None], job: ClaimedJob, token: str) -> Principal:
        return await identify(tx, Keys(job_key=self.job_key, superadmin_secret=None), token, job.workspace_id)

    async def ping(self, *, draining: bool, jobs_executed: int) -> None:
        """Say that this worker lives."""
        async with self._database.system_statement() as tx:
            await workers.ping(tx, self.info, draining=draining, jobs_executed=jobs_executed)

    async def goodbye(self) -> None:
        """Take this worker off the list."""
        async with self._database.system_statement() as tx:
            await workers.goodbye(tx, self.info.name)


class Heart:
    """Heartbeats on a connection of their own, so that a full pool never looks like a dead worker."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection = None
        self._beating = asyncio.Lock()  # a cancel and the clock may ask at the same moment

    async def beat(self, held: Sequence[Held]) -> dict[UUID, CancelRequest | None]:
        """Renew leases; DatabaseUnavailable when that did not work."""
        async with self._beating:
            return await self._beat(held)

    async def _beat(self, held: Sequence[Held]) -> dict[UUID, CancelRequest | None]:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._database.dedicated()
        try:
            with guarding():
                return await beat(Transaction(connection=self._connection, actor=None), held)
        except BaseException:
            self.close()  # it may hang for as long as TCP has patience; the next beat takes another
            raise

    def close(self) -> None:
        """Drop the connection."""
        if self._connection is not None:
            self._connection.terminate()
