"""`results`: how the calls of steps ended."""

from __future__ import annotations

from rxloom.chunk_operator import LEFT_OUT, ChunkOperator, LeftOut, chosen
from rxloom.chunks import Chunk, StepResult, StepResultPayload

__all__ = ["results"]


def results() -> ChunkOperator[StepResultPayload]:
    """Take how the calls of steps ended, in the order in which they did.

    ```text
    chunks      --s--a:start--o--a:result--b:start--b:result--f|
    results()   ---------------------a-----------------b-------|
    ```

    A container (a nested workflow, a `for_each`) ends after what is inside it. A step that runs several times, in a
    loop or again after a retried container, is told each time; one that suspends has not ended. For some steps only,
    put `step_chunks` before it.

    Returns:
        An operator from chunks to the payloads of `workflow-step-result`: `id` (the path), `status` (`success`,
        `failed`, `bailed`, `canceled`), `output`, `error`, `payload` (the input), `started_at`, `ended_at`.

    Raises:
        TypeError: an item is no chunk; as an error of the sequence.

    Example:
        >>> from rxloom import create_workflow, step
        >>> @step
        ... async def double(number: int) -> int:
        ...     return number * 2
        >>> doubling = create_workflow("doubling", input=int).then(double).commit()
        >>> stream = doubling.create_run().stream_vnext(4)
        >>> ended = stream.pipe(results()).run()
        >>> ended.id, ended.status, ended.output
        ('double', 'success', 8)
    """
    return chosen("results", _look)


def _look(chunk: Chunk) -> StepResultPayload | LeftOut:
    return chunk.payload if isinstance(chunk, StepResult) else LEFT_OUT
