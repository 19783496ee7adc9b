"""`outputs`: what steps write."""

from __future__ import annotations

from typing import Any

from rxloom.chunk_operator import LEFT_OUT, ChunkOperator, LeftOut, chosen
from rxloom.chunks import Chunk, StepOutput
from rxloom.path_glob import PathGlob
from rxloom.target import Where

__all__ = ["outputs"]


def outputs(id: Where | None = None) -> ChunkOperator[Any]:
    """Take the values that steps write, of all steps or of some.

    ```text
    chunks             --s--a:1--b:2--a:3--r--f|
    outputs()          -----1----2----3--------|
    outputs("a")       -----1---------3--------|
    ```

    Args:
        id: the step, its path, or a glob as in `step_chunks`; left out, all steps. What an item of a `for_each`
            writes belongs to `each` and to `each[2]`.

    Returns:
        An operator from chunks to the values, as they were written; those that came over the wire are plain JSON.

    Raises:
        TypeError: `id` names no step. An item that is no chunk is this error of the sequence.
        ValueError: `id` is empty.

    Example:
        >>> import reactivex as rx
        >>> from rxloom.chunks import StepOutput
        >>> written = rx.of(StepOutput("r1", "price", "c1", 9.5, seq=2), StepOutput("r1", "pack", "c2", "box", seq=5))
        >>> _ = written.pipe(outputs("price")).subscribe(print)
        9.5
    """
    glob = None if id is None else PathGlob(id)

    def look(chunk: Chunk) -> Any | LeftOut:
        if isinstance(chunk, StepOutput) and (glob is None or glob.means(chunk)):
            return chunk.output
        return LEFT_OUT

    return chosen("outputs", look)
