"""Calling what users hand in: conditions, map functions and the like, each with the arguments it wants.

Looking at a signature is slow, so it is done once, where the workflow is built; `call_with` gives a function that is
called the same way whatever the user's looks like.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, TypeAlias, TypeGuard

from rxloom.errors import DefinitionError, NoEventLoop
from rxloom.loopless import SchedulerLoop
from rxloom.scheduler import running_loop

Adapter: TypeAlias = Callable[[Any, Any], Any]
"""Called with the value and the context, gives the result or an awaitable of it."""

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_PLAIN_RESULTS = frozenset[type]((bool, type(None), int, float, str, bytes, dict, list, tuple, set))


def call_with(fn: Callable[..., Any]) -> Adapter:
    """Adapt a user's function to being called with the value and the context.

    The function may take the value, the value and the context, only the context (a single parameter named `ctx`), or
    nothing. It may be a coroutine function: the adapter then gives an awaitable. A second parameter that has a default
    is left alone unless it is named `ctx`.

    Args:
        fn: the function.

    Returns:
        A function of `(value, ctx)`.

    Raises:
        DefinitionError: it is no function, or it needs other arguments than these.

    Example:
        >>> call_with(lambda value: value + 1)(1, None)
        2
        >>> call_with(lambda value, ctx: value + ctx)(1, 10)
        11
    """
    if not callable(fn):
        message = f"{fn!r} is not a function"
        raise DefinitionError(message)
    try:
        parameters = list(inspect.signature(fn).parameters.values())
    except (ValueError, TypeError):  # a builtin that does not tell: those take one argument
        return _value_only(fn)
    return _adapter(fn, parameters)


def check_function(what: str, fn: object) -> None:
    """Refuse what cannot be called, where it is handed in and not only where it would be called.

    Raises:
        DefinitionError: it is no function.
    """
    if not callable(fn):
        raise DefinitionError(f"{what} must be a function; got {fn!r}")


def name_of(fn: object) -> str:
    """Name a function for people: its own name, that of the wrapped one, or its class."""
    while isinstance(fn, partial):
        fn = fn.func
    name = getattr(fn, "__name__", None)
    return name if isinstance(name, str) else type(fn).__name__


def is_awaitable(value: object) -> TypeGuard[Awaitable[Any]]:
    """Tell whether a result has to be awaited; cheap for the results that functions usually give."""
    return type(value) not in _PLAIN_RESULTS and isinstance(value, Awaitable)


def check_loop(awaitable: Awaitable[Any]) -> None:
    """Check that there is an event loop in which `awaitable` can be awaited; else it is closed.

    Raises:
        NoEventLoop: a scheduler stands in for a loop.
    """
    if isinstance(running_loop(), SchedulerLoop):
        if isinstance(awaitable, Coroutine):
            awaitable.close()
        raise NoEventLoop("a coroutine function needs an event loop, and this runtime has a scheduler in its place")


def _adapter(fn: Callable[..., Any], parameters: list[inspect.Parameter]) -> Adapter:
    required = [p for p in parameters if p.default is p.empty and p.kind in _POSITIONAL]
    positional = [p for p in parameters if p.kind in _POSITIONAL]
    takes_any = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    _refuse_others(fn, required, parameters)
    if any(p.name == "ctx" and p.kind is p.KEYWORD_ONLY for p in parameters):
        return _context_by_name(fn, takes_value=bool(positional) or takes_any)
    if len(required) > 1 or any(p.name == "ctx" for p in positional[1:2]):
        return fn
    if positional and positional[0].name == "ctx":
        return _context_only(fn)
    return _value_only(fn) if positional or takes_any else _nothing(fn)


def _refuse_others(
    fn: Callable[..., Any], required: list[inspect.Parameter], parameters: list[inspect.Parameter]
) -> None:
    others = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is p.empty and p.name != "ctx"]
    others += [p.name for p in required[2:]]
    if others:
        message = (
            f"function {name_of(fn)!r} is called with (value) or (value, ctx), and also needs {', '.join(others)}: "
            "give those a default, or bind them with functools.partial"
        )
        raise DefinitionError(message)


def _value_only(fn: Callable[..., Any]) -> Adapter:
    return lambda value, _ctx: fn(value)


def _context_only(fn: Callable[..., Any]) -> Adapter:
    return lambda _value, ctx: fn(ctx)


def _nothing(fn: Callable[..., Any]) -> Adapter:
    return lambda _value, _ctx: fn()


def _context_by_name(fn: Callable[..., Any], *, takes_value: bool) -> Adapter:
    if takes_value:
        return lambda value, ctx: fn(value, ctx=ctx)
    return lambda _value, ctx: fn(ctx=ctx)
