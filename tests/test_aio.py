"""From Observables to `async for`."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from typing import Any

import pytest
import reactivex as rx
from reactivex import Observable
from reactivex import operators as ops
from reactivex.abc import DisposableBase, ObserverBase, SchedulerBase
from reactivex.disposable import Disposable
from reactivex.subject import Subject

from rxloom.aio import ObservableIterator, to_async_iterator
from rxloom.errors import NoEventLoop, StreamOverflow
from rxloom.observable import BoundObservable
from rxloom.scheduler import LoopScheduler
from tests.virtual import virtual


class Source(Observable[Any]):
    """A hot source that counts its subscriptions."""

    def __init__(self) -> None:
        super().__init__(self._begin)
        self.subject: Subject[Any] = Subject()
        self.open = 0
        self.schedulers: list[SchedulerBase | None] = []

    def _begin(self, observer: ObserverBase[Any], scheduler: SchedulerBase | None) -> DisposableBase:
        self.open += 1
        self.schedulers.append(scheduler)
        subscription = self.subject.subscribe(observer)

        def dispose() -> None:
            self.open -= 1
            subscription.dispose()

        return Disposable(dispose)

    def emit(self, *values: Any) -> None:
        """Tell all subscribers."""
        for value in values:
            self.subject.on_next(value)


@pytest.fixture
def source() -> Source:
    return Source()


async def test_items_come_in_order_and_then_the_end() -> None:
    assert [item async for item in to_async_iterator(rx.of(1, 2, 3))] == [1, 2, 3]


async def test_the_end_stays_the_end() -> None:
    iterator = to_async_iterator(rx.of(1))
    assert await anext(iterator) == 1
    for _ in range(2):
        with pytest.raises(StopAsyncIteration):
            await anext(iterator)


async def test_a_hot_source_loses_nothing_before_the_first_pull(source: Source) -> None:
    iterator = to_async_iterator(source)
    source.emit(1, 2)

    assert [await anext(iterator), await anext(iterator)] == [1, 2]


async def test_an_error_comes_after_what_waited(source: Source) -> None:
    iterator = to_async_iterator(source)
    source.emit(1)
    source.subject.on_error(ValueError("no"))

    assert await anext(iterator) == 1
    with pytest.raises(ValueError, match="no"):
        await anext(iterator)
    with pytest.raises(StopAsyncIteration):
        await anext(iterator)


async def test_a_pull_that_waits_is_woken(source: Source) -> None:
    async def pull() -> Any:
        return await anext(iterator)

    iterator = to_async_iterator(source)
    pulled = asyncio.create_task(pull())
    await asyncio.sleep(0)
    source.emit(1)

    assert await pulled == 1


async def test_a_cancelled_pull_loses_nothing(source: Source) -> None:
    async def pull() -> Any:
        return await anext(iterator)

    iterator = to_async_iterator(source)
    pulled = asyncio.create_task(pull())
    await asyncio.sleep(0)
    source.emit(1)
    pulled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pulled
    source.emit(2)

    assert [await anext(iterator), await anext(iterator)] == [1, 2]


async def test_two_pulls_at_once_are_refused(source: Source) -> None:
    async def pull() -> Any:
        return await anext(iterator)

    iterator = to_async_iterator(source)
    pulled = asyncio.create_task(pull())
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="one place"):
        await anext(iterator)
    source.emit(1)

    assert await pulled == 1


async def test_too_many_waiting_items_end_in_an_overflow(source: Source) -> None:
    iterator = to_async_iterator(source, buffer=2)
    source.emit(1, 2, 3, 4)

    assert [await anext(iterator), await anext(iterator)] == [1, 2]
    with pytest.raises(StreamOverflow, match="2"):
        await anext(iterator)
    assert source.open == 0


async def test_the_oldest_are_dropped_on_request(source: Source) -> None:
    iterator = to_async_iterator(source, buffer=2, on_overflow="drop_oldest")
    source.emit(*range(10))
    source.subject.on_completed()

    assert [item async for item in iterator] == [8, 9]


@pytest.mark.parametrize("buffer", [0, -1])
async def test_a_buffer_without_room_is_refused(buffer: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        to_async_iterator(rx.of(1), buffer=buffer)


def test_without_a_loop_it_says_so() -> None:
    with pytest.raises(NoEventLoop, match="to_async_iterator"):
        to_async_iterator(rx.of(1))


async def test_leaving_the_loop_early_unsubscribes_at_once(source: Source) -> None:
    source.subject = Subject()
    emitting = asyncio.get_running_loop().call_soon(source.emit, 1, 2)
    async for item in to_async_iterator(source):
        assert source.open == 1
        assert item == 1
        break
    emitting.cancel()

    assert source.open == 0


async def test_the_context_manager_unsubscribes(source: Source) -> None:
    async with to_async_iterator(source) as iterator:
        assert source.open == 1
        source.emit(1)

    assert source.open == 0
    with pytest.raises(StopAsyncIteration):
        await anext(iterator)


async def test_closing_ends_a_pull_that_waits(source: Source) -> None:
    async def pull_all() -> list[Any]:
        return [item async for item in iterator]

    iterator = to_async_iterator(source)
    pulled = asyncio.create_task(pull_all())
    await asyncio.sleep(0)
    await iterator.aclose()
    await iterator.aclose()

    assert await pulled == []
    assert source.open == 0


async def test_an_iterator_that_is_dropped_is_collected_and_unsubscribes(source: Source) -> None:
    iterator = to_async_iterator(source)
    dead = weakref.ref(iterator)
    gc.collect()
    gc.disable()
    try:
        del iterator
        assert dead() is None
        assert source.open == 0
    finally:
        gc.enable()


async def test_the_end_releases_the_source(source: Source) -> None:
    iterator = to_async_iterator(source)
    source.subject.on_completed()

    assert source.open == 0
    with pytest.raises(StopAsyncIteration):
        await anext(iterator)


async def test_a_source_that_fails_to_subscribe_fails_the_first_pull() -> None:
    def broken(observer: ObserverBase[int], scheduler: SchedulerBase | None = None) -> DisposableBase:
        raise ValueError(observer, scheduler)

    with pytest.raises(ValueError, match="Observer"):
        await anext(to_async_iterator(Observable(broken)))


async def test_a_foreign_source_gets_the_loops_scheduler_and_a_bound_one_keeps_its_own() -> None:
    foreign, own = Source(), Source()
    scheduler = LoopScheduler(asyncio.get_running_loop())
    first, second = to_async_iterator(foreign), to_async_iterator(BoundObservable(scheduler, own))
    await first.aclose()
    await second.aclose()
    given = foreign.schedulers[0]

    assert isinstance(given, LoopScheduler)
    assert given.loop is asyncio.get_running_loop()
    assert own.schedulers == [scheduler]


@virtual
async def test_time_operators_start_no_thread() -> None:
    threads = threading.active_count()
    ticks = rx.interval(60).pipe(ops.take(3), ops.timeout(100))

    assert [item async for item in to_async_iterator(ticks)] == [0, 1, 2]
    assert asyncio.get_running_loop().time() == 180
    assert threading.active_count() <= threads


async def test_a_source_on_another_thread_loses_nothing() -> None:
    asyncio.get_running_loop().set_debug(enabled=True)
    source: Subject[int] = Subject()
    iterator = to_async_iterator(source)

    def emit() -> None:
        for number in range(5000):
            source.on_next(number)
        source.on_completed()

    thread = threading.Thread(target=emit)
    thread.start()
    seen = await asyncio.wait_for(_all(iterator), 30)
    thread.join()

    assert seen == list(range(5000))


def test_it_may_be_pulled_on_two_loops_in_turn() -> None:
    source: Subject[int] = Subject()

    async def make() -> ObservableIterator[int]:
        return to_async_iterator(source)

    async def pull(iterator: ObservableIterator[int], value: int) -> int:
        asyncio.get_running_loop().call_soon(source.on_next, value)
        return await anext(iterator)

    iterator = asyncio.run(make())

    assert asyncio.run(pull(iterator, 1)) == 1
    assert asyncio.run(pull(iterator, 2)) == 2


def test_an_item_after_the_readers_loop_is_closed_is_harmless() -> None:
    source: Subject[int] = Subject()
    kept: list[ObservableIterator[int]] = []

    async def give_up() -> None:
        kept.append(to_async_iterator(source))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(kept[0]), 0.001)

    asyncio.run(give_up())
    source.on_next(1)
    kept.clear()

    assert source.observers == []


async def _all(iterator: ObservableIterator[int]) -> list[int]:
    return [item async for item in iterator]
