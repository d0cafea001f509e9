"""The place where faults happen: one PostgreSQL, one database, one server, and as many workers as a scenario wants.

Blocking, so that a scenario may kill and wait without an event loop in the way; what needs one runs in the cluster's.
"""

import asyncio
import time
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import HTTPError
from uuid import UUID

import asyncpg
import orjson

from chaos import oracle, recorder
from chaos.fleet import Child, Fleet, running_fleet
from chaos.history import MAX_ATTEMPTS, Event, Report, Rules, check
from chaos.oracle import Note
from support.api import make_token, settings_for
from support.cluster import Cluster, running_cluster
from support.postgres import Urls
from support.processes import Windlass, database_environment, running, temporary_home
from support.runs import enqueue
from windlass.auth.accounts import FIRST_EMAIL
from windlass.db.migrate import migrate
from windlass.db.pool import Database
from windlass.flows.settle import settle
from windlass.jobs import pull
from windlass.jobs.model import Completion, JobKind, Status
from windlass.jobs.rescue import RescuePolicy
from windlass.maintenance.reaper import reap
from windlass.workspaces import first_start

LEASE_S = 2.0
HEARTBEAT_S = 0.4
LEASES = {"ZOMBIE_JOB_TIMEOUT": str(LEASE_S), "HEARTBEAT_INTERVAL": str(HEARTBEAT_S), "RUST_LOG": "error"}
REST_S = 120.0
POLICY = RescuePolicy(restart=True, max_attempts=MAX_ATTEMPTS)
STUB = "chaos.stub_worker:run"
R = TypeVar("R")


@dataclass(kw_only=True)
class World:
    """A database, its server, and the tools to hurt them. Each scenario has tags of its own."""

    folder: Path
    cluster: Cluster
    urls: Urls
    database: Database
    fleet: Fleet
    stack: ExitStack
    servers: list[Windlass] = field(default_factory=list)
    marks: dict[str, int] = field(default_factory=dict)

    def run(self, operation: Coroutine[Any, Any, R]) -> R:
        """The outcome of an asynchronous operation."""
        return self.cluster.run(operation)

    def fetch(self, query: str, *values: object) -> list[Any]:
        """The rows of a query of the owner."""
        return self.run(_fetch(self.urls.owner, query, *values))

    def environment(self, **more: str) -> dict[str, str]:
        """The settings of a process of this world."""
        return database_environment(self.urls) | LEASES | more

    def start_server(self, **more: str) -> Windlass:
        """A server, and with it the reaper; runs until the world ends."""
        home = self.folder / f"server{len(self.servers)}"
        server = self.stack.enter_context(running("server", home, **self.environment(**more)))
        self.servers.append(server)
        return server

    def replace_server(self, stopped: Windlass) -> Windlass:
        """Another server in the place of one that has stopped: same home, same port."""
        environment = self.environment()
        return self.stack.enter_context(running("server", stopped.home, port=stopped.port, **environment))

    @property
    def notes_folder(self) -> Path:
        """Where the jobs of stub workers write."""
        return self.folder / "notes"

    def notes(self, jobs: Sequence[str] | None = None) -> list[Note]:
        """What jobs wrote, those of `jobs` or all."""
        chosen = None if jobs is None else set(jobs)
        return [note for note in oracle.read(self.notes_folder) if chosen is None or note.job in chosen]

    def start_worker(self, tag: str, **more: str) -> Child:
        """A stub worker that takes this tag."""
        environment = self.environment(**({"WORKER_TAGS": tag, "WORKER_SLOTS": "4"} | more))
        return self.fleet.start(STUB, environment, notes=str(self.notes_folder))

    def enqueue(self, tag: str, count: int = 1, *, each: Sequence[Mapping[str, Any]] = ({},)) -> list[str]:
        """Put jobs into the queue; their arguments are those of `each`, in turn. Returns the acknowledged ids."""
        return self.run(self._enqueue(tag, count, each))

    def start_real(self, tag: str, code: str, language: str = "bash") -> str:
        """Put code for a real worker into the queue."""
        return self.run(self._enqueue_code(tag, code, language))

    async def _enqueue_code(self, tag: str, code: str, language: str) -> str:
        async with self.database.system() as tx:
            return str(await enqueue(tx, kind=JobKind.PREVIEW, code=code, language=language, tag=tag))

    async def _enqueue(self, tag: str, count: int, each: Sequence[Mapping[str, Any]]) -> list[str]:
        async def one(number: int) -> str:
            async with self.database.system() as tx:
                args = orjson.dumps(each[number % len(each)])
                return str(await enqueue(tx, kind=JobKind.PREVIEW, code="true", language="bash", tag=tag, args=args))

        made: list[str] = []
        for first in range(0, count, 100):
            made += await asyncio.gather(*(one(number) for number in range(first, min(first + 100, count))))
        return made

    def claim(self, tag: str) -> None:
        """Claim everything of this tag for a worker that does not exist."""
        self.run(self._claim(tag))

    async def _claim(self, tag: str) -> None:
        async with self.database.system() as tx:
            await pull.pull(tx, pull.Claim(worker="ghost", tags=[tag], slots=99))

    def reap_all(self) -> None:
        """Take every running job from its worker; call it while no worker runs."""
        self.run(reap(self.database, silence=0, policy=POLICY))

    def token(self) -> str:
        """A token of the first account."""
        return self.run(self._token())

    async def _token(self) -> str:
        async with self.database.system() as tx:
            return await make_token(tx, FIRST_EMAIL)

    def make_dead_token(self, label: str) -> None:
        """A token that has expired."""
        self.run(self._make_dead_token(label))

    async def _make_dead_token(self, label: str) -> None:
        async with self.database.system() as tx:
            await make_token(tx, FIRST_EMAIL, label=label, expiration=datetime.now(UTC) - timedelta(days=1))

    def make_variable(self, path: str) -> None:
        """A variable that jobs may name in their arguments; harmless when it is there."""
        body = {"path": path, "value": "open sesame", "is_secret": True, "description": ""}
        with suppress(HTTPError):
            self.servers[0].call("POST", "/w/main/variables/create", body=body)

    @property
    def log(self) -> Path:
        """What the children said."""
        return self.folder / "fleet.log"

    def mark(self, name: str) -> None:
        """Remember where the log of the children stands."""
        self.marks[name] = self.log.stat().st_size

    def has_injected(self, border: str, *, since: str) -> bool:
        """Whether a child has said, after a mark, that a fault was injected at this border."""
        lines = self.log.read_bytes()[self.marks[since] :].decode(errors="replace").splitlines()
        return any("a fault is injected" in line and f"border={border} " in f"{line} " for line in lines)

    def left(self, *tags: str) -> int:
        """How many jobs of these tags wait or run."""
        return self.fetch("SELECT count(*) FROM job_queue WHERE tag = ANY ($1::text[])", list(tags))[0][0]

    def rest(self, *tags: str, seconds: float = REST_S) -> None:
        """Return when nothing of these tags waits or runs any more."""
        deadline = time.monotonic() + seconds
        while left := self.left(*tags):
            assert time.monotonic() < deadline, f"{left} jobs of {tags} still wait or run after {seconds:g} s"
            time.sleep(0.05)

    def events(self, *tags: str) -> list[Event]:
        """What happened to the jobs of these tags in the database."""
        return self.run(_events(self.urls.owner, list(tags)))

    def judge(self, *tags: str, accepted: Sequence[str], notes: Sequence[Note] | None = None, **rules: Any) -> Report:
        """The verdict over the jobs of these tags; `notes` are those of a witness, else the stub workers' own."""
        events = self.events(*tags)
        told = self.notes([event.job for event in events]) if notes is None else notes
        return check(told, events, Rules(accepted=accepted, **rules))

    def replay_completions(self, *tags: str) -> tuple[int, int]:
        """Send the end of every attempt there ever was again: how many were sent, how many were refused."""
        attempts = sorted({(event.job, event.epoch) for event in self.events(*tags) if event.kind == "claimed"})
        return len(attempts), self.run(self._replay(attempts))

    async def _replay(self, attempts: Sequence[tuple[str, int]]) -> int:
        refused = 0
        for job, epoch in attempts:
            late = Completion(job_id=UUID(job), epoch=epoch, status=Status.FAILURE, result=b'"late"')
            async with self.database.system() as tx:
                refused += not await settle(tx, late)
        return refused


async def _fetch(url: str, query: str, *values: object) -> list[Any]:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetch(query, *values)
    finally:
        await connection.close()


async def _events(url: str, tags: list[str]) -> list[Event]:
    connection = await asyncpg.connect(url)
    try:
        return await recorder.events(connection, tags)
    finally:
        await connection.close()


@contextmanager
def running_world() -> Iterator[World]:
    """A PostgreSQL of its own with a recording database, without a server yet."""
    with ExitStack() as stack:
        home = stack.enter_context(temporary_home())
        folder = home.parent
        (folder / "notes").mkdir(mode=0o777)
        cluster = stack.enter_context(running_cluster(home))
        fleet = stack.enter_context(running_fleet(home, log=folder / "fleet.log"))
        database = Database(api_url=cluster.urls.api, system_url=cluster.urls.system, size=8)
        world = World(folder=folder, cluster=cluster, urls=cluster.urls, database=database, fleet=fleet, stack=stack)
        world.run(_prepare(world))
        try:
            yield world
        finally:
            world.run(database.close())


async def _prepare(world: World) -> None:
    await migrate(world.urls.owner)
    await world.database.open()
    await first_start.prepare(world.database, settings_for(world.urls))
    connection = await asyncpg.connect(world.urls.owner)
    try:
        await recorder.install(connection)
    finally:
        await connection.close()
