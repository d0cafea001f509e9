"""Every setting of Windlass, and the only reader of the environment.

`commands` builds one `Settings` at start and passes it, or the needed part, down. The reference page
`docs/reference/settings.md` is checked against this file by a test. Names are Windmill's where Windmill has them.
"""

import json
import os
import secrets
import sys
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from windlass.errors import Misconfigured

Mode = Literal["standalone", "server", "worker", "migrate", "doctor", "runtimes"]

ACCEPT_NO_SANDBOX = "i-accept"
SECRETS_FD = "WINDLASS_SECRETS_FD"
SECRETS = ("database_url", "database_url_api", "database_url_system", "superadmin_secret")
"""What a child process of ours gets by the pipe whose number is in `SECRETS_FD`, and never by its environment."""
PUBLIC_REGISTRIES = (
    "https://pypi.org", "https://files.pythonhosted.org", "https://registry.npmjs.org", "https://jsr.io",
    "https://npm.jsr.io",
)  # fmt: skip
_PORTS = {"http": 80, "https": 443}
PASSED_TO_INSTALLERS = (
    "PIP_", "UV_", "NPM_CONFIG_", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "NETRC",
)  # fmt: skip


def default_home() -> Path:
    """Root keeps state below /var/lib, a person below their data folder."""
    if os.geteuid() == 0:
        return Path("/var/lib/windlass")
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "windlass"


class Settings(BaseSettings):
    """All settings. Each field tells its unit, default and the reason for the default."""

    model_config = SettingsConfigDict(env_prefix="", case_sensitive=False, extra="ignore")

    mode: Mode = Field("standalone", description="What this process is, when no sub-command says so.")
    home: Path = Field(
        default_factory=default_home,
        validation_alias="WINDLASS_HOME",
        description="Folder of all state: database, caches, logs, job folders.",
    )
    host: str = Field("127.0.0.1", description="Address to listen on; loopback, so that nothing is open by accident.")
    port: int = Field(8000, ge=0, le=65535, description="TCP port of the API and the web UI; Windmill's default.")
    base_url: str | None = Field(
        None, description="Public URL, used in links and in WM_BASE_URL; default http://localhost:PORT."
    )
    base_internal_url: str | None = Field(
        None, description="URL under which jobs reach the API; default http://127.0.0.1:PORT."
    )

    database_url: str | None = Field(
        None, description="PostgreSQL to use, version 14 or newer; none means the embedded one."
    )
    database_url_file: Path | None = Field(
        None, description="File that holds DATABASE_URL, to keep it out of the environment."
    )
    database_url_api: str | None = Field(
        None, description="Login for requests (member of windlass_user only); default DATABASE_URL with SET ROLE."
    )
    database_url_system: str | None = Field(
        None, description="Login for workers and authentication (member of windlass_service); default DATABASE_URL."
    )
    database_connections: int | None = Field(
        None, ge=2, description="Pool size of one process; default 20 for a server, 4 for a worker."
    )

    num_workers: int = Field(1, ge=0, le=256, description="Worker processes that standalone starts.")
    worker_slots: int = Field(2, ge=1, le=63, description="Jobs that one worker process runs at the same time.")
    worker_group: str = Field("default", description="Name of the group this worker belongs to.")
    worker_tags: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Comma-separated tags this worker takes; none means every built-in tag."
    )
    disable_server: bool = Field(False, description="Standalone without the API server.")
    disable_workers: bool = Field(False, description="Standalone without workers.")
    sleep_queue: int = Field(
        1000, ge=10, description="Milliseconds between polls of the queue; the net below LISTEN/NOTIFY, so long."
    )
    heartbeat_interval: float = Field(
        5.0, gt=0, description="Seconds between heartbeats of a running job; six fit in the zombie timeout."
    )
    zombie_job_timeout: float = Field(
        30.0, gt=0, description="Seconds without a heartbeat after which a running job is taken from its worker."
    )
    restart_zombie_jobs: bool = Field(True, description="Put a zombie job back in the queue instead of failing it.")
    max_attempts: int = Field(3, ge=1, description="Starts of one job before it is given up as a poison job.")
    settle_batch: bool = Field(
        True, description="Bring outcomes home together and with the next claim; false takes a statement for each."
    )
    drain_timeout: float = Field(
        30.0, ge=0, description="Seconds that a stopping worker lets its jobs run on before it releases them."
    )
    job_default_timeout: int = Field(
        3600, ge=1, description="Seconds a job may run when its script sets no timeout; generous, but never for ever."
    )
    job_memory_mb: int | None = Field(
        None, ge=16, description="Memory limit of a job's process tree in MiB; none means no limit."
    )
    job_processes: int | None = Field(2000, ge=8, description="Processes and threads that one job may have.")
    job_disk_mb: int | None = Field(
        10240, ge=16, description="MiB that one job may keep in its folder, /tmp and /dev/shm; none means no limit."
    )
    max_log_chars: int = Field(
        4 * 1024 * 1024,
        ge=1024,
        description="Characters of log kept for one job, so that none fills the disk; a marker tells of the rest.",
    )
    max_result_bytes: int = Field(
        8 * 1024 * 1024, ge=1024, description="Bytes of one result; more fails the job with ResultTooLarge."
    )
    keep_job_dir: bool = Field(False, description="Keep the folder of each job after its end, for debugging.")
    python_path: Path | None = Field(
        None, description="Interpreter for Python jobs; default the one that Windlass itself was made with."
    )
    unsandboxed: str | None = Field(
        None,
        validation_alias="WM_UNSANDBOXED",
        description="Set to i-accept to let a worker start although the sandbox self-test fails.",
    )
    sandbox_tiers: Annotated[tuple[str, ...], NoDecode] = Field(
        ("A-root", "A", "A-noproc", "B"),
        description="Comma-separated sandbox tiers that a worker tries, best first; fewer, to do without one.",
    )
    sandbox_tier_s: str | None = Field(
        None, description="Name of the second kernel around this worker, such as kata: its jobs then have tier S."
    )
    min_sandbox_tier: Literal["0", "B", "A-noproc", "A", "A-root", "S"] = Field(
        "0", description="Sandbox tier below which a worker refuses to start; for groups that run what others wrote."
    )
    py_concurrent_downloads: int = Field(20, ge=1, description="Parallel downloads when Python packages install.")
    pip_index_url: str | None = Field(None, description="Python package index instead of PyPI.")
    pip_extra_index_url: str | None = Field(None, description="Further Python package index.")
    registry_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Comma-separated hosts that installs may reach beside the usual registries and those of the"
        " settings, as HOST or HOST:PORT; * means any.",
    )
    pip_trusted_host: str | None = Field(None, description="Index host whose certificate is not checked.")
    bun_path: Path | None = Field(
        None, description="Bun to run its scripts with; default the one that Windlass brings."
    )
    deno_path: Path | None = Field(
        None, description="Deno to run its scripts with; default the one that Windlass brings."
    )
    runtimes_on_first_use: bool = Field(
        True, description="Let a worker bring Bun and Deno from the npm registry when a job first needs them."
    )
    npm_config_registry: str | None = Field(None, description="npm registry instead of registry.npmjs.org.")

    timeout_wait_result: float = Field(
        600.0, gt=0, description="Seconds that run_wait_result waits before it answers 408; long, as users expect."
    )
    queue_limit_wait_result: int | None = Field(
        None, ge=0, description="Waiting jobs above which run_wait_result refuses; beats the query argument."
    )
    request_size_limit_mb: int = Field(10, ge=1, description="Largest request body in MiB; larger answers 413.")
    cookie_domain: str | None = Field(None, description="Domain attribute of the session cookie.")
    max_session_validity_seconds: int = Field(
        7 * 24 * 3600, ge=60, description="Life of a browser session; a week keeps a person logged in over a weekend."
    )
    superadmin_secret: str | None = Field(
        None, description="Token that is a virtual superadmin; at least 32 characters, off by default."
    )
    superadmin_initial_password: str | None = Field(
        None, description="Password of admin@windmill.dev on the first start; default changeme on loopback only."
    )
    create_workspace_require_superadmin: bool = Field(True, description="Only superadmins create workspaces.")

    zygote_memory_mb: int | None = Field(
        None,
        ge=0,
        description="Memory of a worker's warm processes in MiB; default a tenth of the machine's, at most 1024. "
        "0 starts every job cold.",
    )
    zygote_idle_seconds: float = Field(600.0, gt=0, description="Seconds that an unused warm process is kept.")
    dedicated_worker: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Scripts that stay loaded, as `workspace:path` with commas between: their jobs share a process."
    )
    run_update_ca_certificate_at_start: bool = Field(
        False, description="Have a worker refresh the system's certificates first, for a private authority."
    )
    run_update_ca_certificate_path: Path = Field(
        Path("/usr/sbin/update-ca-certificates"), description="The program that refreshes them; Debian's."
    )

    json_fmt: bool = Field(False, description="Log JSON records instead of readable lines.")
    rust_log: str = Field("info", description="Log level: trace, debug, info, warn, error (Windmill's name).")
    min_free_disk_space_mb: int = Field(1000, ge=0, description="Free MiB below which doctor complains.")
    fail: str | None = Field(
        None,
        description="Faults injected where transactions end, as border:pass:action, to test reliability; default none.",
    )
    license_key: str | None = Field(None, description="Accepted and ignored: there is no edition.")

    @field_validator("worker_tags", "sandbox_tiers", "dedicated_worker", "registry_hosts", mode="before")
    @classmethod
    def _split_words(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(tag.strip() for tag in value.split(",") if tag.strip())
        return value

    @field_validator("sandbox_tiers")
    @classmethod
    def _known_tiers(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or not set(value) <= {"A-root", "A", "A-noproc", "B"}:
            raise ValueError("must name at least one of A-root, A, A-noproc and B")
        return value

    @field_validator("superadmin_secret")
    @classmethod
    def _long_enough(cls, value: str | None) -> str | None:
        if value is not None and len(value) < 32:
            raise ValueError("must have at least 32 characters")
        return value

    @property
    def public_url(self) -> str:
        """The URL that people and links use, without a trailing slash."""
        return (self.base_url or f"http://localhost:{self.port}").rstrip("/")

    @property
    def internal_url(self) -> str:
        """The URL that jobs use, without a trailing slash."""
        return (self.base_internal_url or f"http://127.0.0.1:{self.port}").rstrip("/")

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        return self.host in {"127.0.0.1", "::1", "localhost"}

    @property
    def accepts_no_sandbox(self) -> bool:
        """Whether somebody has said that jobs may run although the sandbox leaks."""
        return self.unsandboxed == ACCEPT_NO_SANDBOX

    @cached_property
    def zygote_memory_bytes(self) -> int:
        """What the warm processes of one worker may use."""
        if self.zygote_memory_mb is not None:
            return self.zygote_memory_mb * 1024**2
        return min(1024**3, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 10)

    @property
    def is_supervised(self) -> bool:
        """Whether a parent of ours started this process and has prepared the database."""
        return SECRETS_FD in os.environ

    @cached_property
    def installer_environment(self) -> Mapping[str, str]:
        """What a resolver or installer needs to reach the registries; never handed to user code."""
        passed = {key: value for key, value in os.environ.items() if key.startswith(PASSED_TO_INSTALLERS)}
        chosen = {
            "UV_DEFAULT_INDEX": self.pip_index_url,
            "UV_INDEX": self.pip_extra_index_url,
            "UV_INSECURE_HOST": self.pip_trusted_host,
            "UV_CONCURRENT_DOWNLOADS": str(self.py_concurrent_downloads),
            "NPM_CONFIG_REGISTRY": self.npm_config_registry,
        }
        return passed | {key: value for key, value in chosen.items() if value}

    @cached_property
    def registries(self) -> frozenset[tuple[str, int]] | None:
        """The hosts and ports that a resolver or installer may reach; None means any."""
        if "*" in self.registry_hosts:
            return None
        values = (
            *self.installer_environment.values(),
            *PUBLIC_REGISTRIES,
            *(f"//{host}" for host in self.registry_hosts),
        )
        urls = [urlsplit(word) for value in values for word in value.split() if "//" in word]
        return frozenset((url.hostname, url.port or _PORTS.get(url.scheme, 443)) for url in urls if url.hostname)

    @cached_property
    def upstream_proxy(self) -> tuple[str, int] | None:
        """The proxy by which installs leave this machine, if any."""
        names = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")
        chosen = next((value for name in names if (value := self.installer_environment.get(name))), None)
        url = urlsplit(chosen or "")
        return (url.hostname, url.port or 80) if url.hostname else None

    @cached_property
    def interpreter(self) -> Path:
        """The interpreter of Python jobs: never the virtual environment's own."""
        return self.python_path or Path(getattr(sys, "_base_executable", sys.executable)).resolve()

    @property
    def child_environment(self) -> Mapping[str, str]:
        """The environment of a child process of ours, without what travels by pipe."""
        secret = {*SECRETS, "superadmin_initial_password"}
        return {key: value for key, value in os.environ.items() if key.lower() not in secret}


def _inherited_secrets() -> dict[str, str]:
    """What the parent process hands over by pipe, so that it stands in no environment and no argument list."""
    descriptor = os.environ.get(SECRETS_FD)
    if descriptor is None:
        return {}
    with os.fdopen(int(descriptor)) as pipe:
        return json.loads(pipe.read())


def _input_name(field: str) -> str:
    return str(Settings.model_fields[field].validation_alias or field)


def load(**overrides: object) -> Settings:
    """Read settings from overrides, then the parent's pipe, then the environment; Misconfigured names what is wrong."""
    given = {_input_name(field): value for field, value in overrides.items() if value is not None}
    try:
        settings = Settings(**(_inherited_secrets() | given))  # pyright: ignore[reportArgumentType]
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, item['loc'])).upper()}: {item['msg']}" for item in error.errors()]
        raise Misconfigured("; ".join(lines)) from error
    if settings.database_url is None and settings.database_url_file is not None:
        settings = settings.model_copy(update={"database_url": _read(settings.database_url_file)})
    return settings


def _read(file: Path) -> str:
    try:
        return file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"DATABASE_URL_FILE: {file} cannot be read: {error}") from error


def generate_password() -> str:
    """A password for a first login: 20 characters, easy to copy."""
    return secrets.token_urlsafe(15)
