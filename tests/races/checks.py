"""What must hold after a play, whatever came first."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from rxloom.chunks import Answer, Chunk, Gap, Private, Told, WorkflowFinish, WorkflowStart
from rxloom.errors import NotSuspended, RefusedCall, ResumeConflict
from rxloom.snapshot import TERMINAL
from rxloom.testing import check_chunks
from tests.ledger import at_once, public, rebuilt
from tests.races.playing import Listened, Play, Seen

LOST = (NotSuspended, ResumeConflict)
"""What a resume may be refused with that came too late."""


def problems(play: Play, output: Any) -> Iterator[str]:
    """Tell what is wrong after a play, whose run comes to `output` where nobody interferes."""
    yield from play.stage.problems
    records = at_once(play.store.read("run"))
    log: list[Told] = [record for record in records if not isinstance(record, Private)]
    yield from check_chunks(log, complete=True)
    yield from _outcome(play, log, output)
    yield from _folds(play, records)
    yield from _winners(play, records)
    for number, seen in enumerate(play.seen):
        for problem in _stream(seen, log):
            yield f"stream {number} ({seen.main.kind}): {problem}"
    yield from _leftovers(play)


def _outcome(play: Play, log: Sequence[Told], output: Any) -> Iterator[str]:
    """A run has one ending, the same for all."""
    last = log[-1]
    told = last.payload.workflow_status if isinstance(last, WorkflowFinish) else f"no finish, but {last!r}"
    stored = at_once(play.store.head("run")).status
    if not told == play.status == stored:
        yield f"the log ends with {told}, the snapshot says {play.status}, the store {stored}"
    if play.status not in TERMINAL:
        yield f"the run ended as {play.status}"
    if play.status == "canceled" and not play.reasons:
        yield "the run is canceled, and nobody has cancelled it"
    if play.scenario.steady and play.status != "canceled" and (play.status, play.output) != output:
        yield f"the run came to {play.status} {play.output!r}, and should have come to {output!r}"
    if play.stage.open:
        yield f"{play.stage.open} bodies are open in the end"
    if play.stage.most > play.scenario.most:
        yield f"{play.stage.most} bodies were open at once, and at most {play.scenario.most} may be"


def _folds(play: Play, records: Sequence[Any]) -> Iterator[str]:
    """Whatever was looked at is the fold of the records up to there."""
    log = play.runtime.registry.logs.get("run")
    if log is not None and public(rebuilt("run", records)) != public(log.snapshot):
        yield "the fold of the records is not the live one"
    for snapshot in play.snapshots:
        if snapshot.next_pos:
            again = public(rebuilt("run", records[: snapshot.next_pos]))
            if again != public(snapshot):
                wrong = {key: (value, public(snapshot)[key]) for key, value in again.items() if value != public(snapshot)[key]}
                yield f"a snapshot at {snapshot.next_pos} is not the fold of the records: {wrong}"


def _winners(play: Play, records: Sequence[Any]) -> Iterator[str]:
    """Each recorded answer has one winner, and each winner a record."""
    recorded = Counter((record.path, record.data) for record in records if isinstance(record, Answer))
    paths = {data: path for path, data in recorded}  # who names no step may be given a suspended one
    won: Counter[Any] = Counter()
    for answers, seen in play.resumes:
        end = seen.main.end
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


def _stream(seen: Seen, log: Sequence[Told]) -> Iterator[str]:
    main = seen.main
    if len(seen.ends) < 4:
        yield f"only {sorted(seen.ends)} settled"
    yield from _heard(main, log)
    for other in seen.others:
        for problem in _heard(other, log):
            yield f"a late one: {problem}"
        if other.end != "disposed" and type(other.end) is not type(main.end):
            yield f"one ended with {other.end!r}, another with {main.end!r}"
        if not any(isinstance(chunk, Gap) for chunk in other.items):
            wanted = main.items[: len(other.items)] if other.end == "disposed" else main.items
            if other.items != wanted:
                yield f"one heard {_short(other.items)}, another {_short(main.items)}"
    if isinstance(main.end, RefusedCall):
        if any(type(end) is not type(main.end) for end in seen.ends.values()):
            yield f"it was refused with {main.end!r}, and its parts came to {seen.ends}"
        return
    finish = main.items[-1] if main.items else None
    if finish is None and main.end == "completed" and _ended_before(main, log):
        return
    if not isinstance(finish, WorkflowFinish):
        yield f"it ended with {main.end!r} after {finish!r}"
        return
    yield from _parts(seen, finish)


def _parts(seen: Seen, finish: WorkflowFinish) -> Iterator[str]:
    """Result, status, usage and output say what the finish says."""
    ends, status = seen.ends, finish.payload.workflow_status
    said = {"result": getattr(ends.get("result"), "status", None), "status": ends.get("status")}
    if said != {"result": status, "status": status}:
        yield f"its finish says {status}, and its parts {ends}"
    if seen.main.kind == "leg" and ends.get("usage") != finish.payload.usage:
        yield f"its finish says {finish.payload.usage}, and its usage is {ends.get('usage')}"
    if isinstance(ends.get("output"), Exception) == (status == "success"):
        yield f"its finish says {status}, and its output is {ends.get('output')!r}"


def _heard(listened: Listened, log: Sequence[Told]) -> Iterator[str]:
    """What one listener heard is a part of the log without holes."""
    items, end = listened.items, listened.end
    if end is None:
        yield "a listener has not heard the end"
    if isinstance(end, Exception):
        if items:
            yield f"a listener heard {_short(items)} of a stream that was refused"
        return
    if not items:
        if end == "completed" and not _ended_before(listened, log):
            yield "a listener heard nothing but the end"
        return
    at = _first(items[0])
    if listened.first is not None and at != listened.first:
        yield f"a listener heard {at} first, and wanted {listened.first}"
    if listened.first is None and not isinstance(items[0], WorkflowStart | Gap):
        yield f"a listener heard {items[0]!r} first"
    yield from _holes(listened, at, log)
    if end == "completed":
        last = items[-1]
        if not isinstance(last, WorkflowFinish):
            yield f"a listener heard {last!r} last"
        elif listened.terminal and last.payload.workflow_status not in TERMINAL:
            yield f"a listener that waits for the end of the run ended with {last.payload.workflow_status}"


def _ended_before(listened: Listened, log: Sequence[Told]) -> bool:
    """Tell whether a stream from a named seq on may have ended before that."""
    finishes = (chunk for chunk in log[: listened.first or 0] if isinstance(chunk, WorkflowFinish))
    return any(not listened.terminal or finish.payload.workflow_status in TERMINAL for finish in finishes)


def _holes(listened: Listened, at: int, log: Sequence[Told]) -> Iterator[str]:
    for item in listened.items:
        if listened.kind == "seamless":
            while at < _first(item) and isinstance(log[at], WorkflowFinish | WorkflowStart):
                at += 1
        if _first(item) != at:
            yield f"a listener heard {_first(item)} where {at} comes"
            return
        if not isinstance(item, Gap) and item is not log[at]:
            yield f"a listener heard another chunk than the log has at {at}"
        at = item.data.to_seq + 1 if isinstance(item, Gap) else at + 1


def _first(chunk: Chunk) -> int:
    return chunk.data.from_seq if isinstance(chunk, Gap) else chunk.seq


def _short(chunks: Sequence[Chunk]) -> str:
    return " ".join(str(_first(chunk)) for chunk in chunks)


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
