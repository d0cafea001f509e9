"""What one side gave: its latencies and drains, repeat by repeat. Called by `__main__`, read by `report`."""

import http.client
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.figures import percentile
from benchmarks.peers.sides import Side
from benchmarks.peers.targets import Drain, NotRunnable, Target

SLOW_SHARE = 20
"""A slow side gets this part of the requests: it takes seconds for each."""
WARM_UP = 30


@dataclass(frozen=True, kw_only=True)
class Amount:
    """How much is measured in one repeat."""

    requests: int
    jobs: int

    def of(self, side: Side) -> int:
        """The requests that this side gets."""
        return max(self.requests // SLOW_SHARE, 3) if side.slow else self.requests


@dataclass(kw_only=True)
class Measured:
    """All repeats of one side. `reason` says why there is none, or no more."""

    side: Side
    latencies: list[Sequence[float]] = field(default_factory=list)
    drains: list[Drain] = field(default_factory=list)
    reason: str = ""

    def repeat(self, amount: Amount) -> None:
        """Start the side, measure, stop it; nothing when it could not run before."""
        if self.reason:
            return
        try:
            with tempfile.TemporaryDirectory(prefix="windlass-peers-") as folder:
                Path(folder).chmod(0o711)  # PostgreSQL's account must be able to reach its folder
                with self.side.start(Path(folder)) as target:
                    self._measure(target, amount)
        except (NotRunnable, RuntimeError, OSError, http.client.HTTPException, subprocess.SubprocessError) as error:
            self.reason = str(error) or type(error).__name__

    def _measure(self, target: Target, amount: Amount) -> None:
        requests = amount.of(self.side)
        for n in range(1 if self.side.slow else WARM_UP):
            _timed_run(target, n)
        self.latencies.append([_timed_run(target, n) for n in range(requests)])
        if self.side.drains:
            target.drain(amount.jobs // 10)
            self.drains.append(target.drain(amount.jobs))

    @property
    def p50s(self) -> list[float]:
        """Milliseconds, one a repeat."""
        return [percentile(samples, 50) for samples in self.latencies]

    @property
    def p50(self) -> float:
        """Milliseconds, the median of the repeats."""
        return statistics.median(self.p50s)

    @property
    def p99(self) -> float:
        """Milliseconds, the median of the repeats."""
        return statistics.median(percentile(samples, 99) for samples in self.latencies)

    def rates(self, jobs: int) -> list[float]:
        """Jobs a second from the first submission to the last end, one a repeat."""
        return [jobs / drain.total_s for drain in self.drains]


def _timed_run(target: Target, n: int) -> float:
    begun = time.perf_counter()
    result = target.run(n)
    elapsed = (time.perf_counter() - begun) * 1000
    if result != n + 1:
        raise RuntimeError(f"answered {result!r} for {n}")
    return elapsed
