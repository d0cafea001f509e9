"""A load generator of its own process: sends one request again and again on some connections and counts the answers.

`python -m benchmarks.load` reads what to send as JSON on its standard input and prints what came of it. It parses no
more of an answer than its length, so that it takes little of the machine that it measures.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from typing import cast

import uvloop

GRACE_S = 30


@dataclass(frozen=True, kw_only=True)
class Load:
    """What to send: one request, on so many connections, for so many seconds after a warm-up."""

    port: int
    path: str
    body: str
    token: str = ""
    connections: int = 1
    seconds: float = 3.0
    warm_up: float = 1.0

    @property
    def request(self) -> bytes:
        """The request as it goes over the wire."""
        bearer = f"Authorization: Bearer {self.token}\r\n" if self.token else ""
        head = (f"POST {self.path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(self.body.encode())}\r\n{bearer}\r\n")  # fmt: skip
        return (head + self.body).encode()


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What came of a load. `milliseconds` are the 999 quantiles of what the requests took in the measured seconds."""

    rate: float
    milliseconds: list[float]


def run(load: Load) -> Answers:
    """Send a load from a process of its own. Raises RuntimeError when an answer is no success."""
    done = subprocess.run([sys.executable, "-m", "benchmarks.load"], input=json.dumps(asdict(load)), text=True,
                          capture_output=True, timeout=load.seconds + load.warm_up + GRACE_S, check=False)  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    return Answers(**json.loads(done.stdout))


class _Sender(asyncio.Protocol):
    """One connection: the next request goes out when the answer to the last one is whole. `ended` gets the reason when
    it is over: None when the time is.
    """

    def __init__(self, load: Load, begun: float, answered: list[float]) -> None:
        self._request = load.request
        self._begun = begun
        self._until = begun + load.seconds
        self._answered = answered
        self._received = b""
        self.ended: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, rest = self._received.partition(b"\r\n\r\n")
        if not found or len(rest) < _length(head):
            return
        now = time.perf_counter()
        if not head.startswith(b"HTTP/1.1 20"):
            self._end(f"{head.splitlines()[0].decode()}: {rest[:300].decode(errors='replace')}")
        if self._sent >= self._begun:
            self._answered.append((now - self._sent) * 1000)
        if now < self._until:
            self._send()
        else:
            self._end(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(f"the connection was lost: {exc}")

    def _send(self) -> None:
        self._received = b""
        self._sent = time.perf_counter()
        self._transport.write(self._request)

    def _end(self, reason: str | None) -> None:
        if not self.ended.done():
            self.ended.set_result(reason)


def _length(head: bytes) -> int:
    _, _, rest = head.lower().partition(b"content-length:")
    return int(rest.partition(b"\r\n")[0])


async def _measure(load: Load) -> Answers:
    loop = asyncio.get_running_loop()
    begun = time.perf_counter() + load.warm_up
    answered: list[float] = []
    connecting = (loop.create_connection(lambda: _Sender(load, begun, answered), "127.0.0.1", load.port)
                  for _ in range(load.connections))  # fmt: skip
    reasons = await asyncio.gather(*[sender.ended for _, sender in [await one for one in connecting]])
    reason = next((reason for reason in reasons if reason is not None), None)
    if reason is not None:
        raise RuntimeError(reason)
    rate = len(answered) / (time.perf_counter() - begun)
    return Answers(rate=rate, milliseconds=[round(one, 3) for one in statistics.quantiles(answered, n=1000)])


if __name__ == "__main__":
    print(json.dumps(asdict(uvloop.run(_measure(Load(**json.load(sys.stdin)))))))
