"""The sides of the comparison: the rows of the table. Read by `__main__`, `measurement` and `report`."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from benchmarks.peers.environments import version
from benchmarks.peers.targets import CODE, Target, bwrap, dedicated, ours, peer
from windlass import __version__

NO_ISOLATION = "none: in the process of the worker"
PREFECT = {
    "DO_NOT_TRACK": "1",
    "PREFECT_API_URL": "http://127.0.0.1:{child_port}/api",
    "PREFECT_HOME": "{folder}/prefect",
    "PREFECT_RUNNER_POLL_FREQUENCY": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
}
AIRFLOW = {
    "AIRFLOW_HOME": "{folder}/airflow",
    "AIRFLOW__API_AUTH__JWT_SECRET": "not a secret: the server listens on the loopback address for this run",
    "AIRFLOW__CORE__DAGS_FOLDER": str(Path(__file__).with_name("programs") / "airflow_dags"),
    "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": "http://127.0.0.1:{child_port}/execution/",
    "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
    "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "true",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql+psycopg2://{database}",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": "postgresql+asyncpg://{database}",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "false",
}


@dataclass(frozen=True, kw_only=True)
class Side:
    """One row of the table. A slow one takes seconds for each job."""

    name: str
    title: str
    version: str
    isolation: str
    start: Callable[[Path], AbstractContextManager[Target]] = field(repr=False)
    drains: bool = True
    slow: bool = False


SIDES = (
    Side(
        name="isolated",
        title="Windlass",
        version=__version__,
        isolation="fresh process in a sandbox for each job",
        start=ours,
    ),
    Side(
        name="dedicated",
        title="Windlass, dedicated worker",
        version=__version__,
        isolation="sandboxed process for each script",
        start=dedicated,
    ),
    Side(
        name="cold",
        title="Windlass, `# windlass: cold`",
        version=__version__,
        isolation="new interpreter in a new sandbox for each job",
        start=partial(ours, code=f"# windlass: cold\n{CODE}"),
    ),
    Side(
        name="bwrap",
        title="Starlette, one table, bubblewrap",
        version=version("bwrap", "starlette"),
        isolation="new interpreter in a new sandbox for each job",
        start=bwrap,
        drains=False,
    ),
    Side(
        name="celery",
        title="Celery prefork -c2, Redis in memory",
        version=version("celery", "celery"),
        isolation="none: pool of processes",
        start=peer("celery", "serve_celery"),
    ),
    Side(
        name="celery-durable",
        title="Celery prefork -c2, Redis with AOF, fsync always",
        version=version("celery", "celery"),
        isolation="none: pool of processes",
        start=peer("celery", "serve_celery", DURABLE="yes"),
    ),
    Side(
        name="procrastinate",
        title="Procrastinate, concurrency 10",
        version=version("procrastinate", "procrastinate"),
        isolation=f"{NO_ISOLATION}; keeps no result",
        start=peer("procrastinate", "serve_procrastinate"),
    ),
    Side(
        name="pgqueuer",
        title="PGQueuer, batches of 10",
        version=version("pgqueuer", "pgqueuer"),
        isolation=f"{NO_ISOLATION}; keeps no result",
        start=peer("pgqueuer", "serve_pgqueuer"),
    ),
    Side(
        name="dbos",
        title="DBOS: one called directly, many by a queue",
        version=version("dbos", "dbos"),
        isolation=NO_ISOLATION,
        start=peer("dbos", "serve_dbos"),
    ),
    Side(
        name="prefect",
        title="Prefect serve on SQLite, polling every second; asked every 20 ms",
        version=version("prefect", "prefect"),
        isolation="process for each run",
        start=peer("prefect", "serve_prefect", **PREFECT),
        drains=False,
        slow=True,
    ),
    Side(
        name="airflow",
        title="Airflow LocalExecutor; asked every 50 ms",
        version=version("airflow", "apache-airflow"),
        isolation="process for each task",
        start=peer("airflow", "serve_airflow", **AIRFLOW),
        drains=False,
        slow=True,
    ),
)
