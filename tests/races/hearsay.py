"""What must hold of what was heard in a play."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

from collections.abc import Iterator, Sequence

from rxloom.chunks import Chunk, Gap, Told, WorkflowFinish, WorkflowStart
from rxloom.errors import RefusedCall
from rxloom.snapshot import TERMINAL
from tests.races.listening import PARTS, Listened, Seen
from tests.races.playing import Play


def streams(play: Play, log: Sequence[Told]) -> Iterator[str]:
    """Tell what is wrong with what was heard."""
    for number, seen in enumerate(play.seen):
        for problem in (*_heard(seen.main, log), *_others(seen, log), *_ends(seen, log)):
            yield f"stream {number} ({seen.main.kind}): {problem}"


def _others(seen: Seen, log: Sequence[Told]) -> Iterator[str]:
    """All hear the same."""
    main = seen.main
    for other in seen.others:
        for problem in _heard(other, log) if other.first == main.first else ():
            yield f"a late one: {problem}"
        if other.end != "disposed" and type(other.end) is not type(main.end):
            yield f"one ended with {other.end!r}, another with {main.end!r}"
        if not any(isinstance(chunk, Gap) for chunk in other.items):
            wanted = [chunk for chunk in main.items if _seq(chunk) >= (other.first or 0)]
            if other.items != (wanted[: len(other.items)] if other.end == "disposed" else wanted):
                yield f"one heard {_short(other.items)}, another {_short(main.items)}"


def _ends(seen: Seen, log: Sequence[Told]) -> Iterator[str]:
    """Everything that a stream offers comes to an end, and to the same one."""
    main = seen.main
    if len(seen.ends) < len(PARTS):
        yield f"only {sorted(seen.ends)} settled"
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
    elif isinstance(end, Exception):
        if items:
            yield f"a listener heard {_short(items)} of a stream that was refused"
    elif items:
        yield from _first_and_last(listened)
        yield from _holes(listened, log)
    elif end == "completed" and not _ended_before(listened, log):
        yield "a listener heard nothing but the end"


def _first_and_last(listened: Listened) -> Iterator[str]:
    first, last = listened.items[0], listened.items[-1]
    if listened.first is not None and _seq(first) != listened.first:
        yield f"a listener heard {_seq(first)} first, and wanted {listened.first}"
    if listened.first is None and not isinstance(first, WorkflowStart | Gap):
        yield f"a listener heard {first!r} first"
    if listened.end != "completed":
        return
    if not isinstance(last, WorkflowFinish):
        yield f"a listener heard {last!r} last"
    elif listened.terminal and last.payload.workflow_status not in TERMINAL:
        yield f"a listener that waits for the end of the run ended with {last.payload.workflow_status}"


def _ended_before(listened: Listened, log: Sequence[Told]) -> bool:
    """Tell whether a stream from a named seq on may have ended before that."""
    finishes = (chunk for chunk in log[: listened.first or 0] if isinstance(chunk, WorkflowFinish))
    return any(not listened.terminal or finish.payload.workflow_status in TERMINAL for finish in finishes)


def _holes(listened: Listened, log: Sequence[Told]) -> Iterator[str]:
    at = _seq(listened.items[0])
    for item in listened.items:
        if listened.kind == "seamless":
            while at < _seq(item) and isinstance(log[at], WorkflowFinish | WorkflowStart):
                at += 1
        if _seq(item) != at:
            yield f"a listener heard {_seq(item)} where {at} comes"
            return
        if not isinstance(item, Gap) and item is not log[at]:
            yield f"a listener heard another chunk than the log has at {at}"
        at = item.data.to_seq + 1 if isinstance(item, Gap) else at + 1


def _seq(chunk: Chunk) -> int:
    return chunk.data.from_seq if isinstance(chunk, Gap) else chunk.seq


def _short(chunks: Sequence[Chunk]) -> str:
    return " ".join(str(_seq(chunk)) for chunk in chunks)
