"""The oracle of sandboxed jobs, which write no file outside their folder: lines over loopback, stamped on arrival."""

import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from chaos.oracle import Note

PULSE_S = 0.05
# A job knows its attempt by the name of its folder, <id>-<epoch>.
PULSE = """
exec 9<>/dev/tcp/127.0.0.1/{port}
until=$((SECONDS + {seconds}))
while ((SECONDS < until)); do echo "alive $WM_JOB_ID ${{HOME##*-}} $$" >&9; sleep {pulse}; done
echo "end $WM_JOB_ID ${{HOME##*-}} $$" >&9
echo done
"""


@dataclass(kw_only=True)
class Witness:
    """What arrived so far."""

    port: int = 0
    seen: list[Note] = field(default_factory=list)
    attempts: set[tuple[str, str]] = field(default_factory=set)

    def notes_of(self, *jobs: str) -> list[Note]:
        """What these jobs said; their first word is their start."""
        return [note for note in list(self.seen) if note.job in jobs]

    def pulse(self, *, seconds: float) -> str:
        """Bash that says that it lives, for so long, and then that it ends."""
        return PULSE.format(port=self.port, seconds=round(seconds), pulse=PULSE_S)

    def hear(self, line: str) -> None:
        """Note one line now."""
        kind, job, epoch, pid = line.split()
        kind = kind if (job, epoch) in self.attempts else "start"
        self.attempts.add((job, epoch))
        self.seen.append(Note(kind=kind, job=job, epoch=int(epoch), at=time.monotonic(), pid=int(pid)))


@contextmanager
def running_witness() -> Iterator[Witness]:
    """A witness on loopback."""
    witness = Witness()

    class Line(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            for line in self.rfile:
                witness.hear(line.decode())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Line) as server:
        server.daemon_threads = True
        witness.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield witness
        server.shutdown()
        thread.join()
