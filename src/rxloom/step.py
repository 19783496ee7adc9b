"""Make steps: of functions, of Rx operators, of whatever an extra knows how to make a step of."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, Unpack

import reactivex
from reactivex import Observable

from rxloom.errors import DefinitionError
from rxloom.step_body import Body, Function, inspect_body
from rxloom.step_type import Step, StepOptions, checked_id, seconds_of

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

StepSource: TypeAlias = Callable[[str, Any, StepOptions], Step[Any, Any, Any]]

_sources: list[tuple[Callable[[object], bool], StepSource]] = []


def step(function: Function | None = None, /, *, id: str | None = None, **options: Unpack[StepOptions]) -> Any:
    """Make a step of a function, as a decorator: bare or with options.

    Args:
        function: the function.
        id: unique inside a workflow; the name of the function if left out.
        options: see `StepOptions`.

    Raises:
        DefinitionError: when the function cannot be a step, or an option is wrong.

    Example:
        >>> @step
        ... async def double(number: int) -> int:
        ...     return 2 * number
        >>> double
        <Step 'double': int -> int>
    """
    if function is not None:
        return _make(id, function, options, _names_of_caller())

    def decorate(function: Function) -> Any:
        return _make(id, function, options, _names_of_caller())

    return decorate


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
    return _make(id, execute, options, _names_of_caller())


def step_from_operator(
    id: str, operator: Callable[[Observable[Any]], Observable[Any]], **options: Unpack[StepOptions]
) -> Step[Any, Any, Any]:
    """Make a step of an Rx operator: its input is a stream of one item, its output the one item that comes out.

    `collect=` folds several items into the output; without it, none or several fail with `CollectError`.

    Example:
        >>> from reactivex import operators as ops
        >>> step_from_operator("double", ops.map(lambda x: 2 * x), input=int, output=int)
        <Step 'double': int -> int>
    """
    body = Body(
        function=operator,
        kind="operator",
        takes_input=True,
        context_name=None,
        invoke=lambda value, _context: reactivex.of(value).pipe(operator),
    )
    return Step(id, body, **options)


def register_step_source(accepts: Callable[[object], bool], make: StepSource) -> None:
    """Teach `create_step` to make a step of another kind of object.

    Args:
        accepts: tells whether it is such an object.
        make: makes a step of `(id, object, options)`.
    """
    _sources.append((accepts, make))


def _make(id: str | None, function: Any, options: StepOptions, names: Mapping[str, Any]) -> Step[Any, Any, Any]:
    name = str(getattr(function, "__name__", type(function).__name__)) if id is None else checked_id(id)
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


def _names_of_caller() -> Mapping[str, Any]:
    """Give the local names at the place where the step is made: annotations may use them."""
    frame = inspect.currentframe()
    caller = frame.f_back.f_back if frame and frame.f_back else None
    return dict(caller.f_locals) if caller and caller.f_locals is not caller.f_globals else {}
