"""One HTTP exchange at a time over a connection kept open per thread.

`connection.py` calls it; it knows nothing of workspaces or jobs.
"""

import http.client
import json
import os
import select
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO
from urllib.parse import quote, urlencode, urlsplit

from .errors import ApiError, NotFound, Unreachable

Body = bytes | BinaryIO | Iterator[bytes] | None


@dataclass(frozen=True, kw_only=True)
class Response:
    """An answer of the server, read to its end."""

    method: str
    path: str
    status_code: int
    headers: http.client.HTTPMessage
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", "replace")

    @property
    def is_success(self) -> bool:
        return 200 <= self.status_code < 300

    def json(self) -> Any:
        """The decoded body; ValueError when it is not JSON."""
        return json.loads(self.content)

    def raise_for_status(self) -> "Response":
        """This response, or ApiError when the status is 400 or more."""
        if self.status_code >= 400:
            kind = NotFound if self.status_code == 404 else ApiError
            raise kind(status=self.status_code, method=self.method, path=self.path, body=self.text)
        return self


class Transport:
    """Connections to one server. Threads and forked children each get their own."""

    def __init__(self, base_url: str, *, verify: bool | str | ssl.SSLContext = True) -> None:
        address = urlsplit(base_url)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise ValueError(f"Not an http address: {base_url!r}")
        self.host: str = address.hostname
        self._address, self._prefix = address, address.path.rstrip("/")
        self._context = _tls_context(verify) if address.scheme == "https" else None
        self._kept = threading.local()

    def exchange(self, method: str, path: str, *, headers: dict, body: Body, timeout: float | None) -> Response:
        """Send one request and read the whole answer; Unreachable when none comes, TimeoutError when late.

        Only a GET is repeated when a kept connection breaks: any other may have been carried out.
        """
        connection = self._connection(timeout)
        may_repeat = method == "GET" and connection.sock is not None
        try:
            return self._send(connection, method, path, headers, body)
        except Unreachable:
            if not may_repeat:
                raise
            return self._send(connection, method, path, headers, body)

    def stream(self, path: str, *, headers: dict, timeout: float | None) -> http.client.HTTPResponse:
        """The open answer to a GET, on a connection of its own that ends when the answer is closed."""
        connection = self._open(timeout)
        answer = self._request(connection, "GET", path, {**headers, "Connection": "close"}, None)
        if answer.status >= 400:
            self._read(connection, answer, "GET", path).raise_for_status()
        return answer

    def _send(self, connection, method: str, path: str, headers: dict, body: Body) -> Response:
        return self._read(connection, self._request(connection, method, path, headers, body), method, path)

    def _request(self, connection, method: str, path: str, headers: dict, body: Body) -> http.client.HTTPResponse:
        with self._faults(connection):
            connection.request(method, self._prefix + path, body=body, headers=headers)
            return connection.getresponse()

    def _read(self, connection, answer: http.client.HTTPResponse, method: str, path: str) -> Response:
        with self._faults(connection):
            content = answer.read()
        return Response(method=method, path=path, status_code=answer.status, headers=answer.headers, content=content)

    def _faults(self, connection) -> "_Faults":
        return _Faults(connection, self._address.netloc)

    def _connection(self, timeout: float | None) -> http.client.HTTPConnection:
        # A forked child must not share its parent's socket: their answers would mix.
        if getattr(self._kept, "pid", None) != os.getpid():
            self._kept.pid, self._kept.connection = os.getpid(), self._open(timeout)
        connection = self._kept.connection
        if connection.sock is not None:
            if _is_stale(connection):
                connection.close()
            else:
                connection.sock.settimeout(timeout)
        connection.timeout = timeout
        return connection

    def _open(self, timeout: float | None) -> http.client.HTTPConnection:
        if self._context is None:
            return http.client.HTTPConnection(self.host, self._address.port, timeout=timeout)
        return http.client.HTTPSConnection(self.host, self._address.port, timeout=timeout, context=self._context)


class _Faults:
    """Closes the connection after any fault, so that the next request starts afresh, and names the server."""

    def __init__(self, connection: http.client.HTTPConnection, server: str) -> None:
        self.connection, self.server = connection, server

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind, fault, trace) -> None:
        if fault is None:
            return
        self.connection.close()
        if isinstance(fault, (OSError, http.client.HTTPException)) and not isinstance(fault, TimeoutError):
            raise Unreachable(f"No answer from {self.server}: {fault or kind.__name__}") from fault


def _is_stale(connection: http.client.HTTPConnection) -> bool:
    # Between requests a healthy connection is silent: something to read means the server has closed it.
    return bool(select.select([connection.sock], [], [], 0)[0])


def _tls_context(verify: bool | str | ssl.SSLContext) -> ssl.SSLContext:
    if isinstance(verify, ssl.SSLContext):
        return verify
    context = ssl.create_default_context(cafile=verify if isinstance(verify, str) else None)
    if verify is False:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def encode_path(endpoint: str, params: Mapping[str, Any] | None = None) -> str:
    """A request path with its query. None is left out; slashes and %-escapes stay as they are."""
    path, _, query = endpoint.partition("?")
    given = [(key, _wire(value)) for key, value in (params or {}).items() if value is not None]
    queries = [part for part in (query, urlencode(given, doseq=True)) if part]
    return "?".join(["/" + quote(path.lstrip("/"), safe="/%:@!$&'()*+,;=~"), *(["&".join(queries)] if queries else [])])


def encode_json(value: Any) -> bytes:
    """JSON bytes; dates and times become ISO 8601 text."""
    return json.dumps(value, default=_iso, allow_nan=False, separators=(",", ":")).encode()


def _wire(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def _iso(value: Any) -> str:
    if hasattr(value, "isoformat"):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be sent as JSON")
