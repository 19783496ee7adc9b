"""Workflows with fakes in place of some of their steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import copy
from difflib import get_close_matches
from functools import partial
from threading import Lock
from typing import Any, TypeAlias, TypeVar

from rxloom.errors import DefinitionError
from rxloom.step_body import Body, inspect_body
from rxloom.step_type import Step
from rxloom.values import copy_plain
from rxloom.workflow import Workflow

__all__ = ["Fake", "in_turn", "with_fakes"]

_In = TypeVar("_In")
_Out = TypeVar("_Out")

Fake: TypeAlias = Any
"""What stands in for a step: a function, an exception to raise, a step, a workflow, or the output itself."""

_MAX_NAMED = 20


def in_turn(*outcomes: Any) -> Callable[[], Any]:
    """Make a fake that does something else each time it is called: what a retry, a loop or `for_each` needs.

    Args:
        outcomes: one for each call: an exception is raised, a class of exceptions too, anything else is returned.

    Returns:
        A function without arguments. It is called once too often: it raises `IndexError`, which says so.

    Example:
        >>> unsteady = in_turn(ConnectionError("reset"), 42)
        >>> unsteady()
        Traceback (most recent call last):
        ...
        ConnectionError: reset
        >>> unsteady()
        42
    """
    counting = Lock()
    calls = 0

    def call() -> Any:
        nonlocal calls
        with counting:
            number, calls = calls, calls + 1
        if number >= len(outcomes):
            raise IndexError(f"in_turn has {len(outcomes)} outcomes, and was called once more")
        return _come_to(outcomes[number])

    return call


def with_fakes(workflow: Workflow[_In, _Out], replace: Mapping[str, Fake]) -> Workflow[_In, _Out]:
    """Return a workflow that is like another one, but for some of its steps; that one stays as it is.

    Whatever is around the body of a step stays the real one's: its id, schemas, retries, timeouts, operators and
    `collect`. So its chunks look as they do, what the fake gives is validated as its output is, and a fake that fails
    is tried again as it would be.

    Args:
        workflow: a committed workflow.
        replace: the fakes by the id of a step, or by its path if it is in a nested workflow: `"shipping.label"`. A
            step of `for_each` has no index there: the fake is every item's. A fake is

            - a function of `(input)`, `(input, ctx)` or nothing, sync (it runs on the loop) or async; a generator, or
              what returns an Observable, writes its items as a step does;
            - an exception, or a class of them: raised at each attempt;
            - a step, whose body is used; or a committed workflow, which runs there as a nested one;
            - any other value: the output.

    Raises:
        ValueError: the workflow has no step of a name; the message has those it does have.
        DefinitionError: a fake is a function that wants other arguments.

    Example:
        >>> from rxloom import create_workflow, step
        >>> @step
        ... async def price(item: str) -> float:
        ...     raise RuntimeError("asks a server")
        >>> shop = create_workflow("shop", input=str, output=float).then(price).commit()
        >>> with_fakes(shop, {"price": 9.5}).create_run().stream_vnext("loom").run().unwrap()
        9.5
    """
    for name, fake in replace.items():
        workflow = _with_fake(workflow, name, fake)
    return workflow


def _with_fake(workflow: Workflow[_In, _Out], name: str, fake: Fake) -> Workflow[_In, _Out]:
    """Go down to the step, then make the workflows around it anew, from the inside to the outside."""
    *outer, last = name.split(".")
    around: list[Workflow[Any, Any]] = [workflow]
    for part in outer:
        inner = around[-1].steps.get(part)
        if not isinstance(inner, Workflow):
            raise _unknown(workflow, name)
        around.append(inner)
    real = around[-1].steps.get(last)
    if real is None:
        raise _unknown(workflow, name)
    made: Step[Any, Any, Any] = _fake_of(real, fake, name)
    while len(around) > 1:
        made = around.pop().with_steps({made.id: made})
    return workflow.with_steps({made.id: made})


def _unknown(workflow: Workflow[Any, Any], name: str) -> ValueError:
    known = list(_paths(workflow))
    near = get_close_matches(name, known, n=1) or [path for path in known if path.endswith(f".{name}")][:1]
    hint = f", did you mean {near[0]!r}?" if near else ","
    more = f", and {len(known) - _MAX_NAMED} more" if len(known) > _MAX_NAMED else ""
    return ValueError(
        f"replace= names {name!r}{hint} and the steps of workflow {workflow.id!r} are "
        f"{', '.join(known[:_MAX_NAMED])}{more}"
    )


def _paths(workflow: Workflow[Any, Any]) -> Iterator[str]:
    """Name all steps; without recursion, since workflows may be nested deeply."""
    stack: list[tuple[str, Step[Any, Any, Any]]] = [(step.id, step) for step in reversed([*workflow.steps.values()])]
    while stack:
        path, step = stack.pop()
        yield path
        if isinstance(step, Workflow):
            inside: Mapping[str, Step[Any, Any, Any]] = step.steps
            stack += [(f"{path}.{inner.id}", inner) for inner in reversed([*inside.values()])]


def _fake_of(real: Step[Any, Any, Any], fake: Fake, name: str) -> Step[Any, Any, Any]:
    if isinstance(fake, Step):
        stand_in: Step[Any, Any, Any] = fake  # pyright: ignore[reportUnknownVariableType] # the user's parameters
        return _like(real, stand_in) if isinstance(fake, Workflow) else _with_body(real, stand_in)
    function: Callable[..., Any] = fake if callable(fake) and not _is_error(fake) else partial(_come_to, fake)
    try:
        return _with_body(real, inspect_body(function, inline=True))
    except DefinitionError as error:
        raise error.locate(step_path=name) from None


def _come_to(outcome: Any) -> Any:
    if _is_error(outcome):
        raise outcome
    return copy_plain(outcome)


def _is_error(outcome: Any) -> bool:
    return isinstance(outcome, BaseException) or (isinstance(outcome, type) and issubclass(outcome, BaseException))


def _with_body(real: Step[Any, Any, Any], body: Body | Step[Any, Any, Any]) -> Step[Any, Any, Any]:
    """Give a step another body."""
    if isinstance(real, Workflow):
        blank: Step[Any, Any, Any] = Step(
            real.id, Body(body.function, body.kind, body.takes_input, body.context_name, body.invoke)
        )
        return _like(real, blank)
    made = copy(real)
    for part in ("function", "invoke", "kind", "takes_input", "context_name"):
        object.__setattr__(made, part, getattr(body, part))
    return made


def _like(real: Step[Any, Any, Any], other: Step[Any, Any, Any]) -> Step[Any, Any, Any]:
    """Give one step what is around the body of another."""
    made = copy(other)
    for part in (
        "id", "input", "output", "attempt_output", "resume", "suspend", "operators", "retries", "timeout",
        "total_timeout", "description", "metadata",
    ):  # fmt: skip
        object.__setattr__(made, part, getattr(real, part))
    return made
