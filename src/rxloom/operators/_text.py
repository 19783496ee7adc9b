"""`text`: the text that steps write, as it comes."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, cast

from rxloom.chunk_operator import LEFT_OUT, ChunkOperator, LeftOut, chosen
from rxloom.chunks import Chunk, StepOutput
from rxloom.path_glob import PathGlob
from rxloom.target import Where

__all__ = ["text"]

_MAX_WRAPPING = 10_000  # an output that contains itself must not hang its reader


def text(of: Where | None = None) -> ChunkOperator[str]:
    """Take the pieces of text that steps write: strings, and what agents say.

    ```text
    chunks   --s--o:"Hel"--o:{"row": 1}--o:{"type": "text-delta", …"lo"}--f|
    text()   -----"Hel"------------------"lo"-----------------------------|
    ```

    An agent's chunk counts when its type is `text-delta`; its text is in `payload.text`. One that came through the
    run of another workflow, so that it is wrapped in that one's outputs, counts as well. What an agent thinks
    (`reasoning-delta`) and the whole text that it tells at the end do not.

    Args:
        of: the step, its path, or a glob as in `step_chunks`; left out, all steps.

    Returns:
        An operator from chunks to strings, which joined are the whole text.

    Raises:
        TypeError: `of` names no step. An item that is no chunk is this error of the sequence.
        ValueError: `of` is empty.

    Example:
        >>> from reactivex import operators as ops
        >>> from rxloom import StepContext, create_workflow, step
        >>> @step
        ... async def greet(name: str, ctx: StepContext) -> None:
        ...     await ctx.write("Hello ")
        ...     await ctx.write({"type": "text-delta", "payload": {"id": "1", "text": name}})
        >>> greeting = create_workflow("greeting", input=str).then(greet).commit()
        >>> greeting.create_run().stream_vnext("Ada").pipe(text(), ops.reduce(str.__add__)).run()
        'Hello Ada'
    """
    glob = None if of is None else PathGlob(of)

    def look(chunk: Chunk) -> str | LeftOut:
        if isinstance(chunk, StepOutput) and (glob is None or glob.means(chunk)):
            return _text_in(chunk.output)
        return LEFT_OUT

    return chosen("text", look)


def _text_in(output: Any) -> str | LeftOut:
    for _ in range(_MAX_WRAPPING):
        if isinstance(output, str):
            return output
        if isinstance(output, StepOutput):
            output = output.output
            continue
        kind = _member(output, "type")
        kind = kind.value if isinstance(kind, Enum) else kind
        if kind == "text-delta":
            told = _member(_member(output, "payload"), "text")
            return told if isinstance(told, str) else LEFT_OUT
        if kind != StepOutput.type:
            break
        output = _member(_member(output, "payload"), "output")
    return LEFT_OUT


def _member(value: Any, name: str) -> Any:
    if isinstance(value, Mapping):
        return cast("Mapping[str, Any]", value).get(name)
    try:
        return getattr(value, name, None)
    except Exception:  # noqa: BLE001 # a user's property may raise anything; it tells no text
        return None
