"""One run per item: in order or not, and never more than so many at once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import reactivex as rx
from hypothesis import given
from hypothesis import strategies as st
from reactivex import Observable
from reactivex import operators as ops
from reactivex.subject import Subject

from rxloom.testing import virtual_run
from tests.map_runs.kit import INCREMENT, Clocked, Pool, clocked
from tests.virtual import virtual


@virtual
async def test_one_run_after_another_is_the_default() -> None:
    pool = Pool()
    heard = await clocked(rx.of(2.0, 1.0, 3.0).pipe(pool.workflow.as_operator()))

    assert heard.log == [(2, 2.0), (3, 1.0), (6, 3.0), (6, "completed")]
    assert pool.most == 1


@virtual
async def test_order_of_the_inputs_is_kept() -> None:
    pool = Pool()
    heard = await clocked(rx.of(3.0, 1.0, 2.0).pipe(pool.workflow.as_operator(max_concurrency=3)))

    assert heard.log == [(3, 3.0), (3, 1.0), (3, 2.0), (3, "completed")]


@virtual
async def test_order_of_the_inputs_is_given_up() -> None:
    pool = Pool()
    heard = await clocked(rx.of(3.0, 1.0, 2.0).pipe(pool.workflow.as_operator(max_concurrency=3, ordered=False)))

    assert heard.log == [(1, 1.0), (2, 2.0), (3, 3.0), (3, "completed")]


@virtual
async def test_run_that_waits_for_its_turn_counts_as_open() -> None:
    pool = Pool()
    await clocked(rx.of(5.0, 1.0, 1.0).pipe(pool.workflow.as_operator(max_concurrency=2)))

    assert pool.started == [(0, 5.0), (0, 1.0), (5, 1.0)]


@virtual
async def test_without_order_a_run_that_has_ended_makes_room() -> None:
    pool = Pool()
    await clocked(rx.of(5.0, 1.0, 1.0).pipe(pool.workflow.as_operator(max_concurrency=2, ordered=False)))

    assert pool.started == [(0, 5.0), (0, 1.0), (1, 1.0)]


@given(
    seconds=st.lists(st.integers(1, 9).map(float), max_size=12),
    limit=st.integers(1, 5),
    ordered=st.booleans(),
    every=st.integers(0, 3),
)
def test_outputs_are_those_of_the_inputs_and_never_more_runs_are_open(
    seconds: list[float], limit: int, *, ordered: bool, every: int
) -> None:
    pool = Pool()

    async def main() -> list[float]:
        source: Observable[float] = rx.concat(*[rx.timer(every).pipe(ops.map(lambda _, s=s: s)) for s in seconds])
        heard = await clocked(source.pipe(pool.workflow.as_operator(max_concurrency=limit, ordered=ordered)))
        return heard.items

    told = virtual_run(main())

    assert pool.most <= limit
    assert (told if ordered else sorted(told)) == (seconds if ordered else sorted(seconds))


@virtual
async def test_source_that_completes_waits_for_the_open_runs() -> None:
    pool = Pool()
    source: Subject[float] = Subject()
    heard = Clocked(source.pipe(pool.workflow.as_operator()))
    source.on_next(2.0)
    source.on_next(1.0)
    source.on_completed()
    await heard.over.wait()

    assert heard.log == [(2, 2.0), (3, 1.0), (3, "completed")]


@virtual
async def test_empty_source_completes_at_once() -> None:
    heard = await clocked(rx.empty().pipe(Pool().workflow.as_operator()))

    assert heard.log == [(0, "completed")]


@virtual
async def test_failing_source_cancels_the_open_runs_at_once() -> None:
    pool = Pool()
    source: Subject[float] = Subject()
    heard = Clocked(source.pipe(pool.workflow.as_operator(max_concurrency=2)))
    for seconds in (3.0, 4.0, 1.0):
        source.on_next(seconds)
    await asyncio.sleep(1)
    source.on_error(KeyError("source"))
    await asyncio.sleep(9)

    assert heard.log == [(1, KeyError)]
    assert pool.canceled == [(1, 3.0), (1, 4.0)]
    assert pool.open == 0
    assert len(pool.started) == 2


@virtual
async def test_second_subscription_is_independent() -> None:
    pool = Pool()
    outcomes = rx.of(1.0, 2.0).pipe(pool.workflow.as_operator())
    first = Clocked(outcomes)
    await asyncio.sleep(1.5)
    second = Clocked(outcomes)
    first.subscription.dispose()
    await second.over.wait()

    assert first.log == [(1, 1.0)]
    assert second.log == [(2.5, 1.0), (4.5, 2.0), (4.5, "completed")]


@virtual
async def test_result_that_is_fed_back_is_run_after_the_observer_returned() -> None:
    source: Subject[int] = Subject()
    told: list[int] = []

    def again(number: int) -> None:
        told.append(number)
        if number < 5:
            source.on_next(number)
            told.append(-number)

    source.pipe(INCREMENT.as_operator(buffer=0)).subscribe(again)
    source.on_next(0)
    await asyncio.sleep(1)

    assert told == [1, -1, 2, -2, 3, -3, 4, -4, 5]


@virtual
async def test_stock_time_operators_around_it_use_the_loop() -> None:
    pool = Pool()
    source = rx.interval(1).pipe(ops.take(2), ops.map(lambda _: 5.0))
    heard = await clocked(source.pipe(pool.workflow.as_operator()).pipe(ops.timeout(3)))

    assert [when for when, _ in heard.log] == [3]


@virtual
async def test_a_thousand_runs_may_be_opened_at_once() -> None:
    pool = Pool()
    heard = await clocked(pool.workflow.map_async([1.0] * 1_000, max_concurrency=1_000))

    assert pool.most == 1_000
    assert heard.log[-1] == (1, "completed")


def test_source_made_where_no_loop_runs_uses_that_of_the_subscription() -> None:
    outcomes = rx.timer(3).pipe(ops.map(lambda _: 2.0), Pool().workflow.as_operator())
    heard = virtual_run(clocked(outcomes))

    assert heard.log == [(5, 2.0), (5, "completed")]


@pytest.mark.parametrize("ordered", [True, False])
async def test_huge_source_that_emits_at_once_is_run_without_recursion(ordered: bool) -> None:  # noqa: FBT001
    count = 5_000
    outcomes = rx.from_iterable(range(count)).pipe(INCREMENT.as_operator(max_concurrency=3, ordered=ordered))
    total = await outcomes.pipe(ops.sum())

    assert total == count * (count + 1) / 2


async def test_runs_that_end_while_they_are_started_are_no_recursion() -> None:
    no_numbers: list[Any] = ["no number"] * 2_000
    results = await rx.from_iterable(no_numbers).pipe(INCREMENT.as_operator(materialize_failures=True), ops.to_list())

    assert {result.status for result in results} == {"failed"}
    assert len(results) == 2_000


async def test_endless_source_on_the_loop_is_left_when_there_is_enough() -> None:
    outputs = await rx.repeat_value(1).pipe(INCREMENT.as_operator(), ops.take(3), ops.to_list())

    assert outputs == [2, 2, 2]
