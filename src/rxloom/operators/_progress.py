"""`progress`: how far a run is, for a bar or a status line."""

from __future__ import annotations

from dataclasses import dataclass

from rxloom.chunk_operator import LEFT_OUT, ChunkOperator, LeftOut, folded, time_of
from rxloom.chunks import (
    Chunk,
    StepProgress,
    StepResult,
    StepStart,
    StepSuspended,
    StepWaiting,
    WorkflowFinish,
    WorkflowStart,
)
from rxloom.snapshot import TERMINAL, RunStatus, parent_path

__all__ = ["Progress", "progress"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    Attributes:
        run_id: the run.
        status: `running`, `waiting` while all that is open only waits, or how the newest leg ended.
        done: how many steps of the workflow have ended. A nested workflow, a loop, a `for_each` is one step; a
            step that was cancelled does not count, and one that is entered again counts when it ends again.
        total: how many there will be, if `progress` was told.
        running: the paths of the steps that are open, in the order of their start; of a container what is open
            inside it.
        items: of each `for_each` that is open, how many items have settled, and how many there are, by its path.
        elapsed: seconds from the first to the newest time that the run's chunks tell.
    """

    run_id: str
    status: RunStatus
    done: int
    total: int | None
    running: tuple[str, ...]
    items: tuple[tuple[str, int, int], ...]
    elapsed: float

    @property
    def fraction(self) -> float | None:
        """How much is done, from 0 to 1, items included; `None` while the total is not known."""
        if self.status == "success":
            return 1.0
        if self.total is None:
            return None
        parts = [settled / of for path, settled, of in self.items if of and _is_outer(path)]
        return min(1.0, (self.done + sum(parts)) / self.total)


def progress(total: int | None = None) -> ChunkOperator[Progress]:
    """Follow how far a run is: one value at its start, then one at each change.

    ```text
    chunks            --s------a:start---o--o--a:result--b:start---b:result--f|
    progress(total=2) --0/2----0/2 a-----------1/2-------1/2 b-----2/2-------2/2|
    ```

    What steps write changes nothing here, and costs next to nothing. Time is that of the chunks, so that a replayed
    or received run shows the same as it did live. Chunks of several runs may come merged: each is followed by itself.
    A run that has ended for good is forgotten.

    Args:
        total: how many steps the workflow has, where you know; the chunks of a run do not tell. Then `fraction` is a
            number, else `None` up to the end.

    Returns:
        An operator from chunks to `Progress` values.

    Raises:
        ValueError: `total` is less than 1.
        TypeError: `total` is no whole number. An item that is no chunk is this error of the sequence.

    Example:
        >>> from rxloom import create_workflow, step
        >>> @step
        ... async def double(number: int) -> int:
        ...     return number * 2
        >>> doubling = create_workflow("doubling", input=int).then(double).commit()
        >>> def bar(now: Progress) -> None:
        ...     print(f"{now.done}/{now.total}", *now.running, now.status)
        >>> _ = doubling.create_run().stream_vnext(4).pipe(progress(total=1)).do_action(bar).run()
        0/1 running
        0/1 double running
        1/1 running
        1/1 success
    """
    if total is not None and (isinstance(total, bool) or not isinstance(total, int)):  # pyright: ignore[reportUnnecessaryIsInstance] # untyped callers
        raise TypeError(f"progress() takes the number of steps, or nothing; got {total!r:.80}")
    if total is not None and total < 1:
        raise ValueError(f"a workflow has at least one step; got total={total}")
    return folded("progress", lambda: _Runs(total))


class _Runs:
    """The runs that have not ended, by id."""

    __slots__ = ("_runs", "_total")

    def __init__(self, total: int | None) -> None:
        self._runs: dict[str, _Tally] = {}
        self._total = total

    def __call__(self, chunk: Chunk) -> Progress | LeftOut:
        if not isinstance(chunk, _TELLING):
            return LEFT_OUT
        run = self._runs.get(chunk.run_id)
        if run is None:
            run = self._runs[chunk.run_id] = _Tally(chunk.run_id, self._total)
        run.take(chunk)
        if isinstance(chunk, WorkflowFinish) and run.status in TERMINAL:
            del self._runs[chunk.run_id]
        return run.told()


_Telling = WorkflowStart | StepStart | StepWaiting | StepProgress | StepSuspended | StepResult | WorkflowFinish
_TELLING = (WorkflowStart, StepStart, StepWaiting, StepProgress, StepSuspended, StepResult, WorkflowFinish)


class _Tally:
    """What is open and what is done in one run."""

    __slots__ = ("_ended", "_first", "_inside", "_items", "_last", "_open", "_run_id", "_told", "_total", "status")

    def __init__(self, run_id: str, total: int | None) -> None:
        self._run_id = run_id
        self._total = total
        self.status: RunStatus = "running"
        self._open: dict[str, bool] = {}  # by path, whether it only waits
        self._inside: dict[str, int] = {}  # how much is open inside a path
        self._ended: set[str] = set()
        self._items: dict[str, tuple[int, int]] = {}
        self._first: int | None = None
        self._last = 0
        self._told: Progress | None = None

    def take(self, chunk: _Telling) -> None:
        at = time_of(chunk)
        if at is not None:
            self._first = at if self._first is None else min(self._first, at)
            self._last = max(self._last, at)
        match chunk:
            case WorkflowStart():
                self._begin()
            case WorkflowFinish():
                self._begin()
                self.status = chunk.payload.run_status
            case StepProgress():
                self._items[chunk.payload.id] = chunk.payload.completed_count, chunk.payload.total_count
            case _:
                self._step(chunk)

    def _begin(self) -> None:
        """Begin or end a leg: nothing is open."""
        self.status = "running"
        self._open.clear()
        self._inside.clear()
        self._items.clear()

    def _step(self, chunk: StepStart | StepWaiting | StepSuspended | StepResult) -> None:
        path = chunk.payload.id
        if isinstance(chunk, StepStart | StepWaiting):
            if path not in self._open:
                self._count(path, 1)
            self._open[path] = isinstance(chunk, StepWaiting)
            self._ended.discard(path)
            return
        if self._open.pop(path, None) is not None:
            self._count(path, -1)
        self._items.pop(path, None)
        if isinstance(chunk, StepResult) and chunk.payload.status != "canceled" and _is_outer(path):
            self._ended.add(path)

    def _count(self, path: str, change: int) -> None:
        """Count what is open inside the containers of a path."""
        above = parent_path(path)
        while above:
            self._inside[above] = self._inside.get(above, 0) + change
            above = parent_path(above)

    def told(self) -> Progress | LeftOut:
        """Return how far it is, unless that is what was told last."""
        running = tuple([path for path in self._open if not self._inside.get(path)])
        waits = bool(running) and all(self._open[path] for path in running)
        now = Progress(
            self._run_id, "waiting" if waits else self.status, len(self._ended), self._total, running,
            tuple([(path, *counts) for path, counts in self._items.items()]),
            0.0 if self._first is None else (self._last - self._first) / 1000,
        )  # fmt: skip
        if now == self._told:
            return LEFT_OUT
        self._told = now
        return now


def _is_outer(path: str) -> bool:
    return "." not in path and "[" not in path
