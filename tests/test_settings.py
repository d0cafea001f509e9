"""Every setting is read under its name, refuses nonsense by name, and keeps secrets to itself."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from windlass.commands import worker
from windlass.errors import Misconfigured
from windlass.settings import Settings, default_home, generate_password, load

EXAMPLES: dict[str, tuple[str, Any]] = {
    "mode": ("worker", "worker"),
    "home": ("/srv/windlass", Path("/srv/windlass")),
    "host": ("0.0.0.0", "0.0.0.0"),
    "port": ("8080", 8080),
    "base_url": ("https://windlass.example.com", "https://windlass.example.com"),
    "base_internal_url": ("http://server:8000", "http://server:8000"),
    "database_url": ("postgresql://a@b/c", "postgresql://a@b/c"),
    "database_url_file": ("/run/secrets/url", Path("/run/secrets/url")),
    "database_url_api": ("postgresql://api@b/c", "postgresql://api@b/c"),
    "database_url_system": ("postgresql://system@b/c", "postgresql://system@b/c"),
    "database_connections": ("7", 7),
    "num_workers": ("3", 3),
    "worker_slots": ("5", 5),
    "worker_group": ("heavy", "heavy"),
    "worker_tags": ("gpu,python3", ("gpu", "python3")),
    "disable_server": ("true", True),
    "disable_workers": ("1", True),
    "sleep_queue": ("50", 50),
    "heartbeat_interval": ("0.5", 0.5),
    "zombie_job_timeout": ("2", 2.0),
    "restart_zombie_jobs": ("false", False),
    "max_attempts": ("1", 1),
    "drain_timeout": ("0", 0.0),
    "job_default_timeout": ("60", 60),
    "job_memory_mb": ("512", 512),
    "job_processes": ("64", 64),
    "settle_batch": ("false", False),
    "fail": ("push:1:kill", "push:1:kill"),
    "job_disk_mb": ("128", 128),
    "max_log_chars": ("2048", 2048),
    "max_result_bytes": ("4096", 4096),
    "keep_job_dir": ("yes", True),
    "python_path": ("/usr/bin/python3", Path("/usr/bin/python3")),
    "unsandboxed": ("i-accept", "i-accept"),
    "sandbox_tiers": ("A,B", ("A", "B")),
    "sandbox_tier_s": ("kata", "kata"),
    "min_sandbox_tier": ("B", "B"),
    "py_concurrent_downloads": ("4", 4),
    "pip_index_url": ("https://index.example.com/simple", "https://index.example.com/simple"),
    "pip_extra_index_url": ("https://extra.example.com/simple", "https://extra.example.com/simple"),
    "bun_path": ("/opt/bun", Path("/opt/bun")),
    "deno_path": ("/opt/deno", Path("/opt/deno")),
    "runtimes_on_first_use": ("false", False),
    "npm_config_registry": ("https://npm.example.com", "https://npm.example.com"),
    "registry_hosts": ("a.example.com,b:81", ("a.example.com", "b:81")),
    "pip_trusted_host": ("index.example.com", "index.example.com"),
    "timeout_wait_result": ("20", 20.0),
    "queue_limit_wait_result": ("0", 0),
    "request_size_limit_mb": ("1", 1),
    "cookie_domain": ("example.com", "example.com"),
    "max_session_validity_seconds": ("3600", 3600),
    "superadmin_secret": ("s" * 32, "s" * 32),
    "superadmin_initial_password": ("correct horse", "correct horse"),
    "create_workspace_require_superadmin": ("false", False),
    "json_fmt": ("true", True),
    "rust_log": ("debug", "debug"),
    "min_free_disk_space_mb": ("5", 5),
    "license_key": ("anything", "anything"),
    "zygote_memory_mb": ("64", 64),
    "zygote_idle_seconds": ("5", 5.0),
    "dedicated_worker": ("main:u/a/b, main:u/a/c", ("main:u/a/b", "main:u/a/c")),
    "run_update_ca_certificate_at_start": ("true", True),
    "run_update_ca_certificate_path": ("/bin/refresh", Path("/bin/refresh")),
}
ENVIRONMENT_NAMES = {"home": "WINDLASS_HOME", "unsandboxed": "WM_UNSANDBOXED"}


def name_of(field: str) -> str:
    return ENVIRONMENT_NAMES.get(field, field.upper())


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment without a setting of ours or of an installer; the tests fill in what they need."""
    ours = {name_of(field) for field in Settings.model_fields} | {"UNSANDBOXED", "WINDLASS_SECRETS_FD"}
    for name in list(os.environ):
        if name.upper() in ours or name.startswith(("PIP_", "UV_", "NPM_CONFIG_")):
            monkeypatch.delenv(name)
    return monkeypatch


def test_every_setting_has_an_example_here():
    assert set(EXAMPLES) == set(Settings.model_fields)


@pytest.mark.parametrize("tiers", ["", "C", "A,0"])
def test_a_sandbox_tier_that_does_not_exist_is_refused(environment, tiers):
    environment.setenv("SANDBOX_TIERS", tiers)
    with pytest.raises(Misconfigured, match="SANDBOX_TIERS"):
        load()


@pytest.mark.parametrize("field", EXAMPLES)
def test_a_setting_is_read_under_its_name_in_the_environment(environment, field, tmp_path):
    text, value = EXAMPLES[field]
    if field == "database_url_file":
        (tmp_path / "url").write_text("postgresql://file@b/c\n")
        text, value = str(tmp_path / "url"), tmp_path / "url"
    assert getattr(load(), field) != value
    environment.setenv(name_of(field), text)
    assert getattr(load(), field) == value


def test_the_home_of_a_person_is_not_the_home_of_windlass(environment, tmp_path):
    environment.setenv("HOME", str(tmp_path))
    assert load().home == default_home() != tmp_path


def test_a_short_spelling_does_not_switch_the_sandbox_off(environment):
    environment.setenv("UNSANDBOXED", "i-accept")
    assert not load().accepts_no_sandbox


def test_without_an_environment_it_is_one_machine_on_loopback():
    settings = load()
    assert (settings.mode, settings.host, settings.port) == ("standalone", "127.0.0.1", 8000)
    assert (settings.public_url, settings.internal_url) == ("http://localhost:8000", "http://127.0.0.1:8000")
    assert (settings.num_workers, settings.worker_slots, settings.worker_tags) == (1, 2, ())
    assert settings.database_url is None
    assert settings.superadmin_secret is None
    assert not settings.accepts_no_sandbox


def test_six_heartbeats_fit_in_the_default_time_of_silence():
    settings = load()
    assert settings.zombie_job_timeout / settings.heartbeat_interval == 6


def test_state_is_below_var_lib_for_root_and_below_the_data_folder_for_a_person(environment, tmp_path):
    environment.setattr(os, "geteuid", lambda: 0)
    assert load().home == Path("/var/lib/windlass")
    environment.setattr(os, "geteuid", lambda: 1000)
    environment.setenv("XDG_DATA_HOME", str(tmp_path))
    assert load().home == tmp_path / "windlass"
    environment.delenv("XDG_DATA_HOME")
    environment.setenv("HOME", str(tmp_path))
    assert load().home == tmp_path / ".local" / "share" / "windlass"


def test_an_option_wins_over_the_environment_and_an_option_not_given_does_not(environment):
    environment.setenv("PORT", "8001")
    environment.setenv("WINDLASS_HOME", "/from/environment")
    assert load(port=8002).port == 8002
    assert load(port=None).port == 8001
    assert load(home=Path("/from/option")).home == Path("/from/option")
    assert load(home=None).home == Path("/from/environment")


def test_the_database_url_may_stand_in_a_file(environment, tmp_path):
    (tmp_path / "url").write_text("postgresql://file@b/c\n")
    environment.setenv("DATABASE_URL_FILE", str(tmp_path / "url"))
    assert load().database_url == "postgresql://file@b/c"


def test_a_file_of_the_database_url_that_cannot_be_read_is_named(environment, tmp_path):
    environment.setenv("DATABASE_URL_FILE", str(tmp_path / "missing"))
    with pytest.raises(Misconfigured, match="^DATABASE_URL_FILE: .*missing cannot be read"):
        load()


def test_the_database_url_itself_wins_over_the_file(environment, tmp_path):
    (tmp_path / "url").write_text("postgresql://file@b/c")
    environment.setenv("DATABASE_URL_FILE", str(tmp_path / "url"))
    environment.setenv("DATABASE_URL", "postgresql://environment@b/c")
    assert load().database_url == "postgresql://environment@b/c"


@pytest.mark.parametrize(
    ("text", "tags"),
    [("gpu", ("gpu",)), (" gpu , python3,, ", ("gpu", "python3")), ("", ()), (",", ())],
)
def test_worker_tags_are_separated_by_commas(environment, text, tags):
    environment.setenv("WORKER_TAGS", text)
    assert load().worker_tags == tags


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PORT", "eighty"), ("PORT", "65536"), ("MODE", "agent-of-chaos"), ("NUM_WORKERS", "-1"),
        ("WORKER_SLOTS", "0"), ("SLEEP_QUEUE", "1"), ("ZOMBIE_JOB_TIMEOUT", "0"), ("MAX_ATTEMPTS", "0"),
        ("JSON_FMT", "maybe"), ("DATABASE_CONNECTIONS", "1"), ("JOB_MEMORY_MB", "1"),
        ("SUPERADMIN_SECRET", "too short"), ("REQUEST_SIZE_LIMIT_MB", "much"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused_by_the_name_of_its_variable(environment, name, text):
    environment.setenv(name, text)
    with pytest.raises(Misconfigured, match=f"^{name}: "):
        load()


def test_every_wrong_value_is_named_at_once(environment):
    environment.setenv("PORT", "eighty")
    environment.setenv("NUM_WORKERS", "many")
    with pytest.raises(Misconfigured, match=r"PORT: .*; NUM_WORKERS: "):
        load()


@pytest.mark.parametrize(
    "name",
    ["DATABASE_URL", "DATABASE_URL_API", "DATABASE_URL_SYSTEM", "SUPERADMIN_SECRET", "SUPERADMIN_INITIAL_PASSWORD"],
)
@pytest.mark.parametrize("spell", [str.upper, str.lower])
def test_a_secret_is_not_in_the_environment_of_a_child(environment, name, spell):
    secret = "s" * 40
    environment.setenv(spell(name), secret)
    environment.setenv("WORKER_GROUP", "heavy")
    settings = load()
    assert getattr(settings, name.lower()) == secret
    assert secret not in settings.child_environment.values()
    assert settings.child_environment["WORKER_GROUP"] == "heavy"


def test_secrets_come_in_by_the_pipe_of_the_parent(environment):
    reading, writing = os.pipe()
    os.write(writing, json.dumps({"database_url": "postgresql://pipe@b/c"}).encode())
    os.close(writing)
    environment.setenv("WINDLASS_SECRETS_FD", str(reading))
    settings = load()
    assert settings.database_url == "postgresql://pipe@b/c"
    assert settings.is_supervised
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(reading)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_only_this_machine_reaches_a_loopback_address(host):
    assert load(host=host).is_loopback


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.5", "windlass.example.com", "127.0.0.1.example.com", ""])
def test_every_other_address_is_open_to_others(host):
    assert not load(host=host).is_loopback


@pytest.mark.parametrize("text", ["true", "1", "yes", "i-accept-this", "I-ACCEPT", ""])
def test_only_the_exact_words_accept_a_worker_without_a_sandbox(environment, text):
    environment.setenv("WM_UNSANDBOXED", text)
    assert not load().accepts_no_sandbox


def test_public_and_internal_urls_have_no_slash_at_the_end(environment):
    environment.setenv("BASE_URL", "https://windlass.example.com/")
    environment.setenv("BASE_INTERNAL_URL", "http://server:8000//")
    settings = load()
    assert (settings.public_url, settings.internal_url) == ("https://windlass.example.com", "http://server:8000")


def test_installers_get_what_reaches_the_registries_and_nothing_else(environment):
    environment.setenv("UV_NATIVE_TLS", "true")
    environment.setenv("NPM_CONFIG_STRICT_SSL", "true")
    environment.setenv("HTTPS_PROXY", "http://proxy:3128")
    environment.setenv("SSL_CERT_FILE", "/etc/ssl/own.pem")
    environment.setenv("DATABASE_URL", "postgresql://a@b/c")
    environment.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    given = load().installer_environment
    assert (given["UV_NATIVE_TLS"], given["NPM_CONFIG_STRICT_SSL"]) == ("true", "true")
    assert given["HTTPS_PROXY"] == "http://proxy:3128"
    assert given["SSL_CERT_FILE"] == "/etc/ssl/own.pem"
    assert not given.keys() & {"DATABASE_URL", "AWS_SECRET_ACCESS_KEY", "PATH", "HOME"}


def test_the_indexes_of_pip_become_those_of_uv(environment):
    environment.setenv("PIP_INDEX_URL", "https://index.example.com/simple")
    environment.setenv("PIP_EXTRA_INDEX_URL", "https://extra.example.com/simple")
    environment.setenv("PIP_TRUSTED_HOST", "index.example.com")
    environment.setenv("PY_CONCURRENT_DOWNLOADS", "4")
    given = load().installer_environment
    assert given["UV_DEFAULT_INDEX"] == "https://index.example.com/simple"
    assert given["UV_INDEX"] == "https://extra.example.com/simple"
    assert given["UV_INSECURE_HOST"] == "index.example.com"
    assert given["UV_CONCURRENT_DOWNLOADS"] == "4"


def test_the_registry_of_npm_reaches_its_installers(environment):
    environment.setenv("NPM_CONFIG_REGISTRY", "https://npm.example.com")
    assert load().installer_environment["NPM_CONFIG_REGISTRY"] == "https://npm.example.com"


def test_without_an_index_of_ones_own_uv_keeps_its_default():
    assert not load().installer_environment.keys() & {"UV_DEFAULT_INDEX", "UV_INDEX", "UV_INSECURE_HOST"}


def test_python_jobs_never_run_in_our_own_virtual_environment(environment):
    assert ".venv" not in load().interpreter.parts
    environment.setenv("PYTHON_PATH", "/opt/python/bin/python3")
    assert load().interpreter == Path("/opt/python/bin/python3")


def test_made_up_passwords_differ_and_are_long():
    made = {generate_password() for _ in range(50)}
    assert len(made) == 50
    assert all(len(password) == 20 for password in made)


async def test_a_worker_refreshes_certificates_with_the_chosen_program(tmp_path):
    program = tmp_path / "refresh"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/done\n")
    program.chmod(0o755)
    await worker._refresh_certificates(program)
    assert (tmp_path / "done").exists()


@pytest.mark.parametrize("text", ["#!/bin/sh\nexit 3\n", None])
async def test_certificates_that_cannot_be_refreshed_do_not_stop_a_worker(tmp_path, text):
    program = tmp_path / "refresh"
    if text:
        program.write_text(text)
        program.chmod(0o755)
    await worker._refresh_certificates(program)
