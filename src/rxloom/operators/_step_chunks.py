"""`step_chunks`: the chunks of some steps."""

from __future__ import annotations

from rxloom.chunk_operator import LEFT_OUT, ChunkOperator, LeftOut, chosen
from rxloom.chunks import Chunk, StepChunk
from rxloom.path_glob import PathGlob
from rxloom.target import Where

__all__ = ["step_chunks"]


def step_chunks(glob: Where) -> ChunkOperator[StepChunk]:
    """Take the chunks of the steps whose path fits a glob: starts, outputs, results and all.

    ```text
    chunks               --s--a:start--o.x:start--o.x:out--o.x:result--a:result--f|
    step_chunks("o.*")   --------------o.x:start--o.x:out--o.x:result-------------|
    ```

    | in a glob | stands for |
    |---|---|
    | `*` | any characters but a dot: it stays inside one level |
    | `?` | one character that is no dot |
    | `**` | any characters, dots included; a leading `**.` also nothing |
    | all else | itself; brackets, too: `each[2]`, `each[*].approve` |

    A chunk about one item of a `for_each` (an output, a retry, its progress) fits by the path of the `for_each`,
    `each`, and by that of the item, `each[2]`.

    Args:
        glob: the glob, a step, or a list of steps and ids from the outside in. The path of a step inside a nested
            workflow starts with the outer one: `outer.inner`, `outer.*`, or, at whatever depth, `**.inner`.

    Returns:
        An operator from chunks to those of these steps.

    Raises:
        TypeError: `glob` names no step. An item that is no chunk is this error of the sequence.
        ValueError: `glob` is empty.

    Example:
        >>> import reactivex as rx
        >>> from rxloom.chunks import StepOutput
        >>> chunks = rx.of(StepOutput("r1", "price", "c1", 1, seq=1), StepOutput("r1", "outer.price", "c2", 2, seq=2))
        >>> _ = chunks.pipe(step_chunks("outer.**")).subscribe(lambda chunk: print(chunk.payload.id))
        outer.price
    """
    meant = PathGlob(glob)

    def look(chunk: Chunk) -> StepChunk | LeftOut:
        return chunk if isinstance(chunk, StepChunk) and meant.means(chunk) else LEFT_OUT

    return chosen("step_chunks", look)
