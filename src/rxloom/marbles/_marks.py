"""What is drawn of a chunk: a mark in a lane, and how the lane goes on after it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from rxloom.chunks import (
    Chunk,
    Custom,
    Gap,
    StepChunk,
    StepOutput,
    StepProgress,
    StepResult,
    StepRetry,
    StepStart,
    StepSuspended,
    StepWaiting,
    WorkflowCanceled,
    WorkflowFinish,
    WorkflowPaused,
    WorkflowStart,
)

__all__ = ["MEANINGS", "RUN", "Mark", "Recorder"]

RUN: Final = ""
"""The lane of the run itself; no step has this path."""

MEANINGS: Final = {
    "^": "start",
    "o": "output",
    "r": "retry",
    "w": "waits",
    "?": "suspended",
    "|": "success",
    "x": "failed",
    "!": "canceled",
    "b": "bailed",
    "s": "skipped",
    "p": "paused",
    "…": "gap",
    "*": "several",
    "-": "running",
    "~": "waiting",
    ".": "suspended",
    ">": "goes on",
}

_ENDS: Final = {
    "success": "|",
    "failed": "x",
    "tripwire": "x",
    "canceled": "!",
    "bailed": "b",
    "skipped": "s",
    "suspended": "?",
    "paused": "p",
}
_STATES: Final = "-~."
_RESTING: Final = frozenset({"suspended", "paused"})


class Mark(NamedTuple):
    """One mark.

    Attributes:
        lane: the path of its lane.
        symbol: what is drawn; empty where the lane only goes on in another way.
        order: the number of the chunk in what is drawn.
        after: how the lane goes on: `-` running, `~` waiting, `.` suspended, or a blank.
    """

    lane: str
    symbol: str
    order: int
    after: str


class Recorder:
    """Turns chunks into marks, and keeps how each path is doing.

    Attributes:
        folded: whether all items of a `for_each` share their lanes.
        names: the lane of each path that was told of, in the order in which they were.
    """

    __slots__ = ("_counts", "_states", "folded", "names")

    def __init__(self, *, folded: bool) -> None:
        self.folded = folded
        self.names: dict[str, str] = {}
        self._states: dict[str, str] = {}
        self._counts: dict[str, Counter[str]] = {}

    def marks(self, chunks: Sequence[Chunk]) -> list[Mark]:
        """Return all marks, in order."""
        marks: list[Mark] = []
        for order, chunk in enumerate(chunks):
            marks.extend(self._marks_of(order, chunk))
        return marks

    def _marks_of(self, order: int, chunk: Chunk) -> Iterator[Mark]:
        match chunk:
            case WorkflowStart():
                yield from self._clear(order, "-~")  # what a crash left open
                yield self._put(RUN, "^", order, "-")
            case WorkflowFinish():
                status = chunk.payload.workflow_status
                rests = status in _RESTING
                yield from self._clear(order, "" if rests else _STATES)
                yield self._put(RUN, _ENDS[status], order, "." if rests else " ")
            case Gap():
                yield self._put(RUN, "…", order, self._states.get(RUN, "-"))
            case Custom():
                yield self._put(chunk.name, "o", order, " ")
            case WorkflowCanceled() | WorkflowPaused():
                return  # its finish tells it, too
            case _:
                yield from self._marks_of_step(order, chunk)

    def _progress(self, order: int, chunk: StepProgress) -> Mark:
        status = chunk.payload.iteration_status
        path = _item(chunk.payload.id, chunk.payload.current_index)
        return self._put(path, _ENDS[status], order, "." if status == "suspended" else " ")

    def _marks_of_step(self, order: int, chunk: StepChunk) -> Iterator[Mark]:
        match chunk:
            case StepOutput():
                path = _item(chunk.id, chunk.index)
                yield self._put(path, "o", order, self._going_on(path))
            case StepRetry():
                path = _item(chunk.payload.id, chunk.payload.index)
                yield self._put(path, "r", order, self._going_on(path))
            case StepProgress():
                yield self._progress(order, chunk)
            case StepStart():
                yield from self._items_around(chunk.payload.id, order)
                yield self._put(chunk.payload.id, "^", order, "-")
            case StepWaiting():
                yield self._put(chunk.payload.id, "w", order, "~")
            case StepSuspended():
                yield self._put(chunk.payload.id, "?", order, ".")
            case StepResult():
                yield self._put(chunk.payload.id, _ENDS[chunk.payload.status], order, " ")

    def _items_around(self, path: str, order: int) -> Iterator[Mark]:
        """Begin the items that a step is in: they tell nothing of it themselves."""
        end = path.find("].")
        while end > 0:
            item = path[: end + 1]
            if self._states.get(item, " ") in " .":
                yield self._put(item, "^", order, "-")
            end = path.find("].", end + 1)

    def _going_on(self, path: str) -> str:
        state = self._states.get(path, " ")
        return "-" if state in " ." else state  # an item tells nothing of its start

    def _put(self, path: str, symbol: str, order: int, state: str) -> Mark:
        lane = self.names.get(path)
        if lane is None:
            lane = self.names[path] = _fold(path) if self.folded else path
        counts = self._counts.setdefault(lane, Counter())
        counts[self._states.get(path, " ")] -= 1
        counts[state] += 1
        self._states[path] = state
        after = next((one for one in _STATES if counts[one] > 0), " ")
        return Mark(lane, symbol, order, after)

    def _clear(self, order: int, states: str) -> Iterator[Mark]:
        for path, state in list(self._states.items()):
            if state != " " and state in states and path != RUN:
                yield self._put(path, "", order, " ")


def _item(path: str, index: int | None) -> str:
    return path if index is None else f"{path}[{index}]"


def _fold(path: str) -> str:
    """Name the lane of all items: `each[*].price`."""
    if "[" not in path:
        return path
    parts = path.split("[")
    return parts[0] + "".join(f"[*{part[part.find(']') :]}" if "]" in part else f"[{part}" for part in parts[1:])
