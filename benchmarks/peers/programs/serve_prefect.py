"""Prefect behind Starlette: a server, a served flow (a process for each run), and a client that polls.

On SQLite, its default: it needs an extension that the embedded PostgreSQL lacks.
"""

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import httpx
from prefect.client.orchestration import get_client
from serving import application
from starlette.applications import Starlette

POLL_S = 0.02
PORT = os.environ["CHILD_PORT"]


async def run(n: int) -> int:
    async with get_client() as client:
        deployment = await client.read_deployment_by_name("increment/bench")
        flow_run = await client.create_flow_run_from_deployment(deployment.id, parameters={"n": n})
        while True:
            state = (await client.read_flow_run(flow_run.id)).state
            if state is not None and state.is_final():
                return await state.aresult()
            await anyio.sleep(POLL_S)


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    prefect = [sys.executable, "-m", "prefect"]
    server = subprocess.Popen([*prefect, "server", "start", "--host", "127.0.0.1", "--port", PORT])
    try:
        await _answers(f"http://127.0.0.1:{PORT}/api/health")
        flows = subprocess.Popen([sys.executable, "prefect_flow.py"], cwd=os.path.dirname(__file__))
        try:
            await _is_served()
            yield
        finally:
            flows.terminate()
            flows.wait()
    finally:
        server.terminate()
        server.wait()


async def _answers(url: str) -> None:
    async with httpx.AsyncClient() as client:
        while True:
            try:
                (await client.get(url)).raise_for_status()
                return
            except httpx.HTTPError:
                await anyio.sleep(0.2)


async def _is_served() -> None:
    async with get_client() as client:
        while not any(deployment.name == "bench" for deployment in await client.read_deployments()):
            await anyio.sleep(0.2)


app = application(run=run, lifespan=lifespan)
