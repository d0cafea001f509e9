"""A cold start in bubblewrap for each request: job into PostgreSQL, a new interpreter in a new sandbox, result back.

It leaves out queue, log, permissions and limits, so that it is a floor for anything built this way.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
from serving import application
from starlette.applications import Starlette

CODE = "def main(n):\n    return n + 1\n"
WRAPPER = """
import json, sys
code, arguments = json.loads(sys.stdin.buffer.read())
namespace = {"__name__": "job"}
exec(compile(code, "job.py", "exec"), namespace)
print(json.dumps(namespace["main"](**arguments)))
"""
SANDBOX = [
    "bwrap", "--unshare-user-try", "--unshare-ipc", "--unshare-pid", "--unshare-uts", "--die-with-parent", "--clearenv",
    "--ro-bind", "/usr", "/usr", "--ro-bind", "/etc", "/etc", "--symlink", "usr/lib", "/lib",
    "--symlink", "usr/lib64", "/lib64", "--symlink", "usr/bin", "/bin",
    "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp",
]  # fmt: skip
INTERPRETER = str(Path(getattr(sys, "_base_executable", sys.executable)).resolve())

pool: asyncpg.Pool


async def run(n: int) -> int:
    insert = "insert into job (code, arguments) values ($1, $2) returning id"
    arguments = {"n": n}
    job = await pool.fetchval(insert, CODE, json.dumps(arguments))
    result = await _execute(json.dumps([CODE, arguments]))
    await pool.execute("update job set result = $2, ended_at = now() where id = $1", job, result)
    return json.loads(result)


async def _execute(text: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *SANDBOX, INTERPRETER, "-I", "-S", "-c", WRAPPER, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate(text.encode())
    if process.returncode != 0:
        raise RuntimeError(f"bwrap ended with {process.returncode}")
    return output.decode()


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    global pool
    async with asyncpg.create_pool(os.environ["DATABASE_URL"]) as pool:
        await pool.execute(
            "create table job (id bigint generated always as identity primary key,"
            " code text not null, arguments json not null, result json, ended_at timestamptz)"
        )
        yield


app = application(run=run, lifespan=lifespan)
