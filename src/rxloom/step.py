"""Make steps: of functions, of Rx operators, of whatever an extra knows how to make a step of."""

# A function of a parameter `ctx` alone could be either: the order of the overloads is what is meant.
# mypy: disable-error-code="overload-overlap"
from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any, Final, Literal, TypeAlias, Unpack, overload

import reactivex
from reactivex import Observable
from typing_extensions import TypeVar

from rxloom.callables import check_function
from rxloom.step_body import Body
from rxloom.step_decorator import (
    Async,
    ByKeyword,
    OfContext,
    Several,
    StepDecorator,
    Stream,
    Sync,
    SyncStream,
    make_step,
    names_of_caller,
)
from rxloom.step_type import ResumeOptions, Step, StepOptions, checked_id, seconds_of

__all__ = [
    "Step",
    "StepOptions",
    "StepSource",
    "checked_id",
    "create_step",
    "register_step_source",
    "seconds_of",
    "step",
    "step_from_operator",
]

In = TypeVar("In")
Out = TypeVar("Out")
Item = TypeVar("Item")
FoldT = TypeVar("FoldT")
ResumeT = TypeVar("ResumeT")

StepSource: TypeAlias = Callable[[str, Any, StepOptions], Step[Any, Any, Any]]
"""Makes a step of an id, an object and options."""

step: Final = StepDecorator()
"""Makes a step of a function, as a decorator: bare or with options.

Example:
    >>> @step
    ... async def double(number: int) -> int:
    ...     return 2 * number
    >>> double
    <Step 'double': int -> int>
    >>> @step(id="half-of", retries=3)
    ... def half(number: int) -> float:
    ...     return number / 2
    >>> half
    <Step 'half-of': int -> float>
"""

_sources: list[tuple[Callable[[object], bool], StepSource]] = []


@overload
def create_step(
    id: str,
    execute: Callable[..., Stream[Any]],
    *,
    collect: Callable[[Iterable[Any]], FoldT],
    **options: Unpack[ResumeOptions],
) -> Step[Any, FoldT]: ...
@overload
def create_step(
    id: str, execute: Callable[[In, Sync[ResumeT]], SyncStream[Item]], **options: Unpack[ResumeOptions]
) -> Step[In, list[Item], ResumeT]: ...
@overload
def create_step(
    id: str, execute: Callable[[In, Async[ResumeT]], AsyncIterator[Item]], **options: Unpack[ResumeOptions]
) -> Step[In, list[Item], ResumeT]: ...
@overload
def create_step(
    id: str, execute: Callable[[In, Async[ResumeT]], Awaitable[Out]], **options: Unpack[ResumeOptions]
) -> Step[In, Out, ResumeT]: ...
@overload
def create_step(
    id: str, execute: Callable[[In, Sync[ResumeT]], Out], **options: Unpack[ResumeOptions]
) -> Step[In, Out, ResumeT]: ...
@overload
def create_step(
    id: str, execute: ByKeyword[In, Sync[ResumeT], SyncStream[Item]], **options: Unpack[ResumeOptions]
) -> Step[In, list[Item], ResumeT]: ...
@overload
def create_step(
    id: str, execute: ByKeyword[In, Async[ResumeT], AsyncIterator[Item]], **options: Unpack[ResumeOptions]
) -> Step[In, list[Item], ResumeT]: ...
@overload
def create_step(
    id: str, execute: ByKeyword[In, Async[ResumeT], Awaitable[Out]], **options: Unpack[ResumeOptions]
) -> Step[In, Out, ResumeT]: ...
@overload
def create_step(
    id: str, execute: ByKeyword[In, Sync[ResumeT], Out], **options: Unpack[ResumeOptions]
) -> Step[In, Out, ResumeT]: ...
@overload
def create_step(
    id: str, execute: OfContext[Sync[ResumeT], SyncStream[Item]], **options: Unpack[ResumeOptions]
) -> Step[Any, list[Item], ResumeT]: ...
@overload
def create_step(
    id: str, execute: OfContext[Async[ResumeT], AsyncIterator[Item]], **options: Unpack[ResumeOptions]
) -> Step[Any, list[Item], ResumeT]: ...
@overload
def create_step(
    id: str, execute: OfContext[Async[ResumeT], Awaitable[Out]], **options: Unpack[ResumeOptions]
) -> Step[Any, Out, ResumeT]: ...
@overload
def create_step(
    id: str, execute: OfContext[Sync[ResumeT], Out], **options: Unpack[ResumeOptions]
) -> Step[Any, Out, ResumeT]: ...
@overload
def create_step(
    id: str, execute: Callable[[In], Stream[Item]], **options: Unpack[ResumeOptions]
) -> Step[In, list[Item]]: ...
@overload
def create_step(
    id: str, execute: Callable[[In], Awaitable[Out]], **options: Unpack[ResumeOptions]
) -> Step[In, Out]: ...
@overload
def create_step(id: str, execute: Callable[[In], Out], **options: Unpack[ResumeOptions]) -> Step[In, Out]: ...
@overload
def create_step(
    id: str, execute: Callable[[], Stream[Item]], **options: Unpack[ResumeOptions]
) -> Step[Any, list[Item]]: ...
@overload
def create_step(id: str, execute: Callable[[], Awaitable[Out]], **options: Unpack[ResumeOptions]) -> Step[Any, Out]: ...
@overload
def create_step(id: str, execute: Callable[[], Out], **options: Unpack[ResumeOptions]) -> Step[Any, Out]: ...
@overload
def create_step(
    id: str,
    execute: Callable[..., Stream[Any]],
    *,
    observable_input: Literal[True],
    collect: Callable[[Iterable[Any]], FoldT],
    **options: Unpack[ResumeOptions],
) -> Step[Any, FoldT]: ...
@overload
def create_step(
    id: str,
    execute: Callable[[Observable[In], Sync[ResumeT]], SyncStream[Item]],
    *,
    observable_input: Literal[True],
    **options: Unpack[ResumeOptions],
) -> Step[Several[In], list[Item], ResumeT]: ...
@overload
def create_step(
    id: str,
    execute: Callable[[Observable[In], Async[ResumeT]], AsyncIterator[Item]],
    *,
    observable_input: Literal[True],
    **options: Unpack[ResumeOptions],
) -> Step[Several[In], list[Item], ResumeT]: ...
@overload
def create_step(
    id: str,
    execute: Callable[[Observable[In], Async[ResumeT]], Awaitable[Out]],
    *,
    observable_input: Literal[True],
    **options: Unpack[ResumeOptions],
) -> Step[Several[In], Out, ResumeT]: ...
@overload
def create_step(
    id: str,
    execute: Callable[[Observable[In], Sync[ResumeT]], Out],
    *,
    observable_input: Literal[True],
    **options: Unpack[ResumeOptions],
) -> Step[Several[In], Out, ResumeT]: ...
@overload
def create_step(
    id: str,
    execute: Callable[[Observable[In]], Stream[Item]],
    *,
    observable_input: Literal[True],
    **options: Unpack[ResumeOptions],
) -> Step[Several[In], list[Item]]: ...
@overload
def create_step(
    id: str,
    execute: Callable[[Observable[In]], Awaitable[Out]],
    *,
    observable_input: Literal[True],
    **options: Unpack[ResumeOptions],
) -> Step[Several[In], Out]: ...
@overload
def create_step(
    id: str,
    execute: Callable[[Observable[In]], Out],
    *,
    observable_input: Literal[True],
    **options: Unpack[ResumeOptions],
) -> Step[Several[In], Out]: ...
def create_step(id: str, execute: Any, **options: Unpack[StepOptions]) -> Step[Any, Any, Any]:
    """Make a step of a function, or of an object that an extra makes a step of.

    Args:
        id: unique inside a workflow.
        execute: the function.
        options: see `StepOptions`.

    Raises:
        DefinitionError: when `execute` cannot be a step, or an option is wrong.

    Example:
        >>> create_step("length", len, output=int)
        <Step 'length': Any -> int>
    """
    checked_id(id)
    for accepts, make in _sources:
        if accepts(execute):
            return make(id, execute, options)
    return make_step(id, execute, options, names_of_caller())


@overload
def step_from_operator(
    id: str,
    operator: Callable[[Observable[In]], Observable[Any]],
    *,
    collect: Callable[[Iterable[Any]], FoldT],
    **options: Unpack[ResumeOptions],
) -> Step[In, FoldT]: ...
@overload
def step_from_operator(
    id: str, operator: Callable[[Observable[In]], Observable[Out]], **options: Unpack[ResumeOptions]
) -> Step[In, Out]: ...
@overload
def step_from_operator(
    id: str,
    operator: Callable[[Observable[In]], Observable[Any]],
    *,
    observable_input: Literal[True],
    collect: Callable[[Iterable[Any]], FoldT],
    **options: Unpack[ResumeOptions],
) -> Step[Several[In], FoldT]: ...
@overload
def step_from_operator(
    id: str,
    operator: Callable[[Observable[In]], Observable[Out]],
    *,
    observable_input: Literal[True],
    **options: Unpack[ResumeOptions],
) -> Step[Several[In], Out]: ...
def step_from_operator(
    id: str, operator: Callable[[Observable[Any]], Observable[Any]], **options: Unpack[StepOptions]
) -> Step[Any, Any, Any]:
    """Make a step of an Rx operator: its input is a stream of one item, its output the one item that comes out.

    `collect=` folds several items into the output; without it, none or several fail with `CollectError`.

    ```text
    input     --2|
    operator    map(lambda x: x * 21)
    output    --42|
    ```

    With `observable_input=True` its input are the items of the step before, as they are produced.

    Example:
        >>> from reactivex import operators as ops
        >>> step_from_operator("double", ops.map(lambda x: 2 * x), input=int, output=int)
        <Step 'double': int -> int>
    """
    check_function("an operator", operator)
    if options.get("observable_input", False):
        invoke: Callable[[Any, Any], Any] = lambda items, _context: items.pipe(operator)  # noqa: E731 # one of two
    else:
        invoke = lambda value, _context: reactivex.of(value).pipe(operator)  # noqa: E731 # the other
    body = Body(
        function=operator,
        kind="operator",
        takes_input=True,
        context_name=None,
        invoke=invoke,
    )
    return Step(id, body, **options)


def register_step_source(accepts: Callable[[object], bool], make: StepSource) -> None:
    """Teach `create_step` to make a step of another kind of object.

    Args:
        accepts: tells whether it is such an object.
        make: makes a step of `(id, object, options)`.
    """
    _sources.append((accepts, make))
