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
    """Return a step, or a list of steps and ids from the outside in, as a path."""
    if isinstance(where, str):
        path = where
    elif isinstance(where, Step):
        path = where.id
    else:
        path = ".".join(part if isinstance(part, str) else part.id for part in where)
    return path if index is None else f"{path}[{index}]"


def targets(snapshot: Snapshot, where: Where | None, label: str | None, index: int | None) -> list[str]:
    """Return the paths of the leaves that are meant; none for a paused run.

    Raises:
        NotSuspended: when nothing that is meant is suspended.
        AmbiguousResume: when several are, and the call does not say which.
    """
    waiting = snapshot.suspensions
    if label is not None:
        found = [path for path, one in waiting.items() if one.label == label]
        return _one(snapshot, found, f"labelled {label!r}")
    if where is None and index is None:
        if not waiting and snapshot.status == "paused":
            return []
        return _one(snapshot, list(waiting), "")
    if where is None:
        found = [path for path in waiting if f"[{index}]" in path]
        return _one(snapshot, found, f"at index {index}")
    path = path_of(where, index)
    if path in waiting:
        return [path]
    inside = [at for at in waiting if at.startswith((path + ".", path + "["))]
    if not inside:
        inside = [at for at in waiting if at.endswith("." + path)]
    return _one(snapshot, inside, f"at {path!r}")


def _one(snapshot: Snapshot, found: list[str], which: str) -> list[str]:
    if not found:
        waiting = ", ".join(snapshot.suspensions) or f"none, its status is {snapshot.status!r}"
        raise NotSuspended(
            f"no step {which} is suspended".replace("  ", " ") + f"; suspended: {waiting}", run_id=snapshot.run_id
        )
    if len(found) == 1 or (len({_list_of(path) for path in found}) == 1 and _list_of(found[0])):
        return found
    raise AmbiguousResume(found, run_id=snapshot.run_id)


def _list_of(path: str) -> str:
    """Return the path of the innermost `for_each` that `path` is an item of, and the rest of it inside the item."""
    head, bracket, tail = path.rpartition("[")
    return f"{head}[]{tail.partition(']')[2]}" if bracket else ""
