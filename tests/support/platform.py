"""The whole platform in this process: the application on a real port, and a real worker with its sandbox."""

import asyncio
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import uvicorn

from support.api import PASSWORD, WORKSPACE, Api, make_token, make_world, open_database, settings_for
from support.postgres import Urls
from windlass.api.app import create_app
from windlass.commands.worker import make_worker
from windlass.settings import Settings
from windlass.worker.launcher.client import Launcher
from windlass.worker.launcher.probe import measure
from windlass.worker.loop import Worker

__all__ = ["PASSWORD", "WORKSPACE", "Platform", "make_token", "running_platform", "running_worker"]


@dataclass(frozen=True, kw_only=True)
class Platform:
    """A running platform: `api` is a client of it as superadmin, `url` its address, `home` its folder of state."""

    api: Api
    url: str
    home: Path
    settings: Settings

    async def result(self, job_id: str, timeout: float = 30) -> dict[str, Any]:
        """The completed job; fails when it has not ended in time."""
        async with asyncio.timeout(timeout):
            while True:
                response = await self.api.get(f"{{ws}}/jobs_u/completed/get/{job_id}")
                if response.status_code == 200:
                    return response.json()
                await asyncio.sleep(0.02)

    async def preview(
        self, content: str, language: str = "python3", timeout: float = 30, **args: Any
    ) -> dict[str, Any]:
        """Run code once and return its completed job."""
        body = {"content": content, "language": language, "args": args}
        response = await self.api.post("{ws}/jobs/run/preview", json=body)
        assert response.status_code == 201, response.text
        return await self.result(response.text, timeout)

    async def deploy(self, path: str, content: str, language: str = "python3", **fields: Any) -> str:
        """Deploy a script, wait for its lock, and return its hash."""
        body = {"path": path, "content": content, "language": language, "summary": "", "auto_parent": True, **fields}
        response = await self.api.post("{ws}/scripts/create", json=body)
        assert response.status_code == 201, response.text
        async with asyncio.timeout(120):
            while True:
                status = (await self.api.get(f"{{ws}}/scripts/deployment_status/h/{response.text}")).json()
                if status["lock"] is not None or status["lock_error_logs"] is not None:
                    return response.text
                await asyncio.sleep(0.05)


@asynccontextmanager
async def running_platform(urls: Urls, *, workers: int = 1, **overrides: Any) -> AsyncIterator[Platform]:
    """Server and workers on one database; `overrides` are settings."""
    home = Path(tempfile.mkdtemp(prefix="windlass-home-"))
    home.chmod(0o711)
    settings = settings_for(urls, home=home, port=_free_port(), **overrides)
    database = open_database(urls)
    app = create_app(settings, database)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=settings.port, log_level="error", lifespan="on"))
    serving = asyncio.create_task(server.serve())
    try:
        while not server.started:
            await asyncio.sleep(0.01)
        token = await make_world(database)
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{settings.port}", timeout=60) as http:
            api = Api(http=http, database=database, token=token)
            async with _workers(urls, settings, workers):
                yield Platform(api=api, url=f"http://127.0.0.1:{settings.port}", home=home, settings=settings)
    finally:
        server.should_exit = True
        await serving
        shutil.rmtree(home, ignore_errors=True)


@asynccontextmanager
async def _workers(urls: Urls, settings: Settings, count: int) -> AsyncIterator[None]:
    if count == 0:
        yield
        return
    async with running_worker(urls, settings), _workers(urls, settings, count - 1):
        yield


@asynccontextmanager
async def running_worker(urls: Urls, settings: Settings) -> AsyncIterator[Worker]:
    """One more worker in this process, drained at the end."""
    for folder in ("jobs", "cache"):
        (settings.home / folder).mkdir(exist_ok=True)
    launcher = Launcher()
    await launcher.start()
    measured = await measure(launcher, folder=settings.home / "jobs")
    database = open_database(urls)
    await database.open()
    worker = await make_worker(settings, database, launcher, measured.tier)
    running = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        worker.stop()
        await running
        await database.close()
        await launcher.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
