"""`data`: what custom chunks of one type carry."""

from __future__ import annotations

from typing import Any

from rxloom.chunk_operator import LEFT_OUT, ChunkOperator, LeftOut, chosen
from rxloom.chunks import Chunk, Custom, Gap

__all__ = ["data"]


def data(type: str) -> ChunkOperator[Any]:
    """Take what the custom chunks of one type carry: what steps told with `ctx.custom(type, data)`.

    ```text
    chunks         --s--m:good--o--m:bad--f|
    data("mood")   -----good-------bad-----|
    ```

    Args:
        type: the type, with or without its `data-`: `"mood"` and `"data-mood"` mean the same. Chunks of nested
            workflows are among them. `"rxloom-gap"` takes what gaps tell: a `GapData`.

    Returns:
        An operator from chunks to the data, as it was told.

    Raises:
        TypeError: the type is no string. An item that is no chunk is this error of the sequence.
        ValueError: the type is empty.

    Example:
        >>> import reactivex as rx
        >>> from rxloom import chunk_from_wire
        >>> mood = {"type": "data-mood", "runId": "r1", "from": "WORKFLOW", "data": "good", "seq": 7}
        >>> rx.of(chunk_from_wire(mood)).pipe(data("mood")).run()
        'good'
    """
    if not isinstance(type, str):  # pyright: ignore[reportUnnecessaryIsInstance] # untyped callers
        raise TypeError(f"data() takes the type of a custom chunk, `data-mood` or `mood`; got {type!r:.80}")
    name = type if type.startswith("data-") else f"data-{type}"
    if name == "data-":
        raise ValueError("data() takes the type of a custom chunk, `data-mood` or `mood`; got an empty one")

    def look(chunk: Chunk) -> Any | LeftOut:
        return chunk.data if chunk.type == name and isinstance(chunk, Custom | Gap) else LEFT_OUT

    return chosen("data", look)
