"""A process that has imported the platform and forks itself on request: a worker starts in milliseconds, so that it may
be killed every second. Run as `python -m chaos.nursery`: one JSON line in starts a child, one line out tells of a start
or an end. The other side is `chaos.fleet`.
"""

import asyncio
import importlib
import json
import os
import selectors
import signal
import sys
import traceback
from typing import Any

PRELOAD = ("chaos.stub_worker", "chaos.journeys")


def main() -> None:
    """Serve requests until stdin ends; the children end with it."""
    for name in PRELOAD:
        importlib.import_module(name)
    children: dict[int, int] = {}
    with selectors.DefaultSelector() as ready:
        ready.register(0, selectors.EVENT_READ)
        while True:
            for key, _ in ready.select():
                if key.fd != 0:
                    _collect(ready, children, key.fd)
                elif not _serve(ready, children):
                    return _end(children)


def _serve(ready: selectors.BaseSelector, children: dict[int, int]) -> bool:
    line = sys.stdin.readline()  # the other side waits for the answer, so there is never a second line behind it
    if line:
        pid = _fork(json.loads(line))
        descriptor = os.pidfd_open(pid)
        children[descriptor] = pid
        ready.register(descriptor, selectors.EVENT_READ)
        _tell(started=pid)
    return bool(line)


def _collect(ready: selectors.BaseSelector, children: dict[int, int], descriptor: int) -> None:
    ready.unregister(descriptor)
    os.close(descriptor)
    pid = children.pop(descriptor)
    _tell(ended=pid, code=os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def _end(children: dict[int, int]) -> None:
    for pid in children.values():
        os.kill(pid, signal.SIGKILL)


def _tell(**news: int) -> None:
    print(json.dumps(news), flush=True)


def _fork(request: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        code = _live(request)
    except BaseException:  # noqa: BLE001 - the end of a forked child: it must never return into its parent's code
        traceback.print_exc()
        code = 1
    os._exit(code)


def _live(request: dict[str, Any]) -> int:
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    os.dup2(2, 1)
    os.environ.update(request["environment"])
    module, name = request["run"].split(":")
    return asyncio.run(getattr(importlib.import_module(module), name)(**request["arguments"])) or 0


if __name__ == "__main__":
    main()
