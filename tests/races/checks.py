"""What must hold after a play, whatever came first."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from rxloom import Canceled, MemoryStore
from rxloom.chunks import (
    Answer,
    EventReceived,
    Private,
    StepResult,
    Told,
    WorkflowFinish,
)  # fmt: skip
from rxloom.errors import NotSuspended, ResumeConflict
from rxloom.snapshot import TERMINAL
from rxloom.testing import check_chunks
from tests.ledger import at_once, public, rebuilt
from tests.races.hearsay import streams
from tests.races.playing import Play

LOST = (NotSuspended, ResumeConflict)
"""What a resume may be refused with that came too late."""


EPOCH = 1_700_000_000
"""Seconds since 1970 at virtual time zero."""


def problems(play: Play, output: Any) -> Iterator[str]:
    """Tell what is wrong after a play, whose run comes to `output` where nobody interferes."""
    yield from play.stage.problems
    records = at_once(MemoryStore.read(play.store, "run"))
    log: list[Told] = [record for record in records if not isinstance(record, Private)]
    yield from check_chunks(log, complete=True)
    yield from _outcome(play, log, output)
    yield from _canceling(play, log[-1])
    yield from _folds(play, records)
    yield from _winners(play, records)
    yield from _events(play, records)
    yield from _times(play, log)
    yield from streams(play, log)
    yield from _leftovers(play)


def _outcome(play: Play, log: Sequence[Told], output: Any) -> Iterator[str]:
    """A run has one ending, the same for all."""
    last = log[-1]
    told = last.payload.workflow_status if isinstance(last, WorkflowFinish) else f"no finish, but {last!r}"
    stored = at_once(MemoryStore.head(play.store, "run")).status
    if not told == play.status == stored:
        yield f"the log ends with {told}, the snapshot says {play.status}, the store {stored}"
    if play.status not in TERMINAL:
        yield f"the run ended as {play.status}"
    if play.scenario.steady and play.status != "canceled" and (play.status, play.output) != output:
        yield f"the run came to {play.status} {play.output!r}, and should have come to {output!r}"
    if play.stage.open:
        yield f"{play.stage.open} bodies are open in the end"
    if play.stage.most > play.scenario.most:
        yield f"{play.stage.most} bodies were open at once, and at most {play.scenario.most} may be"


def _canceling(play: Play, finish: Any) -> Iterator[str]:
    """A run is canceled if and only if somebody cancelled it in time, and for that reason."""
    if play.status == "canceled":
        given = {seen.ends["result"].reason for seen in play.seen if isinstance(seen.ends.get("result"), Canceled)}
        if len(given) > 1 or not play.reasons or not given.issubset(play.reasons):
            yield f"the run was canceled for {given}, and these were the reasons: {play.reasons}"
    elif play.decided is not None and play.scenario.workflow.settings.on_finish is None:
        ended = finish.payload.ended_at / 1000 - EPOCH
        if ended > play.decided:
            yield f"the run was cancelled when it was live, and later it came to {play.status}"


def _folds(play: Play, records: Sequence[Any]) -> Iterator[str]:
    """Whatever was looked at is the fold of the records up to there."""
    log = play.runtime.registry.logs.get("run")
    if log is not None and public(rebuilt("run", records)) != public(log.snapshot):
        yield "the fold of the records is not the live one"
    for snapshot in play.snapshots:
        if snapshot.next_pos:
            again = public(rebuilt("run", records[: snapshot.next_pos]))
            if again != public(snapshot):
                wrong = {
                    key: (value, public(snapshot)[key])
                    for key, value in again.items()
                    if value != public(snapshot)[key]
                }
                yield f"a snapshot at {snapshot.next_pos} is not the fold of the records: {wrong}"


def _winners(play: Play, records: Sequence[Any]) -> Iterator[str]:
    """Each recorded answer has one winner, and each winner a record."""
    recorded = Counter((record.path, record.data) for record in records if isinstance(record, Answer))
    paths = {data: path for path, data in recorded}  # who names no step may be given a suspended one
    won: Counter[Any] = Counter()
    for resume in play.resumes:
        answers, end = resume.answers, resume.seen.main.end
        if resume.late and end == "completed":
            yield f"a resume with {answers} was taken by a run that was being cancelled"
        if end == "completed":
            given = ((path or paths.get(data), data) for path, data in answers.items())
            won.update((path, data) for path, data in given if path is not None)
        elif not isinstance(end, LOST):
            yield f"a resume with {answers} ended with {end!r}"
    if won != recorded:
        yield f"these resumes won: {dict(won)}, and these are recorded: {dict(recorded)}"
    for answer in play.stage.answers:
        if answer not in recorded:
            yield f"a body got {answer}, and that is not recorded"


def _events(play: Play, records: Sequence[Any]) -> Iterator[str]:
    """An event is received once and taken once."""
    received = [record.data for record in records if isinstance(record, EventReceived)]
    if len(set(received)) != len(received):
        yield f"an event was received twice: {received}"
    lost = [data for data in play.sent[: play.sent_early] if data not in received]
    if lost and play.status == "success":
        yield f"events that were sent before the start are lost: {lost}"
    results = [one.payload for one in records if isinstance(one, StepResult) and one.payload.status == "success"]
    taken = [payload.output for payload in results if ".event_" in f".{payload.id}"]
    if len(set(taken)) != len(taken) or not set(taken).issubset(received):
        yield f"these events were taken: {taken}, of {received}"


def _times(play: Play, log: Sequence[Told]) -> Iterator[str]:
    """A step is open no longer than it may be."""
    for chunk in log:
        if isinstance(chunk, StepResult):
            longest = play.scenario.longest.get(chunk.payload.id)
            took = chunk.payload.ended_at - chunk.payload.started_at
            if longest is not None and took > longest:
                yield f"step {chunk.payload.id} was open for {took} ms, and at most {longest} are allowed"


def _leftovers(play: Play) -> Iterator[str]:
    """Nothing is left behind."""
    registry = play.runtime.registry
    for what, left in (
        ("tasks or timers", play.left), ("live legs", registry.live), ("claims", registry._claims),
        ("lookups", registry.lookups), ("threads", play.runtime._pool.open),
    ):  # fmt: skip
        if left:
            yield f"{what} are left: {left}"
    log = registry.logs.get("run")
    if log is not None:
        for what, left in (("readers that pace", log._alive()), ("sleepers", [one for one in log._sleepers if one()])):
            if left:
                yield f"{what} are left: {left}"
