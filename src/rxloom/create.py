"""Where a workflow begins: `create_workflow`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, TypedDict, TypeVar, Unpack, overload

from rxloom.build import Blueprint, checked_limit
from rxloom.builder import Unsaid, WorkflowBuilder
from rxloom.callables import check_function
from rxloom.retry import Retry
from rxloom.schema import Schema
from rxloom.settings import Callback, Settings
from rxloom.state import StateSpec
from rxloom.step_type import checked_id, seconds_of

Start = TypeVar("Start")
End = TypeVar("End")


class WorkflowOptions(TypedDict, total=False):
    """The options of a workflow that do not change its type; see `create_workflow`."""

    state: Any
    retries: int | Retry
    timeout: float | timedelta | None
    max_concurrency: int | None
    description: str
    metadata: Mapping[str, Any] | None
    on_start: Callback | None
    on_finish: Callback | None
    on_error: Callback | None


@overload
def create_workflow(  # pyright: ignore[reportOverlappingOverload] # what is no class has no name in the types
    id: str, *, input: type[Start], output: type[End], **options: Unpack[WorkflowOptions]
) -> WorkflowBuilder[Start, Start, End]: ...
@overload
def create_workflow(
    id: str, *, input: type[Start], output: Any = ..., **options: Unpack[WorkflowOptions]
) -> WorkflowBuilder[Start, Start, Unsaid]: ...
@overload
def create_workflow(
    id: str, *, input: Any = ..., output: type[End], **options: Unpack[WorkflowOptions]
) -> WorkflowBuilder[Any, Any, End]: ...
@overload
def create_workflow(
    id: str, *, input: Any = ..., output: Any = ..., **options: Unpack[WorkflowOptions]
) -> WorkflowBuilder[Any, Any, Unsaid]: ...
def create_workflow(
    id: str,
    *,
    input: Any = Any,
    output: Any = Any,
    state: Any = None,
    retries: int | Retry = 0,
    timeout: float | timedelta | None = None,
    max_concurrency: int | None = None,
    description: str = "",
    metadata: Mapping[str, Any] | None = None,
    on_start: Callback | None = None,
    on_finish: Callback | None = None,
    on_error: Callback | None = None,
) -> WorkflowBuilder[Any, Any, Any]:
    """Begin a workflow.

    Args:
        id: its id.
        input: schema of its input: anything `pydantic.TypeAdapter` takes.
        output: schema of its output.
        state: schema of the workflow state: a pydantic model, dataclass or TypedDict.
        retries: the policy of steps that name none: how many further attempts, or a `Retry`.
        timeout: seconds of running and waiting, suspension not counted; then the run fails with `RunTimeout`.
        max_concurrency: how many step bodies of a run may execute at once, nested ones included.
        description: shown in the graph.
        metadata: shown in the graph.
        on_start: called with a `RunInfo` before the first step; what it raises fails the run.
        on_finish: called with a `RunInfo` at the end of each leg; what it raises is logged.
        on_error: called with a `RunInfo` when the run failed; what it raises is logged.

    Raises:
        DefinitionError: when an option is out of range.

    Example:
        >>> from rxloom import step
        >>> @step
        ... async def shout(text: str) -> str:
        ...     return text.upper()
        >>> workflow = create_workflow("shouting", input=str, output=str).then(shout).commit()
        >>> workflow.create_run().stream_vnext("hello").run().unwrap()
        'HELLO'
    """
    for name, callback in (("on_start", on_start), ("on_finish", on_finish), ("on_error", on_error)):
        if callback is not None:
            check_function(f"`{name}=`", callback)
    settings = Settings(
        state=StateSpec(checked_id(id), state),
        retries=Retry.of(retries),
        timeout=seconds_of("timeout", timeout, id),
        max_concurrency=checked_limit("max_concurrency", max_concurrency, id),
        on_start=on_start,
        on_finish=on_finish,
        on_error=on_error,
    )
    plan = Blueprint(
        id=id, input=Schema(input), output=Schema(output), settings=settings, description=description,
        metadata=dict(metadata or {}),
    )  # fmt: skip
    return WorkflowBuilder(plan)
