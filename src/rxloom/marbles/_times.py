"""When each chunk was told, in seconds since the first one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from rxloom.chunks import (
    Chunk,
    StepResult,
    StepStart,
    StepSuspended,
    StepWaiting,
    WorkflowCanceled,
    WorkflowFinish,
    WorkflowPaused,
    WorkflowStart,
)

__all__ = ["times_of"]


def times_of(chunks: Sequence[Chunk]) -> list[float]:
    """Tell the time of each chunk from those that carry one.

    Outputs, retries and the like carry none: they are put between their neighbours, evenly.
    """
    known: list[float | None] = [_told(chunk) for chunk in chunks]
    for at, chunk in enumerate(chunks):  # what ends a leg comes at once after the last step
        if known[at] is None and at and isinstance(chunk, WorkflowCanceled | WorkflowPaused | WorkflowFinish):
            known[at] = next((time for time in reversed(known[:at]) if time is not None), None)
    for at in reversed(range(len(chunks) - 1)):  # and what begins one just before the first
        if known[at] is None and isinstance(chunks[at], WorkflowStart):
            known[at] = known[at + 1]
    return _relative(_between(_rising(known)))


def _told(chunk: Chunk) -> float | None:
    """Return the time that a chunk carries, in seconds."""
    match chunk:
        case StepStart():
            told = chunk.payload.started_at if chunk.payload.resumed_at is None else chunk.payload.resumed_at
        case StepWaiting():
            told = chunk.payload.started_at
        case StepSuspended():
            told = chunk.payload.suspended_at
        case StepResult() | WorkflowFinish():
            told = chunk.payload.ended_at or None
        case _:
            told = None
    return None if told is None else told / 1000


def _rising(known: list[float | None]) -> list[float | None]:
    """Let no time be before an earlier one: clocks are set back now and then."""
    latest: float | None = None
    rising: list[float | None] = []
    for time in known:
        latest = time if latest is None or (time is not None and time > latest) else latest
        rising.append(None if time is None else latest)
    return rising


def _between(known: list[float | None]) -> list[float]:
    found = [(at, time) for at, time in enumerate(known) if time is not None]
    if not found:
        return [0.0] * len(known)
    ends = [(-1, found[0][1]), *found, (len(known), found[-1][1])]
    times: list[float] = []
    for (left, earlier), (right, later) in pairwise(ends):
        step = (later - earlier) / (right - left)
        times += [earlier + step * number for number in range(1, right - left)]
        times.append(later)
    return times[:-1]


def _relative(times: list[float]) -> list[float]:
    # To whole nanoseconds: a difference of big numbers has digits that mean nothing.
    return [round(time - times[0], 9) for time in times]
