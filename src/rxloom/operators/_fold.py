"""`fold`: what a run is, after each of its chunks."""

from __future__ import annotations

from rxloom.chunk_operator import LEFT_OUT, ChunkOperator, LeftOut, folded, time_of
from rxloom.chunks import (
    Chunk,
    Gap,
    ItemStart,
    LegKind,
    LegStarted,
    StepOutput,
    StepRetry,
    StepRetryPayload,
    StepStart,
    StepWaiting,
    Told,
    WorkflowFinish,
    WorkflowStart,
)
from rxloom.reducer import apply
from rxloom.snapshot import TERMINAL, Snapshot

__all__ = ["fold"]


def fold() -> ChunkOperator[Snapshot]:
    """Fold chunks into snapshots, one after each chunk, with the reducer that folds runs themselves.

    ```text
    chunks   --s----------a:start----a:result----f|
    fold()   --{running}--{a: …}-----{a: 5}------{success}|
    ```

    In the process of a run `stream.snapshots` is the same and knows more; this works wherever chunks come to, over the
    wire, too. `status`, `steps`, `usage`, `output`, `error` and `next_seq` are those of the run. What chunks do not
    tell stays empty: the run's input, state and context, the suspensions (what a step asks is in
    `steps[path].suspend_payload`), the inputs and times of the items of a `for_each`.

    Chunks of several runs may come merged: each run is folded by itself, and a snapshot names its `run_id`. When a run
    has ended for good, it is forgotten. A gap changes nothing and gives no snapshot. A source that begins in the middle
    of a run is folded from there.

    Returns:
        An operator from chunks to snapshots; each is a copy of its own.

    Raises:
        TypeError: an item is no chunk; as an error of the sequence.

    Example:
        >>> from rxloom import create_workflow, step
        >>> @step
        ... async def double(number: int) -> int:
        ...     return number * 2
        >>> doubling = create_workflow("doubling", input=int, output=int).then(double).commit()
        >>> snapshot = doubling.create_run().stream_vnext(4).pipe(fold()).run()
        >>> snapshot.status, snapshot.output, snapshot.steps["double"].input
        ('success', 8, 4)
    """
    return folded("fold", _Runs)


class _Runs:
    """The runs that have not ended, by id."""

    __slots__ = ("_runs",)

    def __init__(self) -> None:
        self._runs: dict[str, _Folded] = {}

    def __call__(self, chunk: Chunk) -> Snapshot | LeftOut:
        if isinstance(chunk, Gap):
            return LEFT_OUT
        run = self._runs.get(chunk.run_id)
        if run is None:
            run = self._runs[chunk.run_id] = _Folded(chunk.run_id)
        run.take(chunk)
        if isinstance(chunk, WorkflowFinish) and run.snapshot.status in TERMINAL:
            del self._runs[chunk.run_id]
            return run.snapshot
        return run.snapshot.copy()


class _Folded:
    """One run; some private records that its fold needs can be told from the chunks, and are made up for."""

    __slots__ = ("_at", "_leg_began", "snapshot")

    def __init__(self, run_id: str) -> None:
        self.snapshot = Snapshot(run_id)
        self._leg_began = True
        self._at = 0

    def take(self, chunk: Told) -> None:
        snapshot = self.snapshot
        at = _time_of(chunk)
        if isinstance(chunk, WorkflowStart):
            snapshot.workflow_id = chunk.payload.workflow_id
            self._leg_began = False
        elif at is not None:
            self._at = at
            self._begin_leg(at)
        if isinstance(chunk, StepStart | StepWaiting | StepOutput | StepRetry):
            self._begin_items(_path_of(chunk))
        apply(snapshot, chunk)

    def _begin_leg(self, at: int) -> None:
        """Record that the leg began; the first time told in it is that of its beginning."""
        if not self._leg_began:
            self._leg_began = True
            kind: LegKind = "start" if self.snapshot.started_at is None else "resume"
            apply(self.snapshot, LegStarted(kind, self.snapshot.workflow_id, at))

    def _begin_items(self, path: str) -> None:
        """Record that the items around a step, or the item it is, began: they have, if something happens in them."""
        end = path.find("]")
        while end >= 0:
            item = path[: end + 1]
            entry = self.snapshot.valid(item)
            if entry is None or entry.status != "running":
                apply(self.snapshot, ItemStart(item, None, self._at))
            end = path.find("]", end + 1)


def _path_of(chunk: StepStart | StepWaiting | StepOutput | StepRetry) -> str:
    if isinstance(chunk, StepOutput):
        return chunk.id if chunk.index is None else f"{chunk.id}[{chunk.index}]"
    payload = chunk.payload
    if isinstance(payload, StepRetryPayload) and payload.index is not None:
        return f"{payload.id}[{payload.index}]"
    return payload.id


def _time_of(chunk: Told) -> int | None:
    return chunk.payload.ended_at if isinstance(chunk, WorkflowFinish) else time_of(chunk)
