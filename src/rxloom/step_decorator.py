"""The decorator that makes steps, and the types it gives them.

The overloads go from the most to the least specific: an Observable can be awaited too, so streams come before
awaitables, and everything is a plain value, so plain values come last; a function of the context alone comes before
a function of its input alone.
"""

# A function of a parameter `ctx` alone could be either: the order of the overloads is what is meant.
# mypy: disable-error-code="overload-overlap"
from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Any, Literal, Protocol, TypeAlias, Unpack, overload

from reactivex import Observable
from typing_extensions import TypeVar

from rxloom.context import StepContext, SyncStepContext
from rxloom.errors import DefinitionError
from rxloom.step_body import Function, inspect_body
from rxloom.step_type import CommonOptions, ResumeOptions, Step, StepOptions, checked_id

In = TypeVar("In")
Out = TypeVar("Out")
Item = TypeVar("Item")
ResumeT = TypeVar("ResumeT")
FoldT = TypeVar("FoldT")
AnswerT = TypeVar("AnswerT")
Fold_co = TypeVar("Fold_co", covariant=True)
In_contra = TypeVar("In_contra", contravariant=True)
Context_contra = TypeVar("Context_contra", contravariant=True)
Returned_co = TypeVar("Returned_co", covariant=True)

SyncStream: TypeAlias = Observable[Item] | Iterator[Item]
"""What a plain function returns that produces a stream."""

Stream: TypeAlias = Observable[Item] | AsyncIterator[Item] | Iterator[Item]
"""What a function returns that produces a stream."""

Several: TypeAlias = In | list[In] | tuple[In, ...]
"""What a step of an Observable can be given: one item, or several in a list or tuple."""

Async: TypeAlias = StepContext[Any, ResumeT]
Sync: TypeAlias = SyncStepContext[Any, ResumeT]


class OfContext(Protocol[Context_contra, Returned_co]):
    """A function of the context alone: by its name, or every lambda would be taken for one."""

    def __call__(self, ctx: Context_contra) -> Returned_co:
        """Call it."""
        ...


class ByKeyword(Protocol[In_contra, Context_contra, Returned_co]):
    """A function of the input and, by its name, the context."""

    def __call__(self, value: In_contra, /, *, ctx: Context_contra) -> Returned_co:
        """Call it."""
        ...


class FoldingDecorator(Protocol[Fold_co]):
    """What `step(collect=fold)` gives: a decorator for functions that produce a stream."""

    @overload
    def __call__(self, fn: Callable[[In, Async[ResumeT]], AsyncIterator[Any]], /) -> Step[In, Fold_co, ResumeT]: ...
    @overload
    def __call__(self, fn: Callable[[In, Sync[ResumeT]], SyncStream[Any]], /) -> Step[In, Fold_co, ResumeT]: ...
    @overload
    def __call__(self, fn: OfContext[Async[ResumeT], AsyncIterator[Any]], /) -> Step[Any, Fold_co, ResumeT]: ...
    @overload
    def __call__(self, fn: OfContext[Sync[ResumeT], SyncStream[Any]], /) -> Step[Any, Fold_co, ResumeT]: ...
    @overload
    def __call__(self, fn: Callable[[In], Stream[Any]], /) -> Step[In, Fold_co]: ...
    @overload
    def __call__(self, fn: Callable[[], Stream[Any]], /) -> Step[Any, Fold_co]: ...


class ResumingDecorator(Protocol[AnswerT]):
    """What `step(resume=type)` gives: a decorator for functions that suspend and are answered with that type."""

    @overload
    def __call__(self, fn: OfContext[Async[AnswerT], Awaitable[Out]], /) -> Step[Any, Out, AnswerT]: ...
    @overload
    def __call__(self, fn: OfContext[Sync[AnswerT], Out], /) -> Step[Any, Out, AnswerT]: ...
    @overload
    def __call__(self, fn: Callable[[In, Async[AnswerT]], AsyncIterator[Item]], /) -> Step[In, list[Item], AnswerT]: ...
    @overload
    def __call__(self, fn: Callable[[In, Sync[AnswerT]], SyncStream[Item]], /) -> Step[In, list[Item], AnswerT]: ...
    @overload
    def __call__(self, fn: Callable[[In, Async[AnswerT]], Awaitable[Out]], /) -> Step[In, Out, AnswerT]: ...
    @overload
    def __call__(self, fn: Callable[[In, Sync[AnswerT]], Out], /) -> Step[In, Out, AnswerT]: ...
    @overload
    def __call__(self, fn: Callable[[In], Awaitable[Out]], /) -> Step[In, Out, AnswerT]: ...
    @overload
    def __call__(self, fn: Callable[[In], Out], /) -> Step[In, Out, AnswerT]: ...


class ObservingDecorator(Protocol):
    """What `step(observable_input=True)` gives: a decorator for functions of an Observable of items."""

    @overload
    def __call__(
        self, fn: Callable[[Observable[In], Sync[ResumeT]], SyncStream[Item]], /
    ) -> Step[Several[In], list[Item], ResumeT]: ...
    @overload
    def __call__(
        self, fn: Callable[[Observable[In], Async[ResumeT]], AsyncIterator[Item]], /
    ) -> Step[Several[In], list[Item], ResumeT]: ...
    @overload
    def __call__(
        self, fn: Callable[[Observable[In], Async[ResumeT]], Awaitable[Out]], /
    ) -> Step[Several[In], Out, ResumeT]: ...
    @overload
    def __call__(self, fn: Callable[[Observable[In], Sync[ResumeT]], Out], /) -> Step[Several[In], Out, ResumeT]: ...
    @overload
    def __call__(self, fn: Callable[[Observable[In]], Stream[Item]], /) -> Step[Several[In], list[Item]]: ...
    @overload
    def __call__(self, fn: Callable[[Observable[In]], Awaitable[Out]], /) -> Step[Several[In], Out]: ...
    @overload
    def __call__(self, fn: Callable[[Observable[In]], Out], /) -> Step[Several[In], Out]: ...


class ObservingFoldingDecorator(Protocol[Fold_co]):
    """What `step(observable_input=True, collect=fold)` gives: a decorator for those that produce a stream, too."""

    @overload
    def __call__(
        self, fn: Callable[[Observable[In], Async[ResumeT]], AsyncIterator[Any]], /
    ) -> Step[Several[In], Fold_co, ResumeT]: ...
    @overload
    def __call__(
        self, fn: Callable[[Observable[In], Sync[ResumeT]], SyncStream[Any]], /
    ) -> Step[Several[In], Fold_co, ResumeT]: ...
    @overload
    def __call__(self, fn: Callable[[Observable[In]], Stream[Any]], /) -> Step[Several[In], Fold_co]: ...


class StepDecorator:
    """Makes steps of functions: `step` is one. Called with options it gives another that has them.

    Raises:
        DefinitionError: when a function cannot be a step, or an option is wrong.

    Example:
        >>> steady = StepDecorator()(retries=3, timeout=10)
        >>> @steady
        ... async def double(number: int) -> int:
        ...     return 2 * number
        >>> double, double.retries.retries
        (<Step 'double': int -> int>, 3)
    """

    __slots__ = ("_id", "_options")

    def __init__(self, id: str | None = None, **options: Unpack[StepOptions]) -> None:
        self._id = id
        self._options = options

    @overload
    def __call__(self, fn: Callable[[In, Sync[ResumeT]], SyncStream[Item]], /) -> Step[In, list[Item], ResumeT]: ...
    @overload
    def __call__(self, fn: Callable[[In, Async[ResumeT]], AsyncIterator[Item]], /) -> Step[In, list[Item], ResumeT]: ...
    @overload
    def __call__(self, fn: Callable[[In, Async[ResumeT]], Awaitable[Out]], /) -> Step[In, Out, ResumeT]: ...
    @overload
    def __call__(self, fn: Callable[[In, Sync[ResumeT]], Out], /) -> Step[In, Out, ResumeT]: ...
    @overload
    def __call__(self, fn: ByKeyword[In, Sync[ResumeT], SyncStream[Item]], /) -> Step[In, list[Item], ResumeT]: ...
    @overload
    def __call__(self, fn: ByKeyword[In, Async[ResumeT], AsyncIterator[Item]], /) -> Step[In, list[Item], ResumeT]: ...
    @overload
    def __call__(self, fn: ByKeyword[In, Async[ResumeT], Awaitable[Out]], /) -> Step[In, Out, ResumeT]: ...
    @overload
    def __call__(self, fn: ByKeyword[In, Sync[ResumeT], Out], /) -> Step[In, Out, ResumeT]: ...
    @overload
    def __call__(self, fn: OfContext[Sync[ResumeT], SyncStream[Item]], /) -> Step[Any, list[Item], ResumeT]: ...
    @overload
    def __call__(self, fn: OfContext[Async[ResumeT], AsyncIterator[Item]], /) -> Step[Any, list[Item], ResumeT]: ...
    @overload
    def __call__(self, fn: OfContext[Async[ResumeT], Awaitable[Out]], /) -> Step[Any, Out, ResumeT]: ...
    @overload
    def __call__(self, fn: OfContext[Sync[ResumeT], Out], /) -> Step[Any, Out, ResumeT]: ...
    @overload
    def __call__(self, fn: Callable[[In], Stream[Item]], /) -> Step[In, list[Item]]: ...
    @overload
    def __call__(self, fn: Callable[[In], Awaitable[Out]], /) -> Step[In, Out]: ...
    @overload
    def __call__(self, fn: Callable[[In], Out], /) -> Step[In, Out]: ...
    @overload
    def __call__(self, fn: Callable[[], Stream[Item]], /) -> Step[Any, list[Item]]: ...
    @overload
    def __call__(self, fn: Callable[[], Awaitable[Out]], /) -> Step[Any, Out]: ...
    @overload
    def __call__(self, fn: Callable[[], Out], /) -> Step[Any, Out]: ...
    @overload
    def __call__(
        self, /, *, id: str | None = None, collect: Callable[[Iterable[Any]], FoldT], **options: Unpack[ResumeOptions]
    ) -> FoldingDecorator[FoldT]: ...
    @overload
    def __call__(
        self,
        /,
        *,
        id: str | None = None,
        observable_input: Literal[True],
        collect: Callable[[Iterable[Any]], FoldT],
        **options: Unpack[ResumeOptions],
    ) -> ObservingFoldingDecorator[FoldT]: ...
    @overload
    def __call__(
        self, /, *, id: str | None = None, observable_input: Literal[True], **options: Unpack[ResumeOptions]
    ) -> ObservingDecorator: ...
    @overload  # an answer that is no class, such as `bool | None`, has no name in the types: the next overload
    def __call__(  # pyright: ignore[reportOverlappingOverload]
        self, /, *, id: str | None = None, resume: type[AnswerT], **options: Unpack[CommonOptions]
    ) -> ResumingDecorator[AnswerT]: ...
    @overload
    def __call__(self, /, *, id: str | None = None, **options: Unpack[ResumeOptions]) -> StepDecorator: ...
    def __call__(self, fn: Function | None = None, /, *, id: str | None = None, **options: Unpack[StepOptions]) -> Any:
        """Make a step of a function, or a decorator with more options."""
        merged: StepOptions = {**self._options, **options}
        name = self._id if id is None else id
        if fn is None:
            return StepDecorator(name, **merged)
        return make_step(name, fn, merged, names_of_caller())


def make_step(id: str | None, function: Any, options: StepOptions, names: Mapping[str, Any]) -> Step[Any, Any, Any]:
    """Make a step of a function.

    Args:
        id: its id; the name of the function when it has none.
        function: the function.
        options: its options.
        names: names that its annotations may use, beside the globals of its module.

    Raises:
        DefinitionError: when it cannot be a step.
    """
    name = str(getattr(function, "__name__", type(function).__name__)) if id is None else id
    if isinstance(function, Step):
        raise DefinitionError("this is a step already: use `step.with_id(id)` for another id", step_path=name)
    if not callable(function):
        raise DefinitionError(f"no step can be made of a {type(function).__name__}", step_path=name)
    checked_id(name)
    try:
        body = inspect_body(function, inline=options.get("inline", False), names=names)
    except DefinitionError as error:
        raise error.locate(step_path=name) from error.__cause__
    return Step(name, body, **options)


def names_of_caller() -> Mapping[str, Any]:
    """Give the local names where the function that calls this was called: annotations may use them."""
    frame = inspect.currentframe()
    try:
        caller = frame.f_back.f_back if frame and frame.f_back else None
        return dict(caller.f_locals) if caller and caller.f_locals is not caller.f_globals else {}
    finally:
        del frame  # a frame that refers to itself keeps all frames around it, until the next collection
