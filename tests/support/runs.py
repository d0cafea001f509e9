"""What tests of jobs ask of a client again and again: run, wait, look."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from support.api import Api
from windlass.auth.permissions import Principal
from windlass.db.pool import Transaction
from windlass.jobs.launch import launch
from windlass.jobs.model import RunRequest

ELSEWHERE = "tests-nobody-takes-this-tag"
SLEEPER = "import time\ndef main():\n    print('asleep', flush=True)\n    time.sleep(60)\n"


async def until(look: Callable[[], Awaitable[Any]], seconds: float = 20) -> Any:
    """The first true answer of `look`; fails when there is none in time."""
    async with asyncio.timeout(seconds):
        while not (answer := await look()):
            await asyncio.sleep(0.02)
        return answer


async def preview(client: Api, content: str, language: str = "python3", *, params: Any = None, **body: Any) -> str:
    """The id of a job that runs this code."""
    body = {"content": content, "language": language, "args": {}} | body
    response = await client.post("{ws}/jobs/run/preview", json=body, params=params or {})
    assert response.status_code == 201, response.text
    return response.text


async def waiting(client: Api, **body: Any) -> str:
    """The id of a job that no worker takes."""
    return await preview(client, "def main(): return 1", tag=ELSEWHERE, **body)


async def job(client: Api, job_id: str) -> dict[str, Any]:
    """The job as the protocol shows it."""
    response = await client.get(f"{{ws}}/jobs_u/get/{job_id}")
    assert response.status_code == 200, response.text
    return response.json()


async def ended(client: Api, job_id: str, seconds: float = 30) -> dict[str, Any]:
    """The completed job; fails when it does not end in time."""

    async def look() -> dict[str, Any] | None:
        response = await client.get(f"{{ws}}/jobs_u/completed/get/{job_id}")
        return response.json() if response.status_code == 200 else None

    return await until(look, seconds)


async def logged(client: Api, job_id: str, text: str) -> None:
    """Return when the job's log holds the text."""

    async def look() -> bool:
        return text in (await client.get(f"{{ws}}/jobs_u/get_logs/{job_id}")).text

    await until(look)


async def asleep(client: Api) -> str:
    """The id of a job that runs and sleeps for a minute."""
    job_id = await preview(client, SLEEPER)
    await logged(client, job_id, "asleep")
    return job_id


async def enqueue(
    tx: Transaction[Any], *, workspace: str = "main", email: str = "admin@windmill.dev", **request: Any
) -> UUID:
    """Put a preview into the queue, without HTTP, as the admin."""
    actor = Principal(email=email, username="admin", role="admin", workspace=workspace)
    return await launch(Transaction(connection=tx.connection, actor=actor), RunRequest(**request))
