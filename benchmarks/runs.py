"""Runs of trivial deployed scripts over HTTP: how long one takes, and how many are taken in a second."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from benchmarks.figures import Figure, Samples, Single
from benchmarks.instance import Instance

SCRIPTS = {
    "python3": "def main(n: str):\n    return int(n) + 1\n",
    "bash": 'n="${1:-1}"\necho $((n + 1))\n',
}
FOLDER = "u/admin/bench"
WARM_UP, RUNS, SUBMITS = 10, 200, 500
PARALLEL = 4
TARGETS = {"python3": "p50 ≤ 25 ms"}


def figures(instance: Instance) -> Iterator[Figure]:
    """Latency of each language alone and in parallel, then submissions a second."""
    for language, code in SCRIPTS.items():
        instance.deploy(f"{FOLDER}_{language}", language, code)
        _time_many(instance, language, WARM_UP, 1)
        alone = _time_many(instance, language, RUNS, 1)
        yield Samples(
            name=f"run_wait_result, {language}, one after another", milliseconds=alone, target=TARGETS.get(language, "")
        )
        begun = time.perf_counter()
        together = _time_many(instance, language, RUNS, PARALLEL)
        rate = RUNS / (time.perf_counter() - begun)
        yield Samples(name=f"run_wait_result, {language}, {PARALLEL} at a time", milliseconds=together)
        yield Single(name=f"runs, {language}, {PARALLEL} at a time", value=rate, unit="/s", n=RUNS)
    yield Samples(name="GET /api/version (no database)", milliseconds=_time_version(instance))
    yield _submissions(instance)


def _time_many(instance: Instance, language: str, count: int, parallel: int) -> list[float]:
    with ThreadPoolExecutor(parallel) as pool:
        return list(pool.map(lambda number: _time_one(instance, language, number), range(count)))


def _time_one(instance: Instance, language: str, number: int) -> float:
    begun = time.perf_counter()
    answer = instance.call("POST", f"jobs/run_wait_result/p/{FOLDER}_{language}", {"n": str(number)})
    elapsed = (time.perf_counter() - begun) * 1000
    if int(answer.strip(b'"')) != number + 1:
        raise RuntimeError(f"{language} answered {answer!r} for {number}")
    return elapsed


def _time_version(instance: Instance) -> list[float]:
    samples = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        instance.request("GET", "/api/version")
        samples.append((time.perf_counter() - begun) * 1000)
    return samples


def _submissions(instance: Instance) -> Single:
    """Only the submitting is timed; the tag has no worker, so that none disturbs it."""
    begun = time.perf_counter()
    with ThreadPoolExecutor(PARALLEL) as pool:
        list(pool.map(lambda _: _submit(instance), range(SUBMITS)))
    rate = SUBMITS / (time.perf_counter() - begun)
    return Single(name=f"asynchronous submissions, {PARALLEL} at a time", value=rate, unit="/s", n=SUBMITS)


def _submit(instance: Instance) -> bytes:
    return instance.call("POST", f"jobs/run/p/{FOLDER}_python3?tag=bench-nobody", {"n": "1"})
