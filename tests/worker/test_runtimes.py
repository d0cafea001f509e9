"""Bringing Bun and Deno: what comes is checked, what does not come is told with its fix."""

import base64
import hashlib
import io
import json
import tarfile
import threading
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import unquote

import pytest

from windlass.commands import runtimes as command
from windlass.languages.base import RuntimeMissing, Toolchain
from windlass.settings import load
from windlass.worker import runtimes

NAME, VERSION = "@maker/program-linux", "1.2.3"


def archive_of(files):
    """A package's archive as npm makes it."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text))
    return content.getvalue()


ARCHIVE = archive_of({"package/package.json": b"{}", "package/bin/bun": b"#!/bin/sh\necho the program\n"})


@contextmanager
def registry(archive=ARCHIVE, versions=(VERSION,)):
    """The address of a registry that has one package, and the paths that it was asked for."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(unquote(self.path))
            url = f"http://127.0.0.1:{self.server.server_port}"
            listed = {version: {"dist": {"tarball": f"{url}/archive.tgz"}} for version in versions}
            body = archive if self.path == "/archive.tgz" else json.dumps({"versions": listed}).encode()
            self.send_response(200 if asked[-1] in (f"/{NAME}", "/archive.tgz") else 404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format, *args):
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def catalogue(monkeypatch):
    """A catalogue in which Bun is a small program."""
    digest = base64.b64encode(hashlib.sha512(ARCHIVE).digest()).decode()
    package = runtimes.Package(name=NAME, integrity=f"sha512-{digest}")
    small = replace(runtimes.BUN, version=VERSION, packages={runtimes.machine(): package})
    monkeypatch.setattr(runtimes, "CATALOGUE", {"bun": small})
    monkeypatch.setenv("PATH", "/nowhere")


def nothing_in(home):
    """Tools without any runtime."""
    return Toolchain(python=home, uv=home, cache=home, client=home, bash=home)


def test_a_program_is_brought_once_and_can_be_executed_by_everybody(catalogue, tmp_path):
    with registry() as (url, asked):
        settings = load(home=tmp_path, npm_config_registry=url)
        place = runtimes.install("bun", settings)
        assert runtimes.install("bun", settings) == place == runtimes.find("bun", settings)
    assert asked == [f"/{NAME}", "/archive.tgz"]
    assert place == tmp_path / "cache" / "runtimes" / "bun-1.2.3" / "bun"
    assert place.read_bytes().endswith(b"the program\n")
    assert place.stat().st_mode & 0o777 == 0o755
    assert [one.name for one in place.parent.iterdir()] == ["bun"]


@pytest.mark.parametrize(
    "offered, reason",
    [
        ({"archive": ARCHIVE + b"x"}, "has not the digest"),
        ({"archive": b""}, "has not the digest"),
        ({"versions": ("9.9.9",)}, "the registry has no"),
    ],
)
def test_what_is_not_what_it_should_be_is_left_out(catalogue, tmp_path, offered, reason):
    with registry(**offered) as (url, _), pytest.raises(RuntimeMissing, match=reason) as refusal:
        runtimes.install("bun", load(home=tmp_path, npm_config_registry=url))
    assert "BUN_PATH" in str(refusal.value) and "NPM_CONFIG_REGISTRY" in str(refusal.value)
    assert not list(tmp_path.rglob("bun"))


def test_an_archive_without_the_program_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no file package/bin/bun"):
        runtimes.unpack(archive_of({"package/other": b"x"}), "package/bin/bun", tmp_path / "bun")


def test_a_registry_out_of_reach_is_told_with_the_fix(catalogue, tmp_path):
    with pytest.raises(RuntimeMissing, match="could not be had from 127.0.0.1"):
        runtimes.install("bun", load(home=tmp_path, npm_config_registry="http://127.0.0.1:1"))


def test_a_registry_that_is_no_http_address_is_refused(catalogue, tmp_path):
    (tmp_path / "@maker%2Fprogram-linux").write_text("{}")
    with pytest.raises(RuntimeMissing, match="no http address"):
        runtimes.install("bun", load(home=tmp_path, npm_config_registry=f"file://{tmp_path}"))


def test_a_setting_wins_over_ours_and_ours_over_the_path(catalogue, tmp_path, monkeypatch):
    beside = tmp_path / "bin" / "bun"
    beside.parent.mkdir()
    beside.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(beside.parent))
    settings = load(home=tmp_path)
    assert runtimes.find("bun", settings) == beside
    ours = runtimes.place_of(runtimes.CATALOGUE["bun"], settings)
    ours.parent.mkdir(parents=True)
    ours.touch(mode=0o755)
    assert runtimes.find("bun", settings) == ours
    assert runtimes.find("bun", load(home=tmp_path, bun_path=tmp_path / "mine")) == tmp_path / "mine"


async def test_a_worker_brings_a_runtime_when_a_job_needs_it_and_says_so(catalogue, tmp_path):
    tools, told = nothing_in(tmp_path), []
    with registry() as (url, asked):
        settings = load(home=tmp_path, npm_config_registry=url)
        provided = await runtimes.provide(("python3", "bun"), tools, settings, told.append)
        again = await runtimes.provide(("bun",), provided, settings, told.append)
    assert provided.runtime("bun") == again.runtime("bun") == runtimes.find("bun", settings)
    assert (told, len(asked)) == (["--- bringing bun 1.2.3, once for this worker ---\n"], 2)


async def test_a_worker_that_may_not_bring_it_names_the_command_that_does(catalogue, tmp_path):
    settings = load(home=tmp_path, runtimes_on_first_use=False, npm_config_registry="http://127.0.0.1:1")
    tools = await runtimes.provide(("bun",), nothing_in(tmp_path), settings, print)
    with pytest.raises(RuntimeMissing, match="windlass runtimes install bun"):
        tools.runtime("bun")


async def test_the_command_installs_and_lists(catalogue, tmp_path, capsys):
    with registry() as (url, _):
        settings = load(home=tmp_path, npm_config_registry=url)
        assert await command.run(settings, "list") == 0
        assert "windlass runtimes install bun" in capsys.readouterr().out
        assert await command.run(settings, "install", "bun", "bun") == 0
        assert await command.run(settings, "list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"bun    {tmp_path}/cache/runtimes/bun-1.2.3/bun"] * 2


@pytest.mark.parametrize("words", [(), ("install",), ("install", "klingon"), ("list", "bun"), ("remove", "bun")])
async def test_words_that_mean_nothing_are_answered_with_those_that_do(tmp_path, capsys, words):
    assert await command.run(load(home=tmp_path), *words) == 2
    assert "`install` and one or more of: bun, deno" in capsys.readouterr().err


async def test_the_command_fails_when_a_runtime_does_not_come(catalogue, tmp_path, capsys):
    settings = load(home=tmp_path, npm_config_registry="http://127.0.0.1:1")
    assert await command.run(settings, "install", "bun") == 1
    assert "could not be had" in capsys.readouterr().err
