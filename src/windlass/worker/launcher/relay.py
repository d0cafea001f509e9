"""The end of `egress` inside a network of its own. `supervisor` starts one for a job that may reach registries only.

A child of the supervisor, beside the job and in the same network: it takes TCP connections and passes each on to the
worker's socket. It ends with whatever else is left when the job has ended.
"""

import fcntl
import os
import select
import signal
import socket
import struct
from typing import NoReturn

from windlass.worker.launcher import kernel

PORT = 3128
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1
_CHUNK_BYTES = 65536
_NOBODY = 65534


def start(file: str) -> None:
    """Enter a network in which only this relay can be reached, and fork it. `file` is the worker's socket, where this
    process sees it now. Raises OSError.
    """
    kernel.unshare(kernel.CLONE_NEWNET)
    _switch_loopback_on()
    listener = socket.create_server(("127.0.0.1", PORT))
    place = os.open(os.path.dirname(file), os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    if os.fork() == 0:
        _relay(listener, place, os.path.basename(file))
    os.close(place)
    listener.close()


def _switch_loopback_on() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
        name = struct.pack("16sh", b"lo", 0)
        flags = struct.unpack("16sh", fcntl.ioctl(device, _SIOCGIFFLAGS, name))[1]
        fcntl.ioctl(device, _SIOCSIFFLAGS, struct.pack("16sh", b"lo", flags | _IFF_UP))


def _relay(listener: socket.socket, place: int, name: str) -> NoReturn:
    try:
        # By the folder, which stays when the root that it lies in is taken away.
        os.fchdir(place)
        if os.geteuid() == 0:
            os.setresuid(_NOBODY, _NOBODY, _NOBODY)
        kernel.clear_capabilities()
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while True:
            inner, _ = listener.accept()
            with inner:
                if os.fork() == 0:
                    _join(inner, name)
    finally:
        os._exit(0)


def _join(inner: socket.socket, name: str) -> NoReturn:
    try:
        outer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        outer.connect(name)
        to = {inner.fileno(): outer, outer.fileno(): inner}
        poller = select.poll()
        for file in to:
            poller.register(file, select.POLLIN)
        while to:
            for file, _ in poller.poll():
                chunk = os.read(file, _CHUNK_BYTES)
                if chunk:
                    to[file].sendall(chunk)
                else:
                    poller.unregister(file)
                    to.pop(file).shutdown(socket.SHUT_WR)
    finally:
        os._exit(0)
