"""The environment of a job: nothing of the worker's own, the `WM_*` names of the protocol, a token for this attempt."""

from pathlib import Path

from windlass.auth.tokens import JobClaim, sign_job
from windlass.hashes import hex_of
from windlass.jobs.model import ClaimedJob
from windlass.settings import Settings

SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
TEMPORARY = "tmp"


def base(folder: Path) -> dict[str, str]:
    """What every process in a job's folder gets, also resolvers and installers."""
    return {
        "PATH": SEARCH_PATH,
        "HOME": str(folder),
        "TMPDIR": str(folder / TEMPORARY),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
    }


def of_job(job: ClaimedJob, folder: Path, settings: Settings, key: bytes) -> dict[str, str]:
    """The environment of user code: what its script asks for (`envs`, each `NAME=value`), and over it what we set.

    Empty text means "does not apply", as the protocol's clients expect.
    """
    token = sign_job(key, JobClaim(job_id=job.id, epoch=job.epoch))
    state_path = state_path_of(job)
    chosen = dict(item.split("=", 1) for item in job.environment if "=" in item)
    return (
        chosen
        | base(folder)
        | {
            "WM_WORKSPACE": job.workspace_id,
            "WM_TOKEN": token,
            "WM_EMAIL": job.email,
            "WM_END_USER_EMAIL": job.email,
            "WM_USERNAME": job.created_by,
            "WM_BASE_URL": settings.public_url,
            "BASE_URL": settings.public_url,
            "BASE_INTERNAL_URL": settings.internal_url,
            "WM_JOB_ID": str(job.id),
            "WM_JOB_PATH": job.path or "",
            "WM_FLOW_JOB_ID": str(job.parent_job or ""),
            "WM_ROOT_FLOW_JOB_ID": str(job.root_job or ""),
            "WM_FLOW_PATH": "",
            "WM_FLOW_STEP_ID": "",
            "WM_SCHEDULE_PATH": (job.trigger_path or "") if job.trigger_kind == "schedule" else "",
            "WM_PERMISSIONED_AS": job.permissioned_as,
            "WM_STATE_PATH": state_path,
            "WM_STATE_PATH_NEW": state_path,
            "WM_OBJECT_PATH": f"{job.workspace_id}/{job.path or 'preview'}/{job.id}",
            "WM_RUNNABLE_ID": "" if job.hash is None else hex_of(job.hash),
            "WM_SCHEDULED_FOR": job.scheduled_for.isoformat(),
            "WM_WORKER_GROUP": settings.worker_group,
        }
    )


def state_path_of(job: ClaimedJob) -> str:
    """Where a script keeps its state: below the user it runs as, per script and trigger."""
    script = (job.path or "preview").replace("/", "_")
    trigger = (job.trigger_path or "").replace("/", "_")
    return f"{job.permissioned_as}/{script}" + (f"_{trigger}" if trigger else "")
