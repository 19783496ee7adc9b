"""What kind of function a body is, and how it is called, whatever of input and context it wants."""

# Functions without annotations are what is tested here.
# pyright: basic
from __future__ import annotations

import functools
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator, Iterator
from typing import Any, Optional

import pytest
from reactivex import Observable
from reactivex.subject import Subject

from rxloom.errors import DefinitionError
from rxloom.step_body import Unresolved, inspect_body


class StepContext:
    """Stands for the real one, which lives above this module; known by name and package."""

    __module__ = "rxloom.elsewhere"


class Callables:
    """Things with a method to make a step of."""

    def method(self, text: str, ctx: StepContext) -> int:
        """Take both."""
        return len(text) if ctx else 0

    async def __call__(self, text: str) -> int:
        """Be one itself."""
        return len(text)


async def coroutine(text: str) -> int:
    return len(text)


def plain(text: str) -> int:
    return len(text)


async def agen(text: str) -> AsyncIterator[int]:
    yield len(text)


async def bare_agen() -> Any:
    yield 1


def gen(text: str) -> Generator[int, None, str]:
    yield len(text)
    return text


def observable(text: str) -> Observable[int]:
    raise LookupError(text)


def subject(text: str) -> Subject[int]:
    raise LookupError(text)


def awaitable(text: str) -> Awaitable[int]:
    return coroutine(text)


def coroutine_by_hand(text: str) -> Coroutine[Any, Any, int]:
    return coroutine(text)


def iterator(text: str) -> Iterator[int]:
    return iter([len(text)])


def async_iterator(text: str) -> AsyncIterator[int]:
    return agen(text)


def listed(text: str) -> list[int]:
    return [len(text)]


@functools.wraps(coroutine)
def wrapper(*args: Any, **kwargs: Any) -> Any:
    return coroutine(*args, **kwargs)


def hidden(text: str) -> Any:
    raise LookupError(text)


hidden.__annotations__["return"] = "elsewhere.HiddenObservable[int]"


@pytest.mark.parametrize(
    ("function", "kind", "output"),
    [
        (coroutine, "async", int),
        (plain, "thread", int),
        (listed, "thread", list[int]),
        (agen, "async_generator", int),
        (bare_agen, "async_generator", Any),
        (gen, "generator", int),
        (observable, "observable", int),
        (subject, "observable", int),
        (awaitable, "async", int),
        (coroutine_by_hand, "async", int),
        (iterator, "generator", int),
        (async_iterator, "async_generator", int),
        pytest.param(wrapper, "async", int, id="wrapper"),
        (functools.partial(coroutine), "async", int),
        (functools.partial(functools.partial(plain)), "thread", int),
        (Callables(), "async", int),
        (Callables().method, "thread", int),
    ],
)
def test_the_kind_follows_from_the_function(function: Callable[..., Any], kind: str, output: Any) -> None:
    body = inspect_body(function)

    assert (body.kind, body.output) == (kind, output)


def test_a_plain_function_may_run_on_the_loop() -> None:
    assert inspect_body(plain, inline=True).kind == "inline"


def test_a_kind_can_be_read_off_a_name_unknown_at_run_time() -> None:
    body = inspect_body(hidden)

    assert body.kind == "observable"
    assert isinstance(body.output, Unresolved)


@pytest.mark.parametrize("function", [len, str.upper, int, dict, print])
def test_builtins_want_their_input(function: Callable[..., Any]) -> None:
    body = inspect_body(function)

    assert (body.kind, body.takes_input, body.context_name) == ("thread", True, None)


def both(value: str, ctx: StepContext) -> Any:
    return value, ctx


def by_annotation(value: str, context: StepContext) -> Any:
    return value, context


def by_text(value: str, context: Any) -> Any:
    return value, context


by_text.__annotations__["context"] = "hidden.StepContext[Any, bool] | None"


def by_optional(value: str, context: Optional[StepContext] = None) -> Any:  # noqa: UP045
    return value, context


def by_keyword(value: str, *, ctx: StepContext) -> Any:
    return value, ctx


def reversed_order(ctx: StepContext, value: str) -> Any:
    return value, ctx


def with_default(value: str, width: int = 3, ctx: Any = None) -> Any:
    return value, ctx, width


def spread(*values: Any, ctx: Any) -> Any:
    return *values, ctx


def annotated_wins(value: str, ctx: str = "mine", context: StepContext | None = None) -> Any:
    return value, context, ctx


@pytest.mark.parametrize(
    ("function", "result"),
    [
        (both, ("in", "context")),
        (by_annotation, ("in", "context")),
        (by_text, ("in", "context")),
        (by_optional, ("in", "context")),
        (by_keyword, ("in", "context")),
        (reversed_order, ("in", "context")),
        (with_default, ("in", "context", 3)),
        (spread, ("in", "context")),
        (annotated_wins, ("in", "context", "mine")),
        (lambda value: value, "in"),
        (lambda value=1: value, "in"),
        (lambda *values: values, ("in",)),
        (lambda ctx: ctx, "context"),
        (lambda *, ctx: ctx, "context"),
        (lambda *, flag=True: flag, True),
        (lambda: "nothing", "nothing"),
        (functools.partial(lambda value, width: (value, width), width=2), ("in", 2)),
        (functools.partial(lambda width, value, ctx: (width, value, ctx), 2), (2, "in", "context")),
    ],
    ids=itertools.count(),
)
def test_a_function_gets_what_it_wants(function: Callable[..., Any], result: Any) -> None:
    assert inspect_body(function).invoke("in", "context") == result


def test_a_function_of_both_is_called_with_nothing_in_between() -> None:
    assert inspect_body(both).invoke is both


@pytest.mark.parametrize(
    ("function", "missing"),
    [
        (lambda a, b: (a, b), "b"),
        (lambda a, b, c, ctx: (a, b, c, ctx), "b, c"),
        (lambda a, *, key: (a, key), "key"),
        (Callables.method, "text"),
    ],
)
def test_a_function_that_wants_more_is_refused(function: Callable[..., Any], missing: str) -> None:
    with pytest.raises(DefinitionError, match=f"also wants {missing}:"):
        inspect_body(function)


def test_a_context_that_can_only_be_third_is_refused() -> None:
    with pytest.raises(DefinitionError, match="second parameter"):
        inspect_body(lambda value, width=1, ctx=None, /: (value, width, ctx))


def test_a_generator_may_yield_what_is_unknown_at_run_time() -> None:
    def items(text: str) -> Iterator[Any]:
        yield text

    items.__annotations__["return"] = "Iterator[Nowhere]"
    body = inspect_body(items)

    assert body.kind == "generator"
    assert isinstance(body.output, Unresolved)


def test_a_return_annotation_that_is_no_class_says_nothing_of_the_kind() -> None:
    def choose(text: str) -> int | str:
        return text

    assert inspect_body(choose).kind == "thread"
