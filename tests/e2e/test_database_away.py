"""The database goes away under load, and comes back; and a database whose login is a plain owner."""

import threading
import time
import urllib.error
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from support.cluster import running_cluster
from support.processes import START_SECONDS, database_environment, running, temporary_home, wait_until
from windlass.auth.permissions import Principal
from windlass.db.pool import Database

pytestmark = pytest.mark.slow

OUTAGE_SECONDS = 3.0
LONGEST_ANSWER_SECONDS = 6.0
RESUMES_WITHIN_SECONDS = 3.0


@pytest.fixture
def home():
    with temporary_home() as home:
        yield home


@pytest.fixture
def cluster(home):
    with running_cluster(home.parent / "database") as cluster:
        yield cluster


@dataclass(kw_only=True)
class Load:
    """Callers that never give up, and what they were told."""

    server: object
    jobs: list[str] = field(default_factory=list)
    answers: Counter[int] = field(default_factory=Counter)
    slowest: float = 0.0
    over: threading.Event = field(default_factory=threading.Event)

    def start_jobs(self):
        while not self.over.wait(0.05):
            self.ask(lambda: self.jobs.append(self.server.start_job("echo short")))

    def look(self):
        while not self.over.wait(0.02):
            self.ask(lambda: self.server.call("GET", "/w/main/jobs/list"))

    def wait_for_results(self):
        body = {"content": "echo short", "language": "bash", "args": {}}
        while not self.over.wait(0.05):
            self.ask(lambda: self.server.call("POST", "/w/main/jobs/run_wait_result/preview", body=body))

    def ask(self, call):
        began, status = time.monotonic(), 200
        try:
            call()
        except urllib.error.HTTPError as error:
            status = error.code
        self.answers[status] += 1
        self.slowest = max(self.slowest, time.monotonic() - began)

    def __enter__(self):
        self.pool = ThreadPoolExecutor(3)
        self.asking = [self.pool.submit(one) for one in (self.start_jobs, self.look, self.wait_for_results)]
        return self

    def __exit__(self, *_):
        self.over.set()
        self.pool.shutdown()


@pytest.mark.parametrize("end", ["stop", "crash"])
def test_an_outage_under_load_costs_503_and_time_and_nothing_else(home, cluster, end, capsys):
    settings = database_environment(cluster.urls) | {"WORKER_SLOTS": "4", "HEARTBEAT_INTERVAL": "0.5"}
    with (
        running("server", home, **settings) as server,
        running("worker", home.parent / "worker", port=server.port, **settings) as worker,
    ):
        assert server.run("echo ready")["success"]
        long_job = server.start_job("echo up; sleep 5; echo survived")
        wait_until(lambda: server.job(long_job).get("logs"), START_SECONDS)
        with Load(server=server) as load:
            wait_until(lambda: len(load.jobs) >= 5, START_SECONDS)
            getattr(cluster, end)()
            away = time.monotonic()
            wait_until(lambda: time.monotonic() - away > OUTAGE_SECONDS, OUTAGE_SECONDS + 1)
            assert load.answers[503] > 10
            cluster.start()
            back, known = time.monotonic(), len(load.jobs)
            wait_until(lambda: len(load.jobs) > known, START_SECONDS)
            server.completed(load.jobs[known])
            resumed = time.monotonic() - back
        survivor = server.completed(long_job, seconds=10)
        outcomes = Counter(server.completed(job, seconds=10)["success"] for job in load.jobs)
        assert [one.exception() for one in load.asking] == [None, None, None]
        assert (server.process.poll(), worker.process.poll()) == (None, None)
    with capsys.disabled():
        print(f"\noutage of {OUTAGE_SECONDS:g} s by {end}: answers {dict(load.answers)}, slowest {load.slowest:.2f} s, "
              f"{outcomes[True]} accepted jobs done, work goes on {resumed:.2f} s after it is back")  # fmt: skip
    assert set(load.answers) == {200, 503}
    assert load.slowest < LONGEST_ANSWER_SECONDS
    assert resumed < RESUMES_WITHIN_SECONDS
    assert set(outcomes) == {True}
    assert (survivor["success"], survivor["result"]) == (True, "survived")
    assert "attempt 2" not in survivor["logs"]


# Of those that requests may touch; tokens are looked up before there is a principal, by the platform's own role.
TABLES_WITHOUT_FORCED_SECURITY = """
    SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'workspace_id'
    WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND NOT a.attisdropped
      AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
      AND has_table_privilege('windlass_user', c.oid, 'SELECT, INSERT, UPDATE, DELETE')
"""


async def make_plain_owner(owner_url):
    """A database whose owner may create roles and nothing more; returns its URL."""
    connection = await asyncpg.connect(owner_url)
    try:
        await connection.execute("CREATE ROLE plain LOGIN NOSUPERUSER CREATEROLE PASSWORD 'plain'")
        await connection.execute("CREATE DATABASE plain OWNER plain")
    finally:
        await connection.close()
    return urlunsplit(urlsplit(owner_url)._replace(netloc="plain:plain@", path="/plain"))


async def query(url, statement):
    connection = await asyncpg.connect(url)
    try:
        return [row[0] for row in await connection.fetch(statement)]
    finally:
        await connection.close()


async def variables_seen(url, workspace):
    database = Database(api_url=url, system_url=url, size=2)
    await database.open()
    actor = Principal(email="admin@windmill.dev", username="admin", role="admin", workspace=workspace)
    try:
        async with database.transaction(actor) as tx:
            return [row["path"] for row in await tx.connection.fetch("SELECT path FROM variable")]
    finally:
        await database.close()


def test_a_login_that_is_a_plain_owner_is_enough_and_row_level_security_holds(home, cluster):
    url = cluster.run(make_plain_owner(cluster.urls.owner))
    with (
        running("server", home, DATABASE_URL=url) as server,
        running("worker", home.parent / "worker", port=server.port, DATABASE_URL=url),
    ):
        variable = {"path": "u/admin/word", "value": "open sesame", "is_secret": True, "description": ""}
        server.call("POST", "/w/main/variables/create", body=variable)
        assert server.run('said="$1"; echo "$said"', said="$var:u/admin/word")["result"] == "open sesame"
    assert cluster.run(query(url, "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = 'plain'")) == [False]
    assert cluster.run(query(url, TABLES_WITHOUT_FORCED_SECURITY)) == []
    assert cluster.run(variables_seen(url, "main")) == ["u/admin/word"]
    assert cluster.run(variables_seen(url, "other")) == []
