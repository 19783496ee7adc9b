"""Which lanes there are, in which order, and what they are called."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from unicodedata import category, combining, east_asian_width

from rxloom.chunks import Chunk, WorkflowStart
from rxloom.marbles._marks import RUN

__all__ = ["arranged", "cells_of", "shortened", "shown", "title_of"]

_INDEX = re.compile(r"\[(\d+)\]$")


def arranged(lanes: Iterable[str]) -> list[str]:
    """Put each lane behind the one it is inside: steps as they were told of, items by their index, then custom data."""
    known = dict.fromkeys([RUN, *lanes])
    inside: dict[str, list[str]] = {lane: [] for lane in known}
    for lane in known:
        if lane != RUN:
            inside[_around(lane, known)].append(lane)
    found: list[str] = []
    stack = [RUN]
    while stack:
        lane = stack.pop()
        found.append(lane)
        stack += sorted(inside[lane], key=_place)[::-1]
    return found


def _around(lane: str, known: dict[str, None]) -> str:
    """Return the innermost known lane that a lane is inside."""
    while True:
        lane = lane[: lane.rindex("[")] if lane.endswith("]") and "[" in lane else lane.rpartition(".")[0]
        if lane in known:
            return lane


def _place(lane: str) -> tuple[bool, int]:
    item = _INDEX.search(lane)
    return lane.startswith("data-"), int(item[1]) + 1 if item else 0


def title_of(chunks: Sequence[Chunk]) -> str:
    """Name the run: by its workflow, or else by its id."""
    for chunk in chunks:
        if isinstance(chunk, WorkflowStart):
            return chunk.payload.workflow_id
    return chunks[0].run_id if chunks else ""


def shown(name: str) -> str:
    """Return a name without what would break a line, or turn its direction."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in name)


def cells_of(text: str) -> int:
    """Return how many columns a text takes on a terminal."""
    return sum(_cells(one) for one in text)


def _cells(character: str) -> int:
    if combining(character) or category(character) == "Mn":
        return 0
    return 2 if east_asian_width(character) in "WF" else 1


def shortened(name: str, width: int) -> str:
    """Leave out the middle of a name that is too long: the ends of paths tell more."""
    name = shown(name)
    if cells_of(name) <= width:
        return name
    left, right = name[: width // 3], name
    while cells_of(left) > width // 3:
        left = left[:-1]
    while cells_of(left) + 1 + cells_of(right) > width:
        right = right[1:]
    return f"{left}…{right}"
