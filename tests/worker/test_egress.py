"""The way to the registries: what the proxy lets through, and what a job without another way can reach."""

import asyncio
import contextlib
import tempfile
from pathlib import Path

import pytest

from windlass import tiers
from windlass.languages.base import Command, Network
from windlass.languages.shared.header import network_of
from windlass.worker.launcher.client import Launcher, Limits
from windlass.worker.launcher.egress import read_ask

TRY = """
import socket, sys
def answer(way, *where):
    try:
        line = socket.create_connection(where, 5)
    except OSError as error:
        return type(error).__name__
    with line:
        line.sendall(way.encode())
        return line.recv(100).split(b"\\r\\n")[0].decode()
proxy, allowed, forbidden = (int(word) for word in sys.argv[1:])
print(answer(f"CONNECT 127.0.0.1:{allowed} HTTP/1.1\\r\\n\\r\\n", "127.0.0.1", proxy))
print(answer(f"GET http://127.0.0.1:{allowed}/x?y HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n", "127.0.0.1", proxy))
print(answer(f"CONNECT 127.0.0.1:{forbidden} HTTP/1.1\\r\\n\\r\\n", "127.0.0.1", proxy))
print(answer("GET / HTTP/1.1\\r\\n\\r\\n", "127.0.0.1", forbidden))
try:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    print("udp")
except PermissionError:
    print("no udp")
"""


async def serve(name: str):
    """A server that answers its own name and the first line it was sent."""

    async def answer(reader, writer):
        with contextlib.suppress(ConnectionError):
            writer.write(f"{name} {(await reader.readline()).decode()}\r\n".encode())
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


@pytest.mark.parametrize("tier", tiers.attainable())
async def test_a_command_with_the_network_of_registries_reaches_them_by_the_proxy_and_nothing_else(tier):
    (registry, allowed), (stranger, forbidden) = await serve("registry"), await serve("stranger")
    launcher = Launcher(ladder=(tier,), registries=frozenset({("127.0.0.1", allowed)}))
    with tempfile.TemporaryDirectory(prefix="windlass-egress-test-") as ground:
        Path(ground).chmod(0o711)
        (Path(ground) / "job").mkdir(mode=0o700)
        argv = ("sh", "-c", 'exec python3 -c "$0" "${HTTPS_PROXY##*:}" "$@"', TRY, str(allowed), str(forbidden))
        command = Command(
            argv=argv, env={"PATH": "/usr/bin:/bin:/usr/local/bin"}, cwd=Path(ground) / "job", network=Network.REGISTRY
        )
        try:
            running = await launcher.launch(command, limits=Limits(), slot=0)
            async with asyncio.timeout(30):
                output, errors, ended = await asyncio.gather(
                    running.stdout.read(), running.stderr.read(), running.wait()
                )
        finally:
            await launcher.stop()
            registry.close()
            stranger.close()
    assert ended.code == 0, errors
    connect, get, refused, direct, udp = output.decode().splitlines()
    assert connect == "HTTP/1.1 200 Connection established"
    assert get == "registry GET /x?y HTTP/1.1"
    assert refused == "HTTP/1.1 403 Forbidden"
    assert direct in {"ConnectionRefusedError", "PermissionError"}
    assert udp == "no udp"


@pytest.mark.parametrize(
    ("head", "place", "sent"),
    [
        (b"CONNECT pypi.org:443 HTTP/1.1\r\nHost: pypi.org\r\n\r\n", ("pypi.org", 443), b""),
        (b"CONNECT PyPI.org:8443 HTTP/1.1\r\n\r\n", ("pypi.org", 8443), b""),
        (
            b"GET http://h/a%20b?c HTTP/1.1\r\nHost: h\r\nProxy-Authorization: x\r\nConnection: keep-alive\r\n\r\n",
            ("h", 80),
            b"GET /a%20b?c HTTP/1.1\r\nConnection: close\r\nHost: h\r\n\r\n",
        ),
        (b"GET http://h:81 HTTP/1.1\r\n\r\n", ("h", 81), b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n"),
    ],
)
def test_the_head_of_a_request_says_where_to_go(head, place, sent):
    ask = read_ask(head)
    assert ask is not None and (ask.place, ask.head) == (place, sent)


@pytest.mark.parametrize(
    "head",
    [b"GET / HTTP/1.1\r\n\r\n", b"GET file:///etc/passwd HTTP/1.1\r\n\r\n", b"CONNECT :443 HTTP/1.1\r\n\r\n",
     b"CONNECT a:99999 HTTP/1.1\r\n\r\n", b"nonsense\r\n\r\n", b"\xff \xff \xff\r\n\r\n",
     b"GET https://h/ HTTP/1.1\r\n\r\n"],
)  # fmt: skip
def test_what_is_no_request_to_a_proxy_goes_nowhere(head):
    assert read_ask(head) is None


@pytest.mark.parametrize(
    ("code", "comment"), [("# windlass: network={}\nx", "#"), ("// windlass: network={}\nx", "//")]
)
@pytest.mark.parametrize("network", Network)
def test_a_script_says_in_its_header_what_it_needs_of_the_network(code, comment, network):
    assert network_of(code.format(network.value), comment) is network
