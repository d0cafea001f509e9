"""Takes jobs from workers that fell silent: gives them back to the queue, or ends them when their attempts are
used up."""

from windlass.db.pool import Database
from windlass.flows.rescue import take_from_worker
from windlass.jobs import rescue
from windlass.maintenance.runner import Duty
from windlass.settings import Settings
from windlass.telemetry import get_logger

log = get_logger("reaper")


def duty(settings: Settings) -> Duty:
    """Looks six times within the time a worker may be silent."""
    policy = policy_of(settings)

    async def work(database: Database) -> None:
        await reap(database, silence=settings.zombie_job_timeout, policy=policy)

    return Duty(name="reaper", interval=settings.zombie_job_timeout / 6, work=work)


def policy_of(settings: Settings) -> rescue.RescuePolicy:
    """What the settings say about jobs whose worker was lost."""
    return rescue.RescuePolicy(restart=settings.restart_zombie_jobs, max_attempts=settings.max_attempts)


async def reap(database: Database, *, silence: float, policy: rescue.RescuePolicy) -> int:
    """One round; returns how many attempts were taken from their workers."""
    async with database.system() as tx:
        found = await rescue.zombies(tx, silence=silence)
        for zombie in found:
            is_given_up = await take_from_worker(tx, zombie, policy)
            log.warning("rescued a job", job_id=str(zombie["id"]), worker=zombie["worker"], epoch=zombie["epoch"],
                        given_up=is_given_up)  # fmt: skip
        return len(found)
