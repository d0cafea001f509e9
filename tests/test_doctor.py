"""`windlass doctor`: each check fails on what it is for, and says how to mend it."""

import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from windlass import doctor
from windlass.settings import load


@contextmanager
def answering(status, body=b"", **headers):
    """The address of a server that gives everybody the same answer."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format, *args):
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize("status, body", [(200, b"<!doctype html><title>a very nice page</title>"), (404, b"")])
async def test_a_base_url_where_something_else_answers_fails(status, body):
    with answering(status, body) as url:
        finding = await doctor.check_base_url(load(base_url=url))
    assert (finding.ok, "BASE_URL" in finding.fix) == (False, True)


async def test_a_base_url_where_a_windlass_answers_is_good():
    with answering(200, b"CE v1.850.0", X_Windlass_Version="0.1.0") as url:
        finding = await doctor.check_base_url(load(base_url=url))
    assert (finding.ok, finding.detail) == (True, f"{url} answers 'CE v1.850.0'")


async def test_a_base_url_that_is_none_fails():
    assert not (await doctor.check_base_url(load(base_url="windlass.example.com"))).ok


async def test_a_database_that_does_not_answer_fails():
    finding = await doctor.check_database(load(database_url="postgresql://nobody@127.0.0.1:1/nothing"))
    assert (finding.ok, finding.fix) == (False, 'pg_isready -d "$DATABASE_URL"')


async def test_too_little_room_fails(tmp_path):
    finding = await doctor.check_disk(load(home=tmp_path / "not" / "there", min_free_disk_space_mb=2**40))
    assert (finding.ok, "--home" in finding.fix) == (False, True)


async def test_a_python_that_is_too_old_or_missing_fails(tmp_path):
    old = tmp_path / "python"
    old.write_text("#!/bin/sh\necho Python 3.9.2\n")
    old.chmod(0o755)
    for path in (old, tmp_path / "python3.99"):
        finding = await doctor.check_runtimes(load(python_path=path))
        assert (finding.ok, finding.fix) == (False, "set PYTHON_PATH to a Python 3.11 or newer")


def windlass(mode, **settings):
    return subprocess.run(
        [sys.executable, "-m", "windlass"], env=os.environ | {"MODE": mode} | settings, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip


def test_the_command_has_a_line_for_each_check_and_a_fix_for_each_failure(urls, tmp_path):
    said = windlass("doctor", DATABASE_URL=urls.owner, WINDLASS_HOME=str(tmp_path), MIN_FREE_DISK_SPACE_MB=str(2**40))
    lines = said.stdout.splitlines()
    for name in ("database", "runtimes", "sandbox", "base URL", "disk"):
        assert any(line[6:].startswith(name) for line in lines), said.stderr
    failures = [number for number, line in enumerate(lines) if line.startswith("FAIL")]
    assert failures and all(lines[number + 1].startswith("      fix: ") for number in failures)
    assert said.returncode == 1


def test_migrate_says_what_was_applied_and_then_that_nothing_is_left(postgres):
    first, second = (windlass("migrate", DATABASE_URL=postgres.owner) for _ in range(2))
    assert (first.returncode, "applied 0001_foundation.sql" in first.stdout.splitlines()) == (0, True), first.stderr
    assert (second.returncode, second.stdout) == (0, "the database is up to date\n")
