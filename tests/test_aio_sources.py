"""From async iterables to Observables."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from reactivex import operators as ops

from rxloom.aio import from_async_iterable
from rxloom.errors import NoEventLoop
from rxloom.scheduler import LoopScheduler
from tests.virtual import virtual


class Countdown:
    """An async iterable that starts afresh each time, and notes how its iterations end."""

    def __init__(self, start: int, *, pause: float = 0.0) -> None:
        self.start = start
        self.pause = pause
        self.ended: list[str] = []

    async def __aiter__(self) -> AsyncIterator[int]:
        how = "exhausted"
        try:
            for number in range(self.start, 0, -1):
                await asyncio.sleep(self.pause)
                yield number
        except asyncio.CancelledError:
            how = "cancelled"
            raise
        except GeneratorExit:
            how = "closed"
            raise
        finally:
            self.ended.append(how)


class Seen:
    """What a subscriber was told."""

    def __init__(self, iterable: Any) -> None:
        self.told: list[Any] = []
        self.subscription = from_async_iterable(iterable).subscribe(
            self.told.append, self.told.append, lambda: self.told.append("|")
        )


async def _settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@virtual
async def test_items_are_pushed_and_then_the_end() -> None:
    seen = Seen(Countdown(3))
    assert seen.told == []
    await _settled()

    assert seen.told == [3, 2, 1, "|"]


@virtual
async def test_each_subscriber_iterates_anew() -> None:
    countdown = Countdown(2)
    observable = from_async_iterable(countdown)

    assert await observable.pipe(ops.to_list()) == [2, 1]
    assert await observable.pipe(ops.to_list()) == [2, 1]
    assert countdown.ended == ["exhausted"] * 2


@virtual
async def test_a_failure_of_the_iterable_is_an_error() -> None:
    async def failing() -> AsyncIterator[int]:
        yield 1
        raise ValueError("no")

    seen = Seen(failing())
    await _settled()

    assert seen.told[0] == 1
    assert isinstance(seen.told[1], ValueError)
    assert len(seen.told) == 2


@virtual
async def test_what_cannot_be_iterated_is_an_error() -> None:
    seen = Seen(object())
    await _settled()

    assert [type(error) for error in seen.told] == [TypeError]


@virtual
async def test_disposing_cancels_and_closes() -> None:
    countdown = Countdown(9, pause=1)
    seen = Seen(countdown)
    await asyncio.sleep(2.5)
    seen.subscription.dispose()
    seen.subscription.dispose()
    await _settled()

    assert seen.told == [9, 8]
    assert countdown.ended == ["cancelled"]
    assert asyncio.all_tasks() == {asyncio.current_task()}


@virtual
async def test_disposing_before_it_began_begins_nothing() -> None:
    countdown = Countdown(9)
    seen = Seen(countdown)
    seen.subscription.dispose()
    await _settled()

    assert seen.told == []
    assert countdown.ended == []


@virtual
async def test_disposing_inside_a_subscriber_closes_the_iterator() -> None:
    countdown = Countdown(9)

    assert await from_async_iterable(countdown).pipe(ops.take(2), ops.to_list()) == [9, 8]
    await _settled()
    assert countdown.ended == ["closed"]


@virtual
async def test_a_subscriber_that_raises_is_reported_and_the_iterator_closed() -> None:
    reported: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context["exception"]))
    countdown = Countdown(9)
    told: list[BaseException] = []
    unknown: dict[int, None] = {}
    from_async_iterable(countdown).subscribe(unknown.__getitem__, told.append)
    await _settled()

    assert [type(error) for error in reported] == [KeyError]
    assert told == []
    assert countdown.ended == ["closed"]


@virtual
async def test_a_failure_while_closing_is_reported() -> None:
    async def stubborn() -> AsyncIterator[int]:
        try:
            yield 1
            await asyncio.sleep(60)
        finally:
            raise ValueError("not so fast")

    reported: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context["exception"]))
    seen = Seen(stubborn())
    await _settled()
    seen.subscription.dispose()
    await _settled()

    assert seen.told == [1]
    assert [str(error) for error in reported] == ["not so fast"]


@virtual
async def test_an_iterable_that_cancels_itself_is_an_error_and_not_silence() -> None:
    async def cancelled() -> AsyncIterator[int]:
        yield 1
        raise asyncio.CancelledError

    with pytest.raises(RuntimeError, match="CancelledError"):
        await from_async_iterable(cancelled())


def test_a_loop_that_shuts_down_takes_the_task_with_it() -> None:
    countdown = Countdown(9, pause=60)
    seen: list[Seen] = []

    async def leave() -> None:
        seen.append(Seen(countdown))
        await _settled()

    asyncio.run(leave())
    seen[0].subscription.dispose()

    assert seen[0].told == []
    assert countdown.ended == ["cancelled"]


async def test_subscribed_on_another_thread_it_iterates_on_the_schedulers_loop() -> None:
    loop = asyncio.get_running_loop()
    loop.set_debug(enabled=True)
    loops: list[object] = []
    done = asyncio.Event()

    async def where() -> AsyncIterator[int]:
        loops.append(asyncio.get_running_loop())
        yield 1

    def subscribe() -> None:
        from_async_iterable(where()).subscribe(on_completed=done.set, scheduler=LoopScheduler(loop))

    await asyncio.to_thread(subscribe)
    await asyncio.wait_for(done.wait(), 5)

    assert loops == [loop]


async def test_disposing_on_another_thread_cancels() -> None:
    countdown = Countdown(9, pause=60)
    seen = Seen(countdown)
    await _settled()
    await asyncio.to_thread(seen.subscription.dispose)
    await _settled()

    assert countdown.ended == ["cancelled"]


def test_without_a_loop_it_is_an_error() -> None:
    with pytest.raises(NoEventLoop, match="from_async_iterable"):
        from_async_iterable(Countdown(1)).run()
