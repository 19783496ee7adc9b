"""Leaving early: open runs are cancelled, whoever leaves, and wherever."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from typing import Any

import pytest
import reactivex as rx
from reactivex import Observable
from reactivex import operators as ops
from reactivex.subject import Subject

from rxloom import RunInterrupted, Runtime, step
from rxloom.ports import runtime as runtimes
from rxloom.testing import virtual_run
from tests.garbage import collector_off, ours_in_cycles
from tests.hearing import hear
from tests.leaving import Forgotten, Work, leave_often
from tests.map_runs.kit import INCREMENT, Clocked, Pool, clocked, one
from tests.play import turns
from tests.virtual import virtual


@virtual
async def test_disposing_cancels_the_open_runs() -> None:
    pool = Pool()
    heard = Clocked(rx.of(3.0, 4.0, 5.0).pipe(pool.workflow.as_operator(max_concurrency=2)))
    await asyncio.sleep(1)
    heard.subscription.dispose()
    heard.subscription.dispose()
    await asyncio.sleep(9)

    assert pool.canceled == [(1, 3.0), (1, 4.0)]
    assert len(pool.started) == 2
    assert heard.log == []


@virtual
async def test_disposing_unsubscribes_from_the_source() -> None:
    source: Subject[float] = Subject()
    heard = Clocked(source.pipe(Pool().workflow.as_operator()))
    heard.subscription.dispose()

    assert source.observers == []


@virtual
async def test_enough_outputs_cancel_the_open_runs() -> None:
    pool = Pool()
    outcomes = rx.of(1.0, 3.0, 2.0).pipe(pool.workflow.as_operator(max_concurrency=3, ordered=False), ops.take(1))
    heard = await clocked(outcomes)
    await asyncio.sleep(9)

    assert heard.log == [(1, 1.0), (1, "completed")]
    assert pool.canceled == [(1, 3.0), (1, 2.0)]


@virtual
async def test_new_item_of_switch_map_cancels_the_runs_of_the_old_one() -> None:
    pool = Pool()
    source: Subject[float] = Subject()
    operator = pool.workflow.as_operator()
    heard = Clocked(source.pipe(ops.switch_map(lambda seconds: rx.of(seconds).pipe(operator))))
    source.on_next(5.0)
    await asyncio.sleep(1)
    source.on_next(2.0)
    await asyncio.sleep(9)

    assert heard.log == [(3, 2.0)]
    assert pool.canceled == [(1, 5.0)]


@virtual
async def test_observer_that_raises_is_reported_and_ends_its_own_runs_only() -> None:
    pool, other = Pool(), Pool()
    reported: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context["exception"]))
    error = KeyError("observer")

    def fail(_: object) -> None:
        raise error

    rx.of(1.0, 5.0).pipe(pool.workflow.as_operator(max_concurrency=2)).subscribe(fail)
    heard = await clocked(rx.of(2.0, 3.0).pipe(other.workflow.as_operator()))

    assert reported == [error]
    assert pool.canceled == [(1, 5.0)]
    assert heard.items == [2, 3]


@virtual
async def test_closed_runtime_ends_the_sequence(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = Runtime()
    monkeypatch.setattr(runtimes, "_current", [lambda: runtime])
    heard = Clocked(rx.of(5.0, 6.0).pipe(Pool().workflow.as_operator(max_concurrency=2, materialize_failures=True)))
    await asyncio.sleep(1)
    await runtime.aclose(drain=0)
    late = Clocked(rx.of(5.0).pipe(Pool().workflow.as_operator()))
    await turns()

    assert heard.log == [(1, RunInterrupted)]
    assert late.log == [(1, RunInterrupted)]


def test_loop_that_ends_ends_the_sequence() -> None:
    pool = Pool()

    async def main() -> Any:
        heard = hear(rx.of(5.0).pipe(pool.workflow.as_operator()))
        await turns()
        return heard

    heard = asyncio.run(main())

    assert isinstance(heard.end, RunInterrupted)


def test_source_that_outlives_the_loop_is_told_so() -> None:
    source: Subject[int] = Subject()

    async def main() -> Any:
        return hear(source.pipe(INCREMENT.as_operator()))

    heard = asyncio.run(main())
    source.on_next(1)

    assert isinstance(heard.end, RunInterrupted)
    assert source.observers == []


# -- threads and finalizers ---------------------------------------------------------------------------------------


async def test_disposing_on_another_thread_cancels_the_open_runs() -> None:
    pool = Pool()
    heard = Clocked(rx.of(60.0, 60.0).pipe(pool.workflow.as_operator(max_concurrency=2)))
    await turns()
    await asyncio.to_thread(heard.subscription.dispose)
    await turns()

    assert [seconds for _, seconds in pool.canceled] == [60.0, 60.0]
    assert pool.open == 0


async def test_finalizer_may_dispose_in_the_middle_of_anything() -> None:
    pool = Pool()
    subscription = rx.of(60.0).pipe(pool.workflow.as_operator()).subscribe(print)
    await turns()
    with collector_off():
        Forgotten(subscription)
        gc.collect()
    await turns()

    assert pool.open == 0


async def test_many_who_leave_on_threads_and_in_finalizers_leave_nothing_behind() -> None:
    work = Work()
    operator = work.workflow.as_operator(max_concurrency=2, ordered=False)
    wrong = await leave_often(1_000, lambda n, observer: rx.of(n, n + 1, n + 2).pipe(operator).subscribe(observer))

    assert wrong == []
    assert work.started == work.ended > 0


# -- what is left -------------------------------------------------------------------------------------------------


def _from_subject(source: Subject[int]) -> Observable[int]:
    return source.pipe(INCREMENT.as_operator(max_concurrency=2, on_chunk=lambda _: None))


def _pulled(_: object) -> Observable[int]:
    return INCREMENT.map_async(range(5), max_concurrency=2)


def _pulled_async(_: object) -> Observable[int]:
    async def numbers() -> AsyncIterator[int]:
        for number in range(5):
            yield number

    return INCREMENT.map_async(numbers(), max_concurrency=2)


@pytest.mark.unwatched
@pytest.mark.parametrize("make", [_from_subject, _pulled, _pulled_async])
@pytest.mark.parametrize("how", ["to the end", "left", "failed"])
def test_nothing_is_left_for_the_collector(make: Callable[[Subject[int]], Observable[int]], how: str) -> None:
    async def play() -> None:
        source: Subject[int] = Subject()
        outcomes = make(source)
        heard = hear(outcomes.pipe(ops.take(3)) if how == "left" else outcomes)
        for number in range(5):
            source.on_next(number)
        if how == "failed":
            source.on_error(ValueError())
        source.on_completed()
        await turns(50)
        assert heard.end is not None

    with collector_off():
        for _ in range(3):
            virtual_run(play())
        assert ours_in_cycles() == []


# -- context ------------------------------------------------------------------------------------------------------


async def test_everything_happens_in_the_context_of_whoever_subscribed() -> None:
    name = ContextVar[str]("name", default="nobody")
    seen: list[tuple[str, str]] = []
    over = asyncio.Event()

    @step
    async def look(number: int) -> int:
        seen.append(("step", name.get()))
        name.set("the step")
        return number

    source: Subject[int] = Subject()
    name.set("subscriber")
    operator = one(look).as_operator(on_chunk=lambda _: seen.append(("chunk", name.get())))
    source.pipe(operator).subscribe(lambda _: seen.append(("output", name.get())), print, over.set)
    name.set("source")
    source.on_next(1)
    source.on_next(2)
    source.on_completed()
    await over.wait()

    assert {who for _, who in seen} == {"subscriber"}
    assert {what for what, _ in seen} == {"step", "chunk", "output"}
