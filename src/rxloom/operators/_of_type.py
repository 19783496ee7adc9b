"""`of_type`: the chunks of some types."""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias, TypeVar, get_args, overload

from reactivex import Observable

from rxloom.chunk_operator import LEFT_OUT, ChunkOperator, LeftOut, chosen
from rxloom.chunks import (
    Chunk,
    Custom,
    Gap,
    StepChunk,
    StepOutput,
    StepProgress,
    StepResult,
    StepRetry,
    StepStart,
    StepSuspended,
    StepWaiting,
    Told,
    WorkflowCanceled,
    WorkflowFinish,
    WorkflowPaused,
    WorkflowStart,
)

__all__ = ["of_type"]

_A = TypeVar("_A", bound=Chunk)
_B = TypeVar("_B", bound=Chunk)
_C = TypeVar("_C", bound=Chunk)
_D = TypeVar("_D", bound=Chunk)

_StepType: TypeAlias = Literal[
    "workflow-step-start",
    "workflow-step-output",
    "workflow-step-progress",
    "workflow-step-retry",
    "workflow-step-waiting",
    "workflow-step-suspended",
    "workflow-step-result",
]
_ANY_CUSTOM: Final = "data-*"
_KINDS: tuple[type[Any], ...] = (*get_args(Told), Gap)
_NAMES: Final = tuple(kind.type for kind in _KINDS if kind is not Custom)


@overload
def of_type(type: Literal["workflow-start"], /) -> ChunkOperator[WorkflowStart]: ...
@overload
def of_type(type: Literal["workflow-step-start"], /) -> ChunkOperator[StepStart]: ...
@overload
def of_type(type: Literal["workflow-step-output"], /) -> ChunkOperator[StepOutput]: ...
@overload
def of_type(type: Literal["workflow-step-progress"], /) -> ChunkOperator[StepProgress]: ...
@overload
def of_type(type: Literal["workflow-step-retry"], /) -> ChunkOperator[StepRetry]: ...
@overload
def of_type(type: Literal["workflow-step-waiting"], /) -> ChunkOperator[StepWaiting]: ...
@overload
def of_type(type: Literal["workflow-step-suspended"], /) -> ChunkOperator[StepSuspended]: ...
@overload
def of_type(type: Literal["workflow-step-result"], /) -> ChunkOperator[StepResult]: ...
@overload
def of_type(type: Literal["workflow-canceled"], /) -> ChunkOperator[WorkflowCanceled]: ...
@overload
def of_type(type: Literal["workflow-paused"], /) -> ChunkOperator[WorkflowPaused]: ...
@overload
def of_type(type: Literal["workflow-finish"], /) -> ChunkOperator[WorkflowFinish]: ...
@overload
def of_type(type: Literal["data-rxloom-gap"], /) -> ChunkOperator[Gap]: ...
@overload
def of_type(type: Literal["data-*"], /) -> ChunkOperator[Custom]: ...
@overload
def of_type(type: type[_A], /) -> ChunkOperator[_A]: ...
@overload
def of_type(type: type[_A], type2: type[_B], /) -> ChunkOperator[_A | _B]: ...
@overload
def of_type(type: type[_A], type2: type[_B], type3: type[_C], /) -> ChunkOperator[_A | _B | _C]: ...
@overload
def of_type(
    type: type[_A], type2: type[_B], type3: type[_C], type4: type[_D], /
) -> ChunkOperator[_A | _B | _C | _D]: ...
@overload
def of_type(*types: _StepType) -> ChunkOperator[StepChunk]: ...
@overload
def of_type(*types: str | type[Chunk]) -> ChunkOperator[Chunk]: ...
def of_type(*types: str | type[Any]) -> ChunkOperator[Any]:
    """Take the chunks of some types; the values that come out have those types to a checker, too.

    ```text
    chunks                                      --s--a:start--a:out--a:result--f|
    of_type("workflow-step-output")             --------------a:out-------------|
    of_type(WorkflowStart, WorkflowFinish)      --s----------------------------f|
    ```

    Args:
        types: types as chunks tell them (`"workflow-step-output"`), classes of `rxloom.chunks`, or both. `"data-mood"`
            means the custom chunks of that type, `"data-*"` and `Custom` those of any.

    Returns:
        An operator from chunks to those of these types.

    Raises:
        ValueError: there is no such type, or none is given.
        TypeError: a type is neither a string nor a class of chunks. An item that is no chunk is this error of the
            sequence.

    Example:
        >>> from rxloom import create_workflow
        >>> from rxloom.operators import of_type
        >>> nothing = create_workflow("nothing").map(lambda value: value).commit()
        >>> stream = nothing.create_run().stream_vnext(4)
        >>> finish = stream.pipe(of_type("workflow-finish")).run()
        >>> finish.payload.workflow_status
        'success'
        >>> of_type("workflow-finnish")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        ValueError: there is no chunk of type 'workflow-finnish'; known are workflow-start, ..., and data-…
    """
    if not types:
        raise ValueError("of_type() takes at least one type; a stream as it is has them all")
    names = frozenset([_name_of(each) for each in types])
    any_custom = _ANY_CUSTOM in names

    def look(chunk: Chunk) -> Any | LeftOut:
        return chunk if chunk.type in names or (any_custom and isinstance(chunk, Custom)) else LEFT_OUT

    return chosen("of_type", look)


def _name_of(wanted: object) -> str:
    if isinstance(wanted, str):
        if wanted in _NAMES or (wanted.startswith("data-") and wanted != "data-"):
            return wanted
        raise ValueError(f"there is no chunk of type {wanted!r}; known are {', '.join(_NAMES)}, and data-…")
    for kind in _KINDS:
        if wanted is kind:
            return _ANY_CUSTOM if kind is Custom else kind.type
    if isinstance(wanted, Observable):
        raise TypeError("this operator is called before it is piped: `stream.pipe(of_type(…))`")
    raise TypeError(f"of_type() takes types and classes of chunks; got {wanted!r:.80}")
