"""`call_with`: users' functions get the arguments they want."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from rxloom.callables import call_with, is_awaitable, name_of
from rxloom.errors import DefinitionError


class Condition:
    """A callable object."""

    def __call__(self, value: int, ctx: str) -> object:
        """Take both."""
        return value, ctx


class Conditions:
    """Holds functions as methods."""

    def check(self, value: int) -> object:
        """Take the value."""
        return value

    @classmethod
    def check_both(cls, value: int, ctx: str) -> object:
        """Take both."""
        return value, ctx


def value_first(value: int, limit: int = 3) -> object:
    return value, limit


def optional_context(value: int, ctx: str | None = None) -> object:
    return value, ctx


def context_by_keyword(value: int, *, ctx: str) -> object:
    return value, ctx


def only_context_by_keyword(*, ctx: str) -> object:
    return ctx


def only_context(ctx: str) -> object:
    return ctx


def takes_anything(*args: object, **kwargs: object) -> object:
    return args, kwargs


def three(value: int, ctx: str, more: int) -> object:
    return value, ctx, more


CASES: dict[str, tuple[Callable[..., Any], object]] = {
    "value": (lambda v: v, 1),  # pyright: ignore[reportUnknownLambdaType]
    "value and context, by count": (lambda v, c: (v, c), (1, "ctx")),  # pyright: ignore[reportUnknownLambdaType]
    "nothing": (lambda: "constant", "constant"),
    "second parameter with a default": (value_first, (1, 3)),
    "context with a default": (optional_context, (1, "ctx")),
    "context by keyword": (context_by_keyword, (1, "ctx")),
    "only the context by keyword": (only_context_by_keyword, "ctx"),
    "only the context": (only_context, "ctx"),
    "anything": (takes_anything, ((1,), {})),
    "callable object": (Condition(), (1, "ctx")),
    "bound method": (Conditions().check, 1),
    "class method": (Conditions.check_both, (1, "ctx")),
    "bound argument": (partial(three, more=9), (1, "ctx", 9)),
    "builtin": (operator.neg, -1),
    "class": (str, "1"),
    "builtin without a signature": (bool, True),
}


@pytest.mark.parametrize("case", CASES)
def test_function_gets_what_it_takes(case: str) -> None:
    fn, expected = CASES[case]

    assert call_with(fn)(1, "ctx") == expected


async def test_coroutine_function_gives_an_awaitable() -> None:
    async def check(value: int, ctx: str) -> object:
        return value, ctx

    result = call_with(check)(1, "ctx")

    assert is_awaitable(result)
    assert await result == (1, "ctx")


@pytest.mark.parametrize("result", [True, None, 1, "x", {}, [], object()])
def test_plain_results_are_not_awaited(result: object) -> None:
    assert not is_awaitable(result)


def test_function_that_needs_more_is_refused_by_name() -> None:
    with pytest.raises(DefinitionError, match=r"'three' .* also needs more"):
        call_with(three)


def test_function_that_needs_another_keyword_is_refused() -> None:
    def check(value: int, *, limit: int) -> bool:
        return value < limit

    with pytest.raises(DefinitionError, match="also needs limit"):
        call_with(check)


def test_what_is_no_function_is_refused() -> None:
    with pytest.raises(DefinitionError, match="3 is not a function"):
        call_with(3)  # pyright: ignore[reportArgumentType]


def test_names_are_for_people() -> None:
    assert [name_of(f) for f in (value_first, partial(three, more=1), Condition(), str)] == [
        "value_first",
        "three",
        "Condition",
        "str",
    ]
