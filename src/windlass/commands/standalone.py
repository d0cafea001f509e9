"""`windlass standalone`: PostgreSQL, server and workers as children of one process."""

import shutil
import socket
import sys

from windlass.commands import databases
from windlass.db import embedded
from windlass.errors import Misconfigured
from windlass.maintenance import reaper
from windlass.settings import ACCEPT_NO_SANDBOX, SECRETS, Settings
from windlass.supervise import Child, supervise

WORKER_FAILED_STARTS = 5


async def run(settings: Settings) -> int:
    """Everything in one process tree: PostgreSQL unless DATABASE_URL says otherwise, the server, the workers."""
    settings.home.mkdir(parents=True, exist_ok=True)
    _check_port(settings)
    if settings.database_url is not None:
        return await _supervised(settings, None)
    server = await embedded.start(settings.home)
    urls = {"database_url": server.owner_url, "database_url_api": server.api_url,
            "database_url_system": server.system_url}  # fmt: skip
    try:
        return await _supervised(settings.model_copy(update=urls), server)
    finally:
        await server.stop()


async def _supervised(settings: Settings, server: embedded.EmbeddedPostgres | None) -> int:
    await databases.prepare(settings)
    if server is not None:
        await _rescue(settings)
    stages: list[list[Child]] = []
    if not settings.disable_server:
        stages.append([_child(settings, "server", failed_starts=1)])
    if not settings.disable_workers:
        stages.append([_child(settings, "worker", failed_starts=WORKER_FAILED_STARTS, number=number)
                       for number in range(settings.num_workers)])  # fmt: skip
    foundation = server.ended() if server else None
    return await supervise(stages, drain_timeout=settings.drain_timeout, foundation=foundation)


async def _rescue(settings: Settings) -> None:
    """Take up at once what an earlier standalone was killed in: its workers died with it, no lease need run out."""
    if not settings.keep_job_dir:
        shutil.rmtree(settings.home / "jobs", ignore_errors=True)
    database = databases.make_database(settings, databases.WORKER_POOL)
    await database.open()
    try:
        await reaper.reap(database, silence=0, policy=reaper.policy_of(settings))
    finally:
        await database.close()


def _child(settings: Settings, command: str, *, failed_starts: int, number: int | None = None) -> Child:
    secrets = {name: value for name in SECRETS if (value := getattr(settings, name))}
    argv = [sys.executable, "-m", "windlass", command, "--home", str(settings.home), "--host", settings.host,
            "--port", str(settings.port)]  # fmt: skip
    name = command if number is None else f"{command}-{number}"
    environment = dict(settings.child_environment)
    if command == "worker" and settings.is_loopback:
        environment.setdefault("WM_UNSANDBOXED", ACCEPT_NO_SANDBOX)
    return Child(name=name, argv=argv, env=environment, secrets=secrets, failed_starts=failed_starts)


def _check_port(settings: Settings) -> None:
    if settings.disable_server:
        return
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe_socket:
        probe_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe_socket.bind((settings.host, settings.port))
        except OSError as error:
            raise Misconfigured(f"port {settings.port} is taken; choose another with --port") from error
