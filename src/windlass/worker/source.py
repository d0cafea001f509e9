"""Where a worker gets its jobs and brings them back: the queue, over SQL. (A worker far away will speak HTTP here.)"""

from collections.abc import Sequence
from dataclasses import replace

import asyncpg

from windlass.auth import tokens
from windlass.auth.identity import Keys, identify
from windlass.auth.permissions import Principal
from windlass.db.pool import Database, Line, Transaction, patiently
from windlass.flows.rescue import take_back
from windlass.flows.settle import settle, settle_and_pull
from windlass.jobs import logs, workers
from windlass.jobs.failures import failure
from windlass.jobs.model import ClaimedJob, Completion, Status
from windlass.jobs.pull import Claim, Exchange, Front, Held, pull, release_unknown
from windlass.jobs.rescue import RescuePolicy
from windlass.jobs.workers import WorkerInfo
from windlass.resources.interpolate import has_references, interpolate
from windlass.scripts.deploy import Lock, record_lock
from windlass.telemetry import get_logger

log = get_logger("worker")
STATEMENT_S = 15.0
SESSION = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_sort": "off",
}
"""Whatever the statistics say of a queue that was empty a moment ago, the right plan goes from row to row by index."""


class SqlSource:
    """The queue as one worker sees it."""

    def __init__(self, database: Database, info: WorkerInfo, *, max_attempts: int, is_batching: bool = True) -> None:
        self._database = database
        self._line = Line(database, timeout=STATEMENT_S, session=SESSION)
        self._is_batching = is_batching
        self._max_attempts = max_attempts
        self.info = info
        self.job_key = b""

    async def open(self) -> None:
        """Read the key that job tokens are signed with."""
        async with self._database.system() as tx:
            self.job_key = await tokens.job_key(tx)

    async def exchange(
        self, completions: Sequence[Completion], slots: int, *, is_wide: bool = False, front: Front | None = None
    ) -> Exchange:
        """Bring outcomes home and claim up to `slots` jobs, as `Claim` says. DatabaseUnavailable leaves open what of it
        was done: release what is unknown, then repeat; what the first try has settled counts as fenced in the second.
        """
        claim = self._claim(slots, is_wide=is_wide, front=front)
        if not self._is_batching:
            return await self._one_by_one(completions, claim)
        try:
            return await self._exchange(completions, claim)
        except asyncpg.DataError:
            if not completions:
                raise
            # So that one that cannot be stored holds up no other.
            return await self._one_by_one(completions, replace(claim, slots=0))

    async def _exchange(self, completions: Sequence[Completion], claim: Claim) -> Exchange:
        async with self._line.statement() as tx:
            return await settle_and_pull(tx, completions, claim)

    def _claim(self, slots: int, *, is_wide: bool = False, front: Front | None = None) -> Claim:
        return Claim(worker=self.info.name, tags=self.info.tags, slots=slots, is_wide=is_wide, front=front,
                     sandbox_tier=self.info.tier, sandbox_policy=self.info.policy)  # fmt: skip

    async def _one_by_one(self, completions: Sequence[Completion], claim: Claim) -> Exchange:
        accepted = frozenset([item.job_id for item in completions if await self._settle_storable(item)])
        claimed: list[ClaimedJob] = []
        while len(claimed) < claim.slots and (more := await self._pull_one()):
            claimed += more
        return Exchange(accepted=accepted, claimed=claimed, is_contended=False, front=None)

    async def _settle_storable(self, completion: Completion) -> bool:
        try:
            return await self._settle_one(completion)
        except asyncpg.DataError as error:
            log.error("an outcome cannot be stored", job_id=str(completion.job_id), exc_info=error)
            result = failure("InternalError", f"the outcome of this job cannot be stored: {error}")
            return await self._settle_one(
                replace(completion, status=Status.FAILURE, result=result, labels=(), log=None)
            )

    async def _settle_one(self, completion: Completion) -> bool:
        return bool((await self._exchange([completion], self._claim(0))).accepted)

    async def _pull_one(self) -> list[ClaimedJob]:
        async with self._line.statement() as tx:
            return await pull(tx, self._claim(1))

    async def release_unknown(self, held: Sequence[Held]) -> None:
        """Give back what a pull claimed whose answer never arrived."""
        async with self._line.statement() as tx:
            await release_unknown(tx, worker=self.info.name, held=held)

    async def settle(self, completion: Completion, lock: Lock | None = None) -> bool:
        """Bring an outcome home with the lock that it made, retrying while the database is away; False when the attempt
        was fenced.

        Repeating is safe: when the first try was committed and only its answer was lost, the second finds nothing
        to do.
        """
        return await patiently(lambda: self._settle(completion, lock))

    async def _settle(self, completion: Completion, lock: Lock | None) -> bool:
        async with self._database.system() as tx:
            if completion.log is not None:
                held = Held(job_id=completion.job_id, epoch=completion.epoch)
                await logs.append(tx, held, start=completion.log.start, content=completion.log.content)
            is_settled = await settle(tx, completion)
            if is_settled and lock is not None:
                await record_lock(tx, lock)
            return is_settled

    async def release(self, held: Held) -> None:
        """Give an attempt back to the queue, or end its job where that must not start again."""
        policy = RescuePolicy(restart=True, max_attempts=self._max_attempts)
        async with self._database.system() as tx:
            await take_back(tx, held, policy)

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
        """Take this worker off the list, and drop the connection to the queue."""
        self._line.close()
        async with self._database.system_statement() as tx:
            await workers.goodbye(tx, self.info.name)
