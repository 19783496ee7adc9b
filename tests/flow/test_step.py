"""Steps: every kind of function carried out, with values checked on the way in and out."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Iterator
from functools import partial
from typing import Any

import pytest
import reactivex as rx
from pydantic import BaseModel
from reactivex import operators as ops

from rxloom import (
    StepContext,
    SyncStepContext,
    create_step,
    create_workflow,
    first,
    last,
    step,
    step_from_operator,
)
from rxloom.errors import CollectError
from tests.play import Played, play


class Order(BaseModel):
    """An order."""

    item: str
    quantity: int


def one(step: Any, given: Any = None) -> Played:
    """Play a workflow of one step."""
    return play(create_workflow("wf").then(step).commit(), given)


async def coroutine(value: int) -> int:
    await asyncio.sleep(1)
    return value + 1


def plain(value: int) -> int:
    return value + 1


async def items_later(value: int) -> AsyncIterator[int]:
    for item in range(value):
        await asyncio.sleep(1)
        yield item


def items(value: int) -> Iterator[int]:
    yield from range(value)


def iterator(value: int) -> Iterator[int]:
    return iter(range(value))


class Bare:
    """An async iterator that cannot be closed."""

    def __init__(self, number: int) -> None:
        self.items = iter(range(number))

    def __aiter__(self) -> AsyncIterator[int]:
        return self

    async def __anext__(self) -> int:
        for item in self.items:
            return item
        raise StopAsyncIteration


def async_iterator(value: int) -> AsyncIterator[int]:
    return Bare(value)


def observed(value: int) -> rx.Observable[int]:
    return rx.range(0, value)


async def observed_later(value: int) -> rx.Observable[int]:
    await asyncio.sleep(1)
    return rx.range(0, value)


def observed_untold(value: int):  # noqa: ANN201 # no annotation says what it returns
    return rx.range(0, value)


async def observed_untold_later(value: int):  # noqa: ANN201 # nor here
    return rx.range(0, value)


def future(value: int) -> Awaitable[int]:
    done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    done.set_result(value + 1)
    return done


class Callable:
    """An object that can be called."""

    async def __call__(self, value: int) -> int:
        """Add one."""
        return value + 1

    async def method(self, value: int) -> int:
        """Add one."""
        return value + 1


@pytest.mark.parametrize(
    "function",
    [coroutine, plain, future, Callable(), Callable().method, partial(coroutine)],
    ids=["coroutine", "plain", "future", "object", "method", "partial"],
)
def test_a_function_that_returns_a_value(function: Any) -> None:
    played = one(create_step("s", function), 1)

    assert played.output == 2
    assert played.told == ["start", "s: running", "s: success", "success"]


@pytest.mark.parametrize(
    "function",
    [items_later, items, iterator, async_iterator, observed, observed_later, observed_untold, observed_untold_later],
    ids=lambda one: one.__name__,
)
def test_a_function_that_gives_items_writes_each_and_their_list_is_its_output(function: Any) -> None:
    played = one(create_step("s", function), 3)

    assert played.output == [0, 1, 2]
    assert played.told == ["start", "s: running", "s > 0", "s > 1", "s > 2", "s: success", "success"]


@pytest.mark.parametrize("function", [items_later, items, observed], ids=lambda one: one.__name__)
@pytest.mark.parametrize(
    ("collect", "output"), [(first, 0), (last, 2), (list, [0, 1, 2]), (sum, 3), (tuple, (0, 1, 2))]
)
def test_collect_folds_the_items(function: Any, collect: Any, output: Any) -> None:
    assert one(create_step("s", function, collect=collect), 3).output == output


@pytest.mark.parametrize("function", [items_later, items, observed], ids=lambda one: one.__name__)
def test_a_fold_that_has_no_answer_fails_the_step(function: Any) -> None:
    played = one(create_step("s", function, collect=first), 0)

    assert isinstance(played.error, CollectError)
    assert played.told[-2:] == ["s: failed", "failed"]


def test_a_plain_function_runs_on_a_worker_thread_and_an_inline_one_on_the_loop() -> None:
    def where(_: Any) -> str:
        return threading.current_thread().name

    assert one(create_step("s", where)).output.startswith("rxloom-worker")
    assert one(create_step("s", where, inline=True)).output == threading.current_thread().name


def test_an_inline_generator_runs_on_the_loop() -> None:
    def where(_: Any) -> Iterator[str]:
        yield threading.current_thread().name

    assert one(create_step("s", where)).output[0].startswith("rxloom-worker")
    assert one(create_step("s", where, inline=True)).output == [threading.current_thread().name]


def test_an_operator_is_a_step_whose_one_item_is_the_output() -> None:
    played = one(step_from_operator("op", ops.map(lambda value: value * 2)), 21)

    assert played.output == 42
    assert played.told == ["start", "op: running", "op: success", "success"]


@pytest.mark.parametrize(
    "operator",
    [ops.filter(lambda _: False), ops.flat_map(lambda _: rx.of(1, 2))],
    ids=["none", "several"],
)
def test_an_operator_that_gives_none_or_several_fails_and_says_what_to_do(operator: Any) -> None:
    error = one(step_from_operator("op", operator), 1).error

    assert isinstance(error, CollectError)
    assert all(name in str(error) for name in ("list", "last", "first"))


def test_an_operator_with_a_fold_writes_its_items() -> None:
    played = one(step_from_operator("op", ops.flat_map(lambda value: rx.range(0, value)), collect=list), 2)

    assert played.output == [0, 1]
    assert played.told[2:4] == ["op > 0", "op > 1"]


def test_time_operators_inside_a_step_run_on_the_time_of_the_run() -> None:
    def ticks(value: int) -> rx.Observable[int]:
        return rx.interval(10.0).pipe(ops.take(value))

    played = one(create_step("s", ticks), 3)

    assert played.output == [0, 1, 2]
    assert played.duration == 30


def test_an_observable_that_ends_with_an_error_fails_the_step() -> None:
    def broken(_: Any) -> rx.Observable[int]:
        return rx.concat(rx.of(1), rx.throw(KeyError("gone")))

    played = one(create_step("s", broken))

    assert isinstance(played.error, KeyError)
    assert played.told == ["start", "s: running", "s > 1", "s: failed", "failed"]


def test_an_observable_is_let_go_of_when_the_step_times_out() -> None:
    disposed: list[bool] = []

    def endless(_: Any) -> rx.Observable[int]:
        return rx.never().pipe(ops.finally_action(lambda: disposed.append(True)))

    played = one(create_step("s", endless, timeout=5))

    assert played.told[-2:] == ["s: failed", "failed"]
    assert disposed == [True]


def test_an_async_generator_is_closed_when_the_step_times_out() -> None:
    closed: list[str] = []

    async def endless(_: Any) -> AsyncIterator[int]:
        try:
            while True:
                await asyncio.sleep(2)
                yield 1
        finally:
            closed.append("closed")

    played = one(create_step("s", endless, timeout=5))

    assert played.told == ["start", "s: running", "s > 1", "s > 1", "s: failed", "failed"]
    assert closed == ["closed"]


def test_a_function_gets_the_context_by_annotation_or_by_name() -> None:
    @step
    async def annotated(value: int, anything: StepContext) -> str:
        return f"{anything.step_id}:{value}"

    @step
    async def named(value: int, *, ctx: Any) -> str:
        return f"{ctx.step_id}:{value}"

    @step
    def blocking(ctx: SyncStepContext) -> str:
        return ctx.step_id

    assert one(annotated, 1).output == "annotated:1"
    assert one(named, 1).output == "named:1"
    assert one(blocking, 1).output == "blocking"
