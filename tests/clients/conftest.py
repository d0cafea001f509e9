"""The `wmill` module of this repository under another name, and a server that records what it is asked.

The test environment also holds Windmill's own `wmill`, which the parity test compares ours with.
"""

import importlib.util
import json
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

PACKAGE = Path(__file__).parents[2] / "clients" / "python" / "wmill"
NAME = "our_wmill"
TOKEN = "secret-token"
WORKSPACE = "demo"


def load_our_wmill() -> ModuleType:
    if NAME not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            NAME, PACKAGE / "__init__.py", submodule_search_locations=[str(PACKAGE)]
        )
        assert spec and spec.loader
        sys.modules[NAME] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[NAME])
    return sys.modules[NAME]


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A request as it reached the server; `path` is below /api/w/demo, or below /api with a leading slash."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    connection: int

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class StubServer:
    """Answers each (method, path) with what it was told to, the last of several for ever; else 404."""

    answers: dict[tuple[str, str], list[tuple[int, bytes]]] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    url: str = ""

    def on(self, method: str, path: str, *results: Any, status: int = 200, text: str | None = None) -> None:
        bodies = [text.encode()] if text is not None else [json.dumps(each).encode() for each in results or [None]]
        self.answers[method, path] = [(status, body) for body in bodies]

    def answer(self, request: Seen) -> tuple[int, bytes]:
        self.seen.append(request)
        queue = self.answers.get((request.method, request.path))
        if queue is None:
            return 404, f"Not found: nothing at {request.path}".encode()
        return queue.pop(0) if len(queue) > 1 else queue[0]

    @property
    def calls(self) -> list[tuple[str, str]]:
        return [(each.method, each.path) for each in self.seen]

    @property
    def last(self) -> Seen:
        return self.seen[-1]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    stub: StubServer

    def handle_any(self) -> None:
        address = urlsplit(self.path)
        path = address.path.removeprefix("/api").removeprefix(f"/w/{WORKSPACE}/")
        request = Seen(
            method=self.command,
            path=path,
            query=dict(parse_qsl(address.query, keep_blank_values=True)),
            headers=dict(self.headers),
            body=self._body(),
            connection=self.client_address[1],
        )
        status, content = self.stub.answer(request)
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = handle_any  # noqa: N815

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline(), 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def log_message(self, *_args: Any) -> None:
        """Keep the test output quiet."""


@pytest.fixture
def server():
    stub = StubServer()
    handler = type("Handler", (_Handler,), {"stub": stub})
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    http.daemon_threads = True
    stub.url = f"http://127.0.0.1:{http.server_port}"
    threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield stub
    http.shutdown()
    http.server_close()


@pytest.fixture
def wmill(server, monkeypatch):
    """Our module, set up as inside a job of the recording server."""
    module = load_our_wmill()
    for name in (
        "WM_MOCKED_API_FILE",
        "WM_BASE_URL",
        "BASE_URL",
        "MAIN_OVERRIDE",
        "WM_FLOW_JOB_ID",
        "WM_STATE_PATH_NEW",
    ):
        monkeypatch.delenv(name, raising=False)
    environment = {
        "BASE_INTERNAL_URL": server.url,
        "WM_TOKEN": TOKEN,
        "WM_WORKSPACE": WORKSPACE,
        "WM_JOB_ID": "job-1",
        "WM_JOB_PATH": "f/demo/this",
        "WM_ROOT_FLOW_JOB_ID": "root-1",
        "WM_STATE_PATH": "f/demo/this_state",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    module.default_client.cache_clear()
    yield module
    module.default_client.cache_clear()
