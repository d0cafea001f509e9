"""Judges a history: what jobs said about themselves (`oracle.py`) against what the database says (`recorder.py`).

Pure: no clock, no file, no database. A violation is a sentence; none means that every promise was kept.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import TypeVar

from chaos.oracle import Note

MAX_ATTEMPTS = 3
T = TypeVar("T", bound="Note | Event")


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened to a job in the database, in the order of its commits.

    `kind` is queued, claimed, released, left (the queue), completed, changed or erased (of the completed row).
    """

    kind: str
    job: str
    epoch: int
    at: float = 0.0
    status: str = ""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What the run promised beside what always holds. `accepted` are the jobs whose enqueue was acknowledged."""

    accepted: Collection[str]
    max_attempts: int = MAX_ATTEMPTS
    once: Collection[str] = ()
    """Jobs that must not start a second time."""
    notes_complete: bool = True
    """Whether every successful job has written its own start and end."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """What was found. `overlap_ms` is the longest time that two attempts of one job lived at once."""

    jobs: int
    lost: int
    doubled: int
    restarts: int
    overlap_ms: float
    violations: Sequence[str] = field(default_factory=tuple)


def check(notes: Sequence[Note], events: Sequence[Event], rules: Rules) -> Report:
    """Judge a run that has come to rest: nothing is queued or running any more."""
    told, known = _by_job(notes), _by_job(events)
    lost = [job for job in rules.accepted if not _of(known.get(job, ()), "completed")]
    doubled = [job for job, of_job in known.items() if len(_of(of_job, "completed")) > 1]
    found = [f"{job}: was accepted and never ended" for job in lost]
    found += [f"{job}: ended {len(_of(known[job], 'completed'))} times" for job in doubled]
    for job, of_job in known.items():
        found += [f"{job}: {problem}" for problem in _problems(of_job, told.get(job, ()), job, rules)]
    found += [f"{job}: ran and is not in the database" for job in told if job not in known]
    starts = sum(note.kind == "start" for note in notes)
    return Report(
        jobs=len(known), lost=len(lost), doubled=len(doubled), restarts=starts - len(told),
        overlap_ms=max((overlap_ms(of_job) for of_job in told.values()), default=0.0), violations=found,
    )  # fmt: skip


def overlap_ms(notes: Iterable[Note]) -> float:
    """The longest time in milliseconds that two attempts of one job both showed life."""
    seen: dict[tuple[int, int], list[float]] = defaultdict(list)
    for note in notes:
        seen[note.epoch, note.pid].append(note.at)
    spans = [(min(times), max(times)) for times in seen.values()]
    return max((_common(*pair) for pair in combinations(spans, 2)), default=0.0) * 1000


def _common(one: tuple[float, float], other: tuple[float, float]) -> float:
    return max(0.0, min(one[1], other[1]) - max(one[0], other[0]))


def _problems(events: Sequence[Event], notes: Sequence[Note], job: str, rules: Rules) -> Iterator[str]:
    yield from _order_problems(events)
    yield from _claim_problems(events, once=job in rules.once, max_attempts=rules.max_attempts)
    yield from _note_problems(events, notes, is_complete=rules.notes_complete)


def _order_problems(events: Sequence[Event]) -> Iterator[str]:
    """The end is the end, and it belongs to the attempt that held the job."""
    end = next((place for place, event in enumerate(events) if event.kind == "completed"), None)
    if end is None:
        return
    later = [event.kind for event in events[end + 1 :] if event.kind not in {"left", "completed"}]
    if later:
        yield f"{', '.join(later)} after its end"
    held = max((event.epoch for event in events[:end] if event.kind == "claimed"), default=0)
    if events[end].epoch != held:
        yield f"ended by attempt {events[end].epoch}, while attempt {held} was the last to claim it"


def _claim_problems(events: Sequence[Event], *, once: bool, max_attempts: int) -> Iterator[str]:
    epochs = [event.epoch for event in _of(events, "claimed")]
    if epochs != list(range(1, len(epochs) + 1)):
        yield f"claimed with the epochs {epochs}"
    if len(epochs) > (1 if once else max_attempts):
        yield f"claimed {len(epochs)} times"


def _note_problems(events: Sequence[Event], notes: Sequence[Note], *, is_complete: bool) -> Iterator[str]:
    starts = [note.epoch for note in _of(notes, "start")]
    if len(starts) != len(set(starts)):
        yield f"attempts {starts} started, one of them twice"
    claimed = {event.epoch for event in _of(events, "claimed")}
    if not set(starts) <= claimed:
        yield f"attempts {starts} started, {sorted(claimed)} were claimed"
    ends = {note.epoch for note in _of(notes, "end")}
    for event in _of(events, "completed"):
        if is_complete and event.status == "success" and event.epoch not in ends:
            yield f"attempt {event.epoch} succeeded without having come to its end"


def _by_job(items: Sequence[T]) -> Mapping[str, list[T]]:
    found: dict[str, list[T]] = defaultdict(list)
    for item in items:
        found[item.job].append(item)
    return found


def _of(items: Iterable[T], kind: str) -> list[T]:
    return [item for item in items if item.kind == kind]
