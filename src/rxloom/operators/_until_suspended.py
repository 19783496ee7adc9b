"""`until_suspended`: one leg of a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from reactivex import Observable
from reactivex import operators as ops

from rxloom.chunk_operator import ChunkOperator, bound_like, chosen
from rxloom.chunks import Chunk, WorkflowFinish

__all__ = ["until_suspended"]

_Op: TypeAlias = Callable[[Observable[Chunk]], Observable[Chunk]]


def until_suspended() -> ChunkOperator[Chunk]:
    """Take the chunks up to where the run rests: to the finish of its leg, that one included.

    ```text
    chunks              --s--a:start--a:suspended--f:suspended------s--a:start--a:result--f|
    until_suspended()   --s--a:start--a:suspended--(f:suspended|)
    ```

    For a source that goes on over suspensions: `run.observe_stream_vnext(close_on_suspend=False)`, or chunks that come
    over a wire that stays open. It completes after the first `workflow-finish`, whatever that says: suspended, paused,
    or the end of the run. In a history that already holds several legs it ends with the first; observe from a later
    `seq` for a later one. Of several runs, the first that rests ends it: put it before the merge.

    A stream started with `close_on_suspend=False` shows no finish of an inner leg, and passes as it is.

    Returns:
        An operator from chunks to chunks.

    Raises:
        TypeError: an item is no chunk; as an error of the sequence.

    Example:
        >>> from reactivex import operators as ops
        >>> from rxloom import StepContext, create_workflow, step
        >>> @step
        ... async def approve(price: float, ctx: StepContext) -> bool:
        ...     return await ctx.suspend({"price": price})
        >>> approving = create_workflow("approving", input=float).then(approve).commit()
        >>> run = approving.create_run()
        >>> _ = run.stream_vnext(9.5).run()
        >>> chunks = run.observe_stream_vnext(close_on_suspend=False)
        >>> chunks.pipe(until_suspended(), ops.count()).run()
        4
    """
    checked: ChunkOperator[Chunk] = chosen("until_suspended", _same)
    one_leg: _Op = ops.take_while(_goes_on, inclusive=True)
    return lambda source: bound_like(source, one_leg(checked(source)))


def _same(chunk: Chunk) -> Chunk:
    return chunk


def _goes_on(chunk: Chunk) -> bool:
    return not isinstance(chunk, WorkflowFinish)
