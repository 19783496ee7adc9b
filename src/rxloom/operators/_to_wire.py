"""`to_wire`: chunks as other programs read them."""

from __future__ import annotations

from typing import Any

from rxloom.chunk_operator import ChunkOperator, chosen
from rxloom.chunks import Chunk

__all__ = ["to_wire"]


def to_wire() -> ChunkOperator[dict[str, Any]]:
    """Make each chunk its wire form: a dict of strict JSON, as `chunk.to_wire()` gives it.

    ```text
    chunks      --s-----------------o-----f|
    to_wire()   --{"type": …}-------{…}--{…}|
    ```

    The way back is `ops.map(chunk_from_wire)`.

    Returns:
        An operator from chunks to dicts.

    Raises:
        TypeError: an item is no chunk; as an error of the sequence.

    Example:
        >>> import reactivex as rx
        >>> from rxloom.chunks import StepOutput
        >>> wire = rx.of(StepOutput("r1", "price", "c1", {9.5}, seq=2)).pipe(to_wire()).run()
        >>> wire["type"], wire["payload"]["output"]
        ('workflow-step-output', [9.5])
    """
    return chosen("to_wire", _look)


def _look(chunk: Chunk) -> dict[str, Any]:
    return chunk.to_wire()
