"""`map_async`: pulls its inputs, and holds no more of them than may be open."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from reactivex import operators as ops

from rxloom.errors import WorkflowFailed
from tests.map_runs.kit import INCREMENT, Async, Clocked, Kind, Plain, Pool, clocked
from tests.play import turns
from tests.virtual import virtual

KINDS = pytest.mark.parametrize("kind", [Plain, Async])


@KINDS
@virtual
async def test_items_are_pulled_when_runs_may_be_opened(kind: Kind) -> None:
    pool, source = Pool(), kind(3.0, 1.0, 2.0)
    heard = await clocked(pool.workflow.map_async(source, max_concurrency=2))

    assert heard.log == [(3, 3.0), (3, 1.0), (5, 2.0), (5, "completed")]
    assert source.pulled == [(0, 3.0), (0, 1.0), (3, 2.0)]
    assert source.closed == 1


@KINDS
@virtual
async def test_with_one_run_at_a_time_one_item_is_held(kind: Kind) -> None:
    source = kind(1.0, 2.0, 3.0)
    await clocked(Pool().workflow.map_async(source))

    assert source.pulled == [(0, 1.0), (1, 2.0), (3, 3.0)]


@KINDS
@virtual
async def test_without_order_items_are_pulled_as_runs_end(kind: Kind) -> None:
    pool, source = Pool(), kind(3.0, 1.0, 4.0)
    heard = await clocked(pool.workflow.map_async(source, max_concurrency=2, ordered=False))

    assert heard.log == [(1, 1.0), (3, 3.0), (5, 4.0), (5, "completed")]
    assert source.pulled == [(0, 3.0), (0, 1.0), (1, 4.0)]


@KINDS
@virtual
async def test_nothing_is_pulled_before_somebody_subscribes(kind: Kind) -> None:
    source = kind(1.0)
    outputs = Pool().workflow.map_async(source)
    await asyncio.sleep(1)

    assert source.pulled == []
    assert await outputs == 1.0


@KINDS
@virtual
async def test_each_subscription_iterates_anew(kind: Kind) -> None:
    outputs = Pool().workflow.map_async(kind(1.0, 2.0))
    first, second = Clocked(outputs), Clocked(outputs)
    await second.over.wait()

    assert first.items == second.items == [1, 2]


@KINDS
@virtual
async def test_disposing_closes_the_iterator_and_cancels_the_open_runs(kind: Kind) -> None:
    pool, source = Pool(), kind(3.0, 4.0, 5.0)
    heard = Clocked(pool.workflow.map_async(source, max_concurrency=2))
    await asyncio.sleep(1)
    heard.subscription.dispose()
    await turns()

    assert source.closed == 1
    assert pool.canceled == [(1, 3.0), (1, 4.0)]
    assert heard.log == []


@KINDS
@virtual
async def test_enough_outputs_close_the_iterator(kind: Kind) -> None:
    source = kind(1.0, 2.0, 3.0)
    outputs = await Pool().workflow.map_async(source).pipe(ops.take(2), ops.to_list())
    await turns()

    assert outputs == [1, 2]
    assert source.closed == 1
    assert len(source.pulled) == 2


@KINDS
@virtual
async def test_failed_run_closes_the_iterator(kind: Kind) -> None:
    source = kind(1.0, -1.0, 2.0)
    heard = await clocked(Pool().workflow.map_async(source))
    await turns()

    assert heard.log == [(1, 1.0), (2, WorkflowFailed)]
    assert source.closed == 1
    assert len(source.pulled) == 2


@KINDS
@virtual
async def test_failing_iterator_ends_the_sequence_and_cancels_the_open_runs(kind: Kind) -> None:
    pool, source = Pool(), kind(3.0, fails=True)
    heard = await clocked(pool.workflow.map_async(source, max_concurrency=2))
    await turns()

    assert heard.log == [(0, KeyError)]
    assert source.closed == 1
    assert pool.started == pool.canceled == []  # the run was canceled before its step was entered


@KINDS
@virtual
async def test_empty_iterable_completes(kind: Kind) -> None:
    assert (await clocked(Pool().workflow.map_async(kind()))).log == [(0, "completed")]


# -- bad things ---------------------------------------------------------------------------------------------------


def test_what_cannot_be_iterated_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match="an iterable or an async iterable; got 3"):
        INCREMENT.map_async(3)  # type: ignore[arg-type] # that is the point


def test_limit_out_of_range_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="max_concurrency must be a whole number of at least 1; got 0"):
        INCREMENT.map_async([], max_concurrency=0)


@virtual
async def test_iterable_that_does_not_give_an_iterator_ends_the_sequence() -> None:
    class Broken:
        def __iter__(self) -> Any:
            raise KeyError("iter")

    assert (await clocked(INCREMENT.map_async(Broken()))).log == [(0, KeyError)]


@virtual
async def test_iterator_with_a_close_method_is_closed() -> None:
    closed: list[str] = []

    class Lines:
        def __iter__(self) -> Any:
            return self

        def __next__(self) -> int:
            return 1

        def close(self) -> None:
            closed.append("yes")

    await INCREMENT.map_async(Lines()).pipe(ops.take(2))

    assert closed == ["yes"]


@virtual
async def test_failure_while_the_iterator_is_closed_is_reported() -> None:
    reported: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context["exception"]))
    error = KeyError("close")

    def numbers() -> Iterator[int]:
        try:
            yield 1
            yield 2
        finally:
            raise error

    assert await INCREMENT.map_async(numbers()).pipe(ops.take(1)) == 2
    assert reported == [error]


@virtual
async def test_subscription_that_is_disposed_by_its_own_iterator_is_over() -> None:
    pool = Pool()
    reported: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))

    def numbers() -> Iterator[float]:
        try:
            yield 1.0
            heard.subscription.dispose()
            yield 2.0
        finally:
            reported.append("closed")

    heard = Clocked(pool.workflow.map_async(numbers()))
    await asyncio.sleep(1.5)

    assert heard.log == [(1, 1.0)]
    assert pool.started == [(0, 1.0)]
    assert reported == ["closed"]


async def test_disposing_on_another_thread_closes_the_iterator_on_the_loop() -> None:
    closed: list[int] = []

    def numbers() -> Iterator[float]:
        try:
            while True:
                yield 60.0
        finally:
            closed.append(threading.get_ident())

    heard = Clocked(Pool().workflow.map_async(numbers()))
    await turns()
    await asyncio.to_thread(heard.subscription.dispose)
    await turns()

    assert closed == [threading.get_ident()]


async def test_endless_iterable_is_run_as_far_as_it_is_wanted() -> None:
    outputs = await INCREMENT.map_async(itertools.count(), max_concurrency=3).pipe(ops.take(1_000), ops.to_list())

    assert outputs == list(range(1, 1_001))
