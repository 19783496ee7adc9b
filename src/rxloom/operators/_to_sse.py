"""`to_sse`: chunks as server-sent events."""

from __future__ import annotations

import json
import re

from rxloom.chunk_operator import ChunkOperator, chosen
from rxloom.chunks import Chunk

__all__ = ["to_sse"]

_ENDS_A_LINE = re.compile(r"[\r\n\0]")
_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def to_sse(*, event: bool = True) -> ChunkOperator[str]:
    r"""Make each chunk a server-sent event: the text of one frame of a `text/event-stream`.

    ```text
    chunks     --s-------------------------------------------------f|
    to_sse()   --"id: 0\nevent: workflow-start\ndata: {…}\n\n"------"id: 1\n…"|
    ```

    The `data` is the chunk's wire form, on one line, in ASCII, so that neither what a step wrote nor a cut between two
    reads can break a frame. The `id` is the `seq`: a client that comes back says in `Last-Event-ID` the last one it
    got, and `run.observe_stream_vnext(from_seq=last + 1)` gives it the rest. A gap has no `seq`, so its frame has no
    `id`; nothing is added at the end. The `id` counts in one run: do not send several runs merged into one stream to
    clients that come back.

    Args:
        event: whether a frame names its event after the type of the chunk. `EventSource` in a browser gives named
            events to `addEventListener(type, …)` only; without names all come to `onmessage`.

    Returns:
        An operator from chunks to strings.

    Raises:
        TypeError: an item is no chunk; as an error of the sequence.

    Example:
        >>> import reactivex as rx
        >>> from rxloom.chunks import Custom
        >>> print(rx.of(Custom("r1", "data-mood", "two\nlines", seq=2)).pipe(to_sse()).run(), end="")
        id: 2
        event: data-mood
        data: {"type":"data-mood","runId":"r1","from":"WORKFLOW","data":"two\nlines","seq":2}
        <BLANKLINE>
    """

    def look(chunk: Chunk) -> str:
        wire = chunk.to_wire()
        seq = wire.get("seq")
        head = "" if seq is None else f"id: {seq}\n"
        if event:
            head += f"event: {_ENDS_A_LINE.sub('?', wire['type'])}\n"
        return f"{head}data: {_encode(wire)}\n\n"

    return chosen("to_sse", look)
