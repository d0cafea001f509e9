"""The composition root: `windlass standalone | server | worker | migrate | doctor`, the only file that knows every
room.

`MODE` chooses when no sub-command does. Options win over the environment; children get their settings by
environment and their secrets by pipe.
"""

import argparse
import asyncio
import signal
import socket
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any
from uuid import uuid4

import uvicorn
import uvloop

from windlass import __version__, doctor, telemetry
from windlass.api.app import create_app
from windlass.auth.accounts import FIRST_EMAIL
from windlass.db import embedded
from windlass.db.listen import Listener
from windlass.db.migrate import migrate
from windlass.db.pool import Database
from windlass.errors import Misconfigured, WindlassError
from windlass.jobs.model import DEPENDENCY_TAG
from windlass.languages import registry as languages
from windlass.maintenance import expirer, reaper, runner
from windlass.processes import deny_tracing
from windlass.settings import ACCEPT_NO_SANDBOX, Settings, load
from windlass.supervise import Child, supervise
from windlass.telemetry import get_logger
from windlass.worker.execute import Executor
from windlass.worker.launcher.client import Launcher
from windlass.worker.launcher.probe import measure
from windlass.worker.loop import CHANNELS, Worker
from windlass.worker.source import Heart, SqlSource, WorkerInfo
from windlass.worker.toolchain import toolchain
from windlass.workspaces import first_start

log = get_logger("windlass")
SERVER_POOL, WORKER_POOL = 20, 4
WORKER_FAILED_STARTS = 5
EXIT_REFUSED = 78
SECRETS = ("database_url", "database_url_api", "database_url_system", "superadmin_secret")
UNSAFE = "0"


def main(arguments: list[str] | None = None) -> None:
    """Entry point of the `windlass` command; exits with an honest code."""
    options = _parser().parse_args(arguments)
    try:
        settings = load(home=options.home, host=options.host, port=options.port, mode=options.command)
        telemetry.configure(level=settings.rust_log, as_json=settings.json_fmt, role=settings.mode)
        command = options.command or settings.mode
        sys.exit(uvloop.run(_COMMANDS[command](settings)))
    except WindlassError as error:
        print(f"windlass: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="windlass", description="Scripts into workflows, webhooks and UIs.")
    parser.add_argument("--version", action="version", version=f"windlass {__version__}")
    parser.set_defaults(command=None, home=None, host=None, port=None)
    commands = parser.add_subparsers(dest="command", metavar="command")
    for name, text in _HELP.items():
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--home", type=Path, help="folder of all state (WINDLASS_HOME)")
        command.add_argument("--host", help="address to listen on (HOST)")
        command.add_argument("--port", type=int, help="port to listen on (PORT)")
    return parser


async def standalone(settings: Settings) -> int:
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
    await prepare(settings)
    stages: list[list[Child]] = []
    if not settings.disable_server:
        stages.append([_child(settings, "server", failed_starts=1)])
    if not settings.disable_workers:
        stages.append([_child(settings, "worker", failed_starts=WORKER_FAILED_STARTS, number=number)
                       for number in range(settings.num_workers)])  # fmt: skip
    foundation = server.ended() if server else None
    return await supervise(stages, drain_timeout=settings.drain_timeout, foundation=foundation)


def _child(settings: Settings, command: str, *, failed_starts: int, number: int | None = None) -> Child:
    secrets = {name: value for name in SECRETS if (value := getattr(settings, name))}
    argv = [sys.executable, "-m", "windlass", command, "--home", str(settings.home), "--host", settings.host,
            "--port", str(settings.port)]  # fmt: skip
    name = command if number is None else f"{command}-{number}"
    environment = dict(settings.child_environment)
    if command == "worker" and settings.is_loopback:
        environment.setdefault("WM_UNSANDBOXED", ACCEPT_NO_SANDBOX)
    return Child(name=name, argv=argv, env=environment, secrets=secrets, failed_starts=failed_starts)


async def prepare(settings: Settings) -> None:
    """Migrate the database and make the first account and workspaces; tells the first login once."""
    applied = await migrate(_owner_url(settings))
    if applied:
        log.info("migrated the database", applied=len(applied))
    database = _database(settings, SERVER_POOL)
    await database.open()
    try:
        login = await first_start.prepare(database, settings)
    finally:
        await database.close()
    if login is not None:
        print(f"First login: {FIRST_EMAIL} / {login}   (you will be asked to change it)", file=sys.stderr, flush=True)


async def serve(settings: Settings) -> int:
    """The API server with the web UI, and maintenance when it leads."""
    if not settings.is_supervised:
        await prepare(settings)
    database = _database(settings, SERVER_POOL)
    server = uvicorn.Server(uvicorn.Config(
        create_app(settings, database), host=settings.host, port=settings.port, log_level="warning", access_log=False,
        loop="none", http="httptools", ws="none", timeout_graceful_shutdown=5, server_header=False, backlog=2048,
    ))  # fmt: skip
    duties = asyncio.create_task(runner.run(database, [reaper.duty(settings), expirer.duty()]))
    announcing = asyncio.create_task(_announce(server, settings))
    try:
        await server.serve()
    finally:
        for task in (duties, announcing):
            task.cancel()
        await asyncio.gather(duties, announcing, return_exceptions=True)
    return 0 if server.started else 1


async def _announce(server: uvicorn.Server, settings: Settings) -> None:
    while not server.started:
        await asyncio.sleep(0.01)
    print(f"Windlass is ready: http://{settings.host}:{settings.port}", file=sys.stderr, flush=True)


async def work(settings: Settings) -> int:
    """One worker process."""
    deny_tracing()
    (settings.home / "jobs").mkdir(parents=True, exist_ok=True)
    (settings.home / "cache").mkdir(parents=True, exist_ok=True)
    launcher = Launcher(accept_unsandboxed=settings.accepts_no_sandbox)
    await launcher.start()
    try:
        measured = await measure(launcher, folder=settings.home / "jobs")
        if measured.tier == UNSAFE and not _may_go_on(settings, measured.open):
            return EXIT_REFUSED
        database = _database(settings, WORKER_POOL)
        await database.open()
        worker = await make_worker(settings, database, launcher, measured.tier)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, worker.stop)
        await worker.run()
        await database.close()
        return 0
    finally:
        await launcher.stop()


async def make_worker(settings: Settings, database: Database, launcher: Launcher, tier: str) -> Worker:
    """A worker of this process, ready to run."""
    name = f"wk-{settings.worker_group}-{socket.gethostname()}-{uuid4().hex[:8]}"
    info = WorkerInfo(name=name, instance=socket.gethostname(), group=settings.worker_group,
                      tags=settings.worker_tags or (*languages.names(), DEPENDENCY_TAG), slots=settings.worker_slots,
                      tier=tier)  # fmt: skip
    source = SqlSource(database, info)
    await source.open()
    executor = Executor(settings=settings, database=database, source=source, launcher=launcher,
                        tools=toolchain(settings))  # fmt: skip
    return Worker(settings=settings, source=source, executor=executor, heart=Heart(database),
                  listener=Listener(database, CHANNELS))  # fmt: skip


async def run_migrations(settings: Settings) -> int:
    """Bring the database up to date and say what was done."""
    server = None if settings.database_url else await embedded.start(settings.home)
    try:
        applied = await migrate(server.owner_url if server else _owner_url(settings))
    finally:
        if server is not None:
            await server.stop()
    print("\n".join(f"applied {name}" for name in applied) or "the database is up to date")
    return 0


async def examine(settings: Settings) -> int:
    """Check this machine; prints the fixing command for each failure."""
    return await doctor.examine(settings)


def _database(settings: Settings, default_size: int) -> Database:
    owner = _owner_url(settings)
    return Database(api_url=settings.database_url_api or owner, system_url=settings.database_url_system or owner,
                    size=settings.database_connections or default_size)  # fmt: skip


def _owner_url(settings: Settings) -> str:
    if settings.database_url is None:
        raise Misconfigured("set DATABASE_URL, or run `windlass standalone`, which brings its own PostgreSQL")
    return settings.database_url


def _may_go_on(settings: Settings, holes: list[str]) -> bool:
    """Whether a worker may run jobs although the sandbox leaks; says so loudly either way."""
    if settings.accepts_no_sandbox:
        log.warning("JOBS RUN WITHOUT A SANDBOX: any script can read and change what this user can", holes=holes)
        return True
    print(f"windlass worker: SANDBOX REFUSED: {', '.join(holes)}\n"
          "hint: run `windlass doctor`; WM_UNSANDBOXED=i-accept starts without a sandbox", file=sys.stderr)  # fmt: skip
    return False


def _check_port(settings: Settings) -> None:
    if settings.disable_server:
        return
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe_socket:
        probe_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe_socket.bind((settings.host, settings.port))
        except OSError as error:
            raise Misconfigured(f"port {settings.port} is taken; choose another with --port") from error


_COMMANDS: dict[str, Callable[[Settings], Coroutine[Any, Any, int]]] = {
    "standalone": standalone, "server": serve, "worker": work, "migrate": run_migrations, "doctor": examine,
}  # fmt: skip
_HELP = {name: (function.__doc__ or "").splitlines()[0] for name, function in _COMMANDS.items()}
