"""Marbles for the tests of operators: a sequence in, what comes out, in the virtual time of reactivex's scheduler."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

import pytest
from reactivex import Observable
from reactivex.testing import ReactiveTest, Recorded, TestScheduler

from rxloom import Usage, chunk_from_wire
from rxloom.chunks import (
    Chunk,
    ErrorInfo,
    FinishStatus,
    ResultStatus,
    StepOutput,
    StepProgress,
    StepProgressPayload,
    StepResult,
    StepResultPayload,
    StepRetry,
    StepRetryPayload,
    StepStart,
    StepStartPayload,
    StepSuspended,
    StepSuspendedPayload,
    StepWaiting,
    StepWaitingPayload,
    WorkflowFinish,
    WorkflowFinishPayload,
    WorkflowStart,
    WorkflowStartPayload,
)

DASH = 10
BEGUN = 200 + DASH
BOOM = ValueError("boom")

Op: TypeAlias = Callable[[Observable[Any]], Observable[Any]]


class At(NamedTuple):
    """Something that was told: at which dash, and what; an end is `|`, `#` or the type of an error."""

    dash: float
    what: Any


def heard(operator: Op, marbles: str, meaning: Mapping[str, Any], *, until: int = 1000) -> list[At]:
    """Subscribe an operator over a hot sequence drawn in marbles, and return what is heard.

    `-` is a dash of time, a letter (or several in brackets, at one time) what it means, `|` the end, `#` an error.
    """
    return heard_of(operator, [At(at.dash, meaning.get(at.what, at.what)) for at in drawn(marbles)], until=until)


def heard_of(operator: Op, told: Iterable[At], *, until: int = 1000) -> list[At]:
    """Do the same with a list of what is told when."""
    scheduler = TestScheduler()
    source = scheduler.create_hot_observable(*[_recorded(at) for at in told])
    observer = scheduler.start(lambda: source.pipe(operator), disposed=BEGUN + until * DASH)
    messages: list[Any] = observer.messages
    return [At((one.time - BEGUN) / DASH, _what(one.value)) for one in messages]


def meant(marbles: str, meaning: Mapping[str, Any]) -> list[At]:
    """Return what marbles say should be heard."""
    return [At(at.dash, meaning[at.what] if at.what not in "|#" else at.what) for at in drawn(marbles)]


def drawn(marbles: str) -> list[At]:
    """Read marbles."""
    found: list[At] = []
    dash = 0
    inside = False
    for mark in marbles:
        if mark in "()":
            inside = mark == "("
        elif mark != "-":
            found.append(At(dash, mark))
        dash += not inside
    return found


def marked(chunks: Iterable[Chunk]) -> dict[str, Chunk]:
    """Give each chunk a letter of its own."""
    return {chr(ord("a") + number): chunk for number, chunk in enumerate(chunks)}


def _recorded(at: At) -> Recorded[Any]:
    time = BEGUN + int(at.dash * DASH)
    if at.what == "|":
        return ReactiveTest.on_completed(time)
    return ReactiveTest.on_error(time, BOOM) if at.what == "#" else ReactiveTest.on_next(time, at.what)


def _what(told: Any) -> Any:
    if told.kind == "N":
        return told.value
    if told.kind == "E":
        error: Exception = told.exception
        return "#" if error is BOOM else type(error)
    return "|"


# -- chunks --------------------------------------------------------------------------------------------------------


def begin(run: str = "r") -> Chunk:
    """Begin a leg."""
    return WorkflowStart(run, WorkflowStartPayload("flow"), 0)


def finish(status: FinishStatus = "success", run: str = "r", result: Any = None) -> Chunk:
    """End a leg."""
    return WorkflowFinish(run, WorkflowFinishPayload(status, Usage(), None, result), 9)


def opened(path: str, at: int = 1000, *, run: str = "r", given: Any = None, resumed: int | None = None) -> Chunk:
    """Open a step, at a time in milliseconds."""
    return StepStart(run, StepStartPayload(path, f"call-{path}", given, at, None, resumed), 1)


def wrote(path: str, value: Any, index: int | None = None, *, run: str = "r") -> Chunk:
    """Write something."""
    return StepOutput(run, path, f"call-{path}", value, index, 2)


def settled(path: str, done: int, total: int, index: int = 0) -> Chunk:
    """Settle an item of a `for_each`."""
    return StepProgress("r", StepProgressPayload(path, f"call-{path}", done, total, index, "success"), 3)


def retries(path: str, index: int | None = None) -> Chunk:
    """Fail an attempt that another one follows."""
    return StepRetry("r", StepRetryPayload(path, f"call-{path}", 1, ErrorInfo("ValueError", "boom"), 5, index), 3)


def waits(path: str, at: int = 1000) -> Chunk:
    """Begin to wait."""
    return StepWaiting("r", StepWaitingPayload(path, f"call-{path}", None, at), 3)


def suspended(path: str, at: int = 1000, asks: Any = None) -> Chunk:
    """Ask."""
    return StepSuspended("r", StepSuspendedPayload(path, f"call-{path}", None, at, at, asks), 3)


def ended(path: str, at: int = 1000, status: ResultStatus = "success", *, run: str = "r", output: Any = None) -> Chunk:
    """Close a step."""
    error = ErrorInfo("ValueError", "boom") if status == "failed" else None
    return StepResult(run, StepResultPayload(path, f"call-{path}", None, 1000, status, at, output, error), 4)


def custom(name: str, data: Any) -> Chunk:
    """Tell a chunk of a type of one's own."""
    return chunk_from_wire({"type": name, "runId": "r", "from": "WORKFLOW", "data": data, "seq": 5})


# -- the two ways by which chunks come -----------------------------------------------------------------------------


def as_they_are(meaning: Mapping[str, Any]) -> Mapping[str, Any]:
    """Leave chunks as the process of the run has them."""
    return meaning


def over_the_wire(meaning: Mapping[str, Any]) -> Mapping[str, Any]:
    """Send chunks through JSON."""
    return {mark: received(chunk) for mark, chunk in meaning.items()}


def received(chunk: Chunk) -> Chunk:
    """Send one chunk through JSON."""
    return chunk_from_wire(json.loads(json.dumps(chunk.to_wire(), allow_nan=False)))


both_ways = pytest.mark.parametrize("sent", [as_they_are, over_the_wire])
Sent: TypeAlias = Callable[[Mapping[str, Any]], Mapping[str, Any]]
