"""What kind of function a step is made of, and how it is called: looked at once, when the step is made."""

from __future__ import annotations

import functools
import inspect
import re
import types
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Generator,
    Iterator,
    Mapping,
)
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

from reactivex.abc import ObservableBase
from typing_extensions import Format, get_annotations

from rxloom.errors import DefinitionError

Kind: TypeAlias = Literal[
    "async", "thread", "inline", "async_generator", "generator", "inline_generator", "observable", "async_observable",
    "operator", "workflow",
]  # fmt: skip
Function: TypeAlias = Callable[..., Any]

_CONTEXTS = frozenset({"StepContext", "SyncStepContext"})
_CONTEXT_TEXT = re.compile(r"(?:^|[\s.|\[])(?:Sync)?StepContext\b")
_EMPTY = inspect.Parameter.empty
_BY_POSITION = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


@dataclass(frozen=True, slots=True)
class Body:
    """A function as the body of a step.

    Attributes:
        function: the function as it was given.
        kind: how it is carried out.
        takes_input: whether it wants the input.
        context_name: the parameter that wants the context, if any.
        invoke: calls it with `(value, context)`, whatever of the two it wants.
        input: the annotation of its input; empty when it has none.
        output: the annotation of its output, of one item for a stream; empty when it has none.
    """

    function: Function
    kind: Kind
    takes_input: bool
    context_name: str | None
    invoke: Callable[[Any, Any], Any]
    input: Any = _EMPTY
    output: Any = _EMPTY


@dataclass(frozen=True, slots=True)
class Unresolved:
    """An annotation that names something unknown at run time."""

    text: str
    reason: str


def inspect_body(function: Function, *, inline: bool = False, names: Mapping[str, Any] | None = None) -> Body:
    """Look at a function that is to be the body of a step.

    Args:
        function: anything callable.
        inline: whether a plain `def` runs on the loop.
        names: names its annotations may use beside the globals of its module.

    Raises:
        DefinitionError: when it cannot be called with an input and a context.
    """
    core = _core(function)
    hints = _hints(core, names or {})
    parameters = _parameters(function)
    context = _context_parameter(parameters, hints)
    entry = _input_parameter(parameters, context)
    kind, output = _kind(core, hints.get("return", _EMPTY), inline=inline)
    return Body(
        function=function,
        kind=kind,
        takes_input=entry is not None,
        context_name=context.name if context else None,
        invoke=_caller(function, parameters, entry, context),
        input=hints.get(entry.name, _EMPTY) if entry and entry.kind not in _VARIADIC else _EMPTY,
        output=output,
    )


def _core(function: Function) -> Function:
    """Find the function proper behind a partial or an object that can be called."""
    while isinstance(function, functools.partial):
        function = function.func
    if inspect.isroutine(function) or inspect.isclass(function):
        return function
    return type(function).__call__


# ------------------------------------------------------------------------------------------------- annotations


def _hints(core: Function, names: Mapping[str, Any]) -> dict[str, Any]:
    if inspect.isclass(core) or inspect.isbuiltin(core):
        return {}
    raw: Mapping[str, Any] = get_annotations(core, format=Format.FORWARDREF)
    space: dict[str, Any] = getattr(inspect.unwrap(core), "__globals__", {})
    return {name: _resolve(annotation, space, names) for name, annotation in raw.items()}


def _resolve(annotation: Any, space: dict[str, Any], names: Mapping[str, Any]) -> Any:
    """Evaluate one annotation by itself: another one that cannot be must not spoil it."""

    def carrier() -> None: ...

    carrier.__annotations__ = {"it": annotation}
    try:
        return get_type_hints(carrier, space, dict(names), include_extras=True)["it"]
    except (NameError, AttributeError, TypeError, SyntaxError) as error:
        return Unresolved(annotation if isinstance(annotation, str) else repr(annotation), str(error))


def _is_context(annotation: Any) -> bool:
    if isinstance(annotation, Unresolved):
        return bool(_CONTEXT_TEXT.search(annotation.text))
    origin: Any = get_origin(annotation) or annotation
    if origin in (Union, types.UnionType):
        return any(_is_context(arm) for arm in get_args(annotation))
    return isinstance(origin, type) and any(
        cls.__name__ in _CONTEXTS and cls.__module__.partition(".")[0] == "rxloom" for cls in origin.__mro__
    )


# -------------------------------------------------------------------------------------------------- parameters


def _parameters(function: Function) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(function).parameters.values())
    except (ValueError, TypeError):  # some builtins do not tell: taken to want their input
        return [inspect.Parameter("value", inspect.Parameter.POSITIONAL_ONLY)]


def _context_parameter(parameters: list[inspect.Parameter], hints: Mapping[str, Any]) -> inspect.Parameter | None:
    fixed = [parameter for parameter in parameters if parameter.kind not in _VARIADIC]
    annotated = (parameter for parameter in fixed if _is_context(hints.get(parameter.name, _EMPTY)))
    named = (parameter for parameter in fixed if parameter.name == "ctx")
    return next(annotated, None) or next(named, None)


def _input_parameter(
    parameters: list[inspect.Parameter], context: inspect.Parameter | None
) -> inspect.Parameter | None:
    others = [parameter for parameter in parameters if parameter is not context]
    entry = next((each for each in others if each.kind in (*_BY_POSITION, inspect.Parameter.VAR_POSITIONAL)), None)
    excess = [
        each.name for each in others if each is not entry and each.kind not in _VARIADIC and each.default is _EMPTY
    ]
    if excess:
        raise DefinitionError(
            f"a step function takes its input and maybe the context, and this one also wants {', '.join(excess)}: "
            "put all its input into one model, bind the rest with functools.partial, or for a method pass "
            "`create_step(id, an_object.method)`"
        )
    return entry


def _caller(
    function: Function,
    parameters: list[inspect.Parameter],
    entry: inspect.Parameter | None,
    context: inspect.Parameter | None,
) -> Callable[[Any, Any], Any]:
    """Give a function of `(value, context)` that passes on what is wanted, with as little between as can be."""
    if context is None:
        if entry is None:
            return lambda _value, _context: function()
        return lambda value, _context: function(value)
    place = parameters.index(context) if context.kind in _BY_POSITION else -1
    if entry is not None and place == 1:
        return function
    if entry is None and place == 0:
        return lambda _value, context: function(context)
    return _odd_caller(function, entry, context, place)


def _odd_caller(
    function: Function, entry: inspect.Parameter | None, context: inspect.Parameter, place: int
) -> Callable[[Any, Any], Any]:
    name = context.name
    if entry is not None and place == 0:
        return lambda value, context: function(context, value)
    if context.kind is inspect.Parameter.POSITIONAL_ONLY:
        raise DefinitionError(f"the context {name!r} must be the second parameter of a step function, or have a name")
    if entry is None:
        return lambda _value, context: function(**{name: context})
    return lambda value, context: function(value, **{name: context})


# -------------------------------------------------------------------------------------------------------- kinds

_STREAMS: tuple[tuple[Kind, tuple[type, ...]], ...] = (
    ("observable", (ObservableBase,)),
    ("async_generator", (AsyncIterator, AsyncGenerator, AsyncIterable)),
    ("generator", (Iterator, Generator)),
)
_TEXTS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("observable", re.compile(r"^[\w.]*Observable\b")),
    ("async_generator", re.compile(r"^[\w.]*Async(?:Iterator|Generator|Iterable)\b")),
    ("generator", re.compile(r"^[\w.]*(?:Iterator|Generator)\b")),
    ("async", re.compile(r"^[\w.]*(?:Awaitable|Coroutine)\b")),
)


def _kind(core: Function, returns: Any, *, inline: bool) -> tuple[Kind, Any]:
    """Tell the kind and the annotation of the output, or of one item of it."""
    plain: Kind = "inline" if inline else "thread"
    if inspect.isasyncgenfunction(core):
        return "async_generator", _argument(returns, 0)
    if inspect.isgeneratorfunction(core):
        return _generator_kind(inline=inline), _argument(returns, 0)
    if inspect.iscoroutinefunction(core):
        return _coroutine_kind(returns)
    kind = _kind_of_text(returns.text) if isinstance(returns, Unresolved) else _kind_of_annotation(returns)
    if kind == "generator":
        kind = _generator_kind(inline=inline)
    if isinstance(returns, Unresolved):
        return kind or plain, returns
    if kind is not None:
        return kind, _argument(returns, -1 if kind == "async" else 0)
    # A wrapper made with functools.wraps hands on the coroutine of the function it wraps.
    return ("async" if inspect.iscoroutinefunction(inspect.unwrap(core)) else plain), returns


def _generator_kind(*, inline: bool) -> Kind:
    return "inline_generator" if inline else "generator"


def _coroutine_kind(returns: Any) -> tuple[Kind, Any]:
    """A coroutine function gives what it returns, or the items of the Observable it returns."""
    kind = _kind_of_text(returns.text) if isinstance(returns, Unresolved) else _kind_of_annotation(returns)
    return ("async_observable", _argument(returns, 0)) if kind == "observable" else ("async", returns)


def _kind_of_text(returns: str) -> Kind | None:
    return next((kind for kind, text in _TEXTS if text.search(returns)), None)


def _kind_of_annotation(returns: Any) -> Kind | None:
    origin: Any = get_origin(returns) or returns
    if not isinstance(origin, type):
        return None
    # An Observable can be awaited too, hence the order.
    for kind, classes in _STREAMS:
        if issubclass(origin, classes):
            return kind
    return "async" if issubclass(origin, (Awaitable, Coroutine)) else None


def _argument(annotation: Any, place: int) -> Any:
    if isinstance(annotation, Unresolved):
        return annotation
    arguments = get_args(annotation)
    return arguments[place] if arguments else Any
