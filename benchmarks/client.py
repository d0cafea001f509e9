"""A thin HTTP client: the standard library's, one connection a thread, so that little of a figure is its own."""

import http.client
import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any

IDLE_SECONDS = 3


@dataclass(kw_only=True)
class Client:
    """Sends JSON to a server on the loopback address."""

    port: int
    token: str = ""
    timeout_s: float = 60
    _local: threading.local = field(default_factory=threading.local)

    def request(self, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        """Status and body of one request on this thread's connection."""
        data = None if body is None else json.dumps(body).encode()
        connection = self.connection()
        connection.request(method, path, data, self.headers)
        response = connection.getresponse()
        return response.status, response.read()

    @property
    def headers(self) -> dict[str, str]:
        """What every request carries."""
        bearer = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return {"Content-Type": "application/json"} | bearer

    def connection(self) -> http.client.HTTPConnection:
        """This thread's connection, made anew when the server may have closed the idle one."""
        now = time.monotonic()
        if now - getattr(self._local, "used", -IDLE_SECONDS) >= IDLE_SECONDS:
            self._local.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timeout_s)
        self._local.used = now
        return self._local.connection

    def answers(self, path: str) -> bool:
        """Whether the server is up and says 200."""
        try:
            return self.request("GET", path)[0] == 200
        except (OSError, http.client.HTTPException):
            self.connection().close()
            return False


def good(status: int, answer: bytes) -> bytes:
    """The answer itself; RuntimeError on any status from 400 on."""
    if status >= 400:
        raise RuntimeError(f"{status}: {answer[:500].decode(errors='replace')}")
    return answer
