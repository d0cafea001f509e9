"""Airflow behind Starlette: API server, scheduler with LocalExecutor and DAG processor, and a client that polls."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

import anyio
import httpx
from serving import application
from starlette.applications import Starlette

POLL_S = 0.05
PORT = os.environ["CHILD_PORT"]
PARTS = (("api-server", "--host", "127.0.0.1", "--port", PORT), ("scheduler",), ("dag-processor",))
RUNS = "/api/v2/dags/increment/dagRuns"
AIRFLOW = [sys.executable, "-m", "airflow"]

client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{PORT}", timeout=60)


async def run(n: int) -> int:
    started = await _good(client.post(RUNS, json={"logical_date": None, "conf": {"n": n}}))
    address = f"{RUNS}/{started['dag_run_id']}"
    while (state := (await _good(client.get(address)))["state"]) != "success":
        if state == "failed":
            raise RuntimeError("the run failed")
        await anyio.sleep(POLL_S)
    entry = await _good(client.get(f"{address}/taskInstances/increment/xcomEntries/return_value"))
    return int(entry["value"])


async def _good(request) -> dict:
    return (await request).raise_for_status().json()


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    subprocess.run([*AIRFLOW, "db", "migrate"], check=True)
    with ExitStack() as parts:
        for part in PARTS:
            process = subprocess.Popen([*AIRFLOW, *part])
            parts.callback(process.wait)
            parts.callback(process.terminate)
        await _log_in()
        await _found("/api/v2/dags/increment")
        yield


async def _log_in() -> None:
    await _found("/api/v2/monitor/health")
    token = (await _good(client.get("/auth/token")))["access_token"]
    client.headers["Authorization"] = f"Bearer {token}"


async def _found(path: str) -> None:
    while True:
        try:
            if (await client.get(path)).status_code == 200:
                return
        except httpx.TransportError:
            pass
        await anyio.sleep(0.5)


app = application(run=run, lifespan=lifespan)
