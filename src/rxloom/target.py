"""Which suspended leaves a resume means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from rxloom.errors import AmbiguousResume, NotSuspended
from rxloom.snapshot import Snapshot
from rxloom.step_type import Step

Path: TypeAlias = "str | Sequence[str | Step[Any, Any, Any]]"
Where: TypeAlias = "Step[Any, Any, Any] | Path"


def path_of(where: Where, index: int | None = None) -> str:
    """Return a step, or a list of steps and ids from the outside in, as a path.

    Raises:
        TypeError: when it is something else.
    """
    if isinstance(where, str):
        path = where
    elif isinstance(where, Step):
        path = where.id
    elif isinstance(where, (list, tuple)) and all(isinstance(part, (str, Step)) for part in where):  # pyright: ignore[reportUnnecessaryIsInstance] # untyped callers
        path = ".".join(part if isinstance(part, str) else part.id for part in where)
    else:
        raise TypeError(f"a step is named by itself, its path, or a list of those; got {where!r}")
    return path if index is None else f"{path}[{index}]"


def targets(snapshot: Snapshot, where: Where | None, label: str | None, index: int | None) -> list[str]:
    """Return the paths of the leaves that are meant; none for a paused run.

    Raises:
        NotSuspended: when nothing that is meant is suspended.
        AmbiguousResume: when several are, and the call does not say which.
    """
    waiting = snapshot.suspensions
    if not waiting and snapshot.status == "paused" and where is None and label is None and index is None:
        return []
    found = [path for path, one in waiting.items() if label is None or one.label == label]
    which = "" if label is None else f"labelled {label!r} "
    if where is not None:
        path = path_of(where, index)
        which += f"at {path!r} "
        found = _at(path, found)
    elif index is not None:
        which += f"at index {index} "
        found = [path for path in found if f"[{index}]" in path]
    return _one(snapshot, found, which)


def _at(path: str, waiting: Sequence[str]) -> list[str]:
    """Return which of `waiting` a path means: itself, else what is inside it, else the same inside other workflows."""
    if path in waiting:
        return [path]
    inside = [at for at in waiting if at.startswith((path + ".", path + "["))]
    parts = [f".{path}", f".{path}.", f".{path}["]
    return inside or [at for at in waiting if at.endswith(parts[0]) or parts[1] in at or parts[2] in at]


def _one(snapshot: Snapshot, found: list[str], which: str) -> list[str]:
    if not found:
        waiting = ", ".join(snapshot.suspensions) or f"none, its status is {snapshot.status!r}"
        raise NotSuspended(f"no step {which}is suspended; suspended: {waiting}", run_id=snapshot.run_id)
    if len(found) == 1 or (len({_list_of(path) for path in found}) == 1 and _list_of(found[0])):
        return found
    raise AmbiguousResume(found, run_id=snapshot.run_id)


def _list_of(path: str) -> str:
    """Return the path of the innermost `for_each` that `path` is an item of, and the rest of it inside the item."""
    head, bracket, tail = path.rpartition("[")
    return f"{head}[]{tail.partition(']')[2]}" if bracket else ""
