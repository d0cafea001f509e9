"""How long a printed line takes to whoever watches the job, as the browser does."""

import json
import time
from collections.abc import Iterator

from benchmarks.figures import Figure, Samples
from benchmarks.instance import WORKSPACE, Instance

LINES = 100
CODE = f"""
import time

def main():
    for _ in range({LINES}):
        print(time.time(), flush=True)
        time.sleep(0.02)
"""


def figures(instance: Instance) -> Iterator[Figure]:
    """From the print in the job to the event at the watcher, for each of a hundred lines."""
    body = {"language": "python3", "content": CODE, "args": {}}
    job = instance.call("POST", "jobs/run/preview", body).decode()
    delays = [
        (arrived - float(line)) * 1000
        for arrived, text in _texts(instance, job)
        for line in text.splitlines()
        if line.replace(".", "", 1).isdigit()
    ]
    if len(delays) != LINES:
        raise RuntimeError(f"{len(delays)} of {LINES} lines arrived")
    yield Samples(name="log line from print to watcher", milliseconds=delays, target="≤ 300 ms")


def _texts(instance: Instance, job: str) -> Iterator[tuple[float, str]]:
    connection = instance.connection()
    connection.request("GET", f"/api/w/{WORKSPACE}/jobs_u/getupdate_sse/{job}", headers=instance.headers)
    pending = ""
    with connection.getresponse() as response:
        for raw in response:
            if not raw.startswith(b"data: "):
                continue
            event = json.loads(raw.removeprefix(b"data: "))
            *whole, pending = (pending + (event.get("new_logs") or "")).split("\n")
            yield time.time(), "\n".join(whole)
            if event.get("completed"):
                return
