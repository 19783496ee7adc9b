"""The sources of `.map({key: source})`: where each field of the next step's input comes from."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias

from rxloom.callables import Adapter, call_with, is_awaitable, name_of
from rxloom.errors import DefinitionError, ValidationFailed
from rxloom.template import Placeholder, TextTemplate
from rxloom.value_path import ValuePath
from rxloom.values import copy_plain

_NOT_RUN: Final = object()
_SHOWN = (str, int, float, bool, type(None))
_MAX_SHOWN = 60


class HasId(Protocol):
    """A step, as far as a source needs it."""

    @property
    def id(self) -> str:
        """The step's id."""
        ...


class MapContext(Protocol):
    """What a source reads of a run; a step context is one."""

    @property
    def init_data(self) -> Any:
        """The input of the run."""
        ...

    @property
    def state(self) -> Any:
        """The state of the run."""
        ...

    @property
    def runtime_context(self) -> Mapping[str, Any]:
        """The runtime context of the run."""
        ...

    def get_step_result(self, step: Any, default: Any = None) -> Any:
        """Get the output of a step, or the default if it has none."""
        ...


@dataclass(frozen=True, slots=True)
class FromResult:
    """A part of the output of a step that ran before; `None` if it did not run."""

    step: str
    path: ValuePath

    def resolve(self, value: Any, ctx: MapContext) -> Any:
        """Get the value."""
        del value
        output = ctx.get_step_result(self.step, _NOT_RUN)
        return None if output is _NOT_RUN else self.path.of(output, f"step {self.step!r}")

    def describe(self) -> dict[str, Any]:
        """Describe the source for the graph."""
        return {"from": "result", "step": self.step, "path": self.path.text}


@dataclass(frozen=True, slots=True)
class FromInit:
    """A part of the input of the run."""

    path: ValuePath

    def resolve(self, value: Any, ctx: MapContext) -> Any:
        """Get the value."""
        del value
        return self.path.of(ctx.init_data, "the input of the run")

    def describe(self) -> dict[str, Any]:
        """Describe the source for the graph."""
        return {"from": "init", "path": self.path.text}


@dataclass(frozen=True, slots=True)
class FromState:
    """A part of the state of the run."""

    path: ValuePath

    def resolve(self, value: Any, ctx: MapContext) -> Any:
        """Get the value."""
        del value
        return self.path.of(ctx.state, "the state")

    def describe(self) -> dict[str, Any]:
        """Describe the source for the graph."""
        return {"from": "state", "path": self.path.text}


@dataclass(frozen=True, slots=True)
class FromContext:
    """An entry of the runtime context; `None` if it is not there."""

    key: str

    def resolve(self, value: Any, ctx: MapContext) -> Any:
        """Get the value."""
        del value
        return ctx.runtime_context.get(self.key)

    def describe(self) -> dict[str, Any]:
        """Describe the source for the graph."""
        return {"from": "context", "key": self.key}


@dataclass(frozen=True, slots=True)
class Value:
    """A constant; each run gets its own copy of plain containers."""

    constant: Any

    def resolve(self, value: Any, ctx: MapContext) -> Any:
        """Get the value."""
        del value, ctx
        return copy_plain(self.constant)

    def describe(self) -> dict[str, Any]:
        """Describe the source for the graph; only what is short and plain is shown."""
        shown = isinstance(self.constant, _SHOWN) and len(str(self.constant)) <= _MAX_SHOWN
        return {"from": "value", "value": self.constant if shown else f"<{type(self.constant).__name__}>"}


@dataclass(frozen=True, slots=True)
class Template:
    """A text with placeholders."""

    template: TextTemplate

    def resolve(self, value: Any, ctx: MapContext) -> str:
        """Fill in the template."""
        del value
        return self.template.render(lambda placeholder: _look_up(placeholder, ctx))

    def describe(self) -> dict[str, Any]:
        """Describe the source for the graph."""
        return {"from": "template", "template": self.template.text}


@dataclass(frozen=True, slots=True)
class Computed:
    """What a function of the value, or of the value and the context, gives; it may be a coroutine function."""

    name: str
    call: Adapter

    def resolve(self, value: Any, ctx: MapContext) -> Any:
        """Call the function: gives the value, or an awaitable of it."""
        return self.call(value, ctx)

    def describe(self) -> dict[str, Any]:
        """Describe the source for the graph."""
        return {"from": "function", "name": self.name}


Source: TypeAlias = FromResult | FromInit | FromState | FromContext | Value | Template | Computed
MapFunction: TypeAlias = Callable[[Any], Any] | Callable[[Any, Any], Any]
"""A user's function of the value, or of the value and the context."""


def from_result(step: HasId | str, path: str = ".") -> FromResult:
    """Take the output of a step, or a part of it.

    Args:
        step: the step or its id.
        path: which part: `"."` for all of it, `"lines.0.price"` for a part; a missing part is `None`.

    Raises:
        DefinitionError: the path is malformed.
    """
    return FromResult(step if isinstance(step, str) else step.id, ValuePath(path))


def from_init(path: str = ".") -> FromInit:
    """Take the input of the run, or a part of it.

    Args:
        path: which part; `"."` for all of it.

    Raises:
        DefinitionError: the path is malformed.
    """
    return FromInit(ValuePath(path))


def from_state(path: str = ".") -> FromState:
    """Take the state of the run, or a part of it.

    Args:
        path: which part; `"."` for all of it.

    Raises:
        DefinitionError: the path is malformed.
    """
    return FromState(ValuePath(path))


def from_context(key: str) -> FromContext:
    """Take an entry of the runtime context.

    Args:
        key: its key; a missing one gives `None`.
    """
    return FromContext(key)


def value(constant: Any) -> Value:
    """Take a constant.

    Args:
        constant: any value.
    """
    return Value(constant)


def template(text: str) -> Template:
    """Make a text of parts of the run: `"Dear ${init.name}, ${steps.price.total} please"`.

    The placeholders are `${init…}`, `${steps.<id>…}`, `${state…}` and `${context.<key>…}`. `None` becomes the empty
    text, `$${` stands for `${` itself.

    Args:
        text: the template.

    Raises:
        DefinitionError: a placeholder is malformed or of an unknown namespace.
    """
    return Template(TextTemplate(text))


class MapSpec:
    """The sources of one `.map({key: source})`, checked once.

    Args:
        sources: a source, or a function of `(value)` or `(value, ctx)`, for each key of the output.

    Raises:
        DefinitionError: it is no mapping, or something in it is neither a source nor a function.

    Example:
        >>> MapSpec({"double": lambda value: value * 2, "unit": value("m")}).resolve(21, None)
        {'double': 42, 'unit': 'm'}
    """

    __slots__ = ("_sources",)

    def __init__(self, sources: Mapping[str, Source | MapFunction]) -> None:
        if not isinstance(sources, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance] # untyped callers
            message = f"map takes a function, or a mapping of keys to sources; got {sources!r}"
            raise DefinitionError(message)
        self._sources: tuple[tuple[str, Source], ...] = tuple((key, _source(key, s)) for key, s in sources.items())

    def resolve(self, value: Any, ctx: MapContext) -> dict[str, Any] | Awaitable[dict[str, Any]]:
        """Get the values of all keys, in their order.

        Args:
            value: what the step before gave.
            ctx: the context of the map step.

        Returns:
            The output, or, if a function is a coroutine function, an awaitable of it.
        """
        output: dict[str, Any] = {}
        remaining = iter(self._sources)
        for key, source in remaining:
            item = source.resolve(value, ctx)
            if type(source) is Computed and is_awaitable(item):
                return self._resolve_rest(output, key, item, remaining, (value, ctx))
            output[key] = item
        return output

    async def _resolve_rest(
        self,
        output: dict[str, Any],
        key: str,
        pending: Awaitable[Any],
        remaining: Iterator[tuple[str, Source]],
        arguments: tuple[Any, MapContext],
    ) -> dict[str, Any]:
        output[key] = await pending
        for following, source in remaining:
            item = source.resolve(*arguments)
            output[following] = await item if type(source) is Computed and is_awaitable(item) else item
        return output

    def describe(self) -> dict[str, dict[str, Any]]:
        """Describe the sources for the graph."""
        return {key: source.describe() for key, source in self._sources}


def _source(key: str, source: object) -> Source:
    if isinstance(source, Source):
        return source
    if hasattr(source, "id"):
        message = f"the source of {key!r} is a step: write `from_result(step)` to take its output"
        raise DefinitionError(message)
    if not callable(source):
        message = f"the source of {key!r} is neither a source nor a function: write `value({source!r})` for a constant"
        raise DefinitionError(message)
    return Computed(name_of(source), call_with(source))


def _look_up(placeholder: Placeholder, ctx: MapContext) -> Any:
    match placeholder.namespace:
        case "init":
            return placeholder.path.of(ctx.init_data, "the input of the run")
        case "state":
            return placeholder.path.of(ctx.state, "the state")
        case "context":
            return placeholder.path.of(ctx.runtime_context.get(placeholder.key), f"context {placeholder.key!r}")
        case "steps":
            return placeholder.path.of(_output(placeholder, ctx), f"step {placeholder.key!r}")


def _output(placeholder: Placeholder, ctx: MapContext) -> Any:
    output = ctx.get_step_result(placeholder.key, _NOT_RUN)
    if output is _NOT_RUN:
        message = f"{placeholder.text!r} in a template: step {placeholder.key!r} has no output here"
        raise ValidationFailed(message, what="template")
    return output
