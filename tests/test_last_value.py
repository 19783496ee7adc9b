"""Waiting for the last value: awaiting it, and blocking for it."""

from __future__ import annotations

import asyncio
import gc
import signal
import threading
import weakref
from typing import Any

import pytest
import reactivex as rx
from reactivex import Observable
from reactivex import operators as ops
from reactivex.abc import DisposableBase, ObserverBase, SchedulerBase
from reactivex.internal.exceptions import SequenceContainsNoElementsError
from reactivex.scheduler import ImmediateScheduler
from reactivex.subject import Subject

from rxloom.errors import RunInterrupted, WrongLoop
from rxloom.observable import BoundObservable
from rxloom.scheduler import LoopScheduler
from tests.virtual import virtual


def _bound(source: Observable[Any]) -> BoundObservable[Any]:
    return BoundObservable(ImmediateScheduler(), source)


async def test_awaiting_gives_the_last_value() -> None:
    assert await _bound(rx.of(1, 2, 3)) == 3


async def test_awaiting_nothing_says_so() -> None:
    with pytest.raises(SequenceContainsNoElementsError):
        await _bound(rx.empty())


@pytest.mark.parametrize("error", [ValueError("no"), StopIteration("odd"), asyncio.InvalidStateError()])
async def test_awaiting_raises_whatever_the_sequence_ends_with(error: Exception) -> None:
    with pytest.raises(RuntimeError if isinstance(error, StopIteration) else type(error)):
        await _bound(rx.throw(error))


@virtual
async def test_awaiting_waits_in_virtual_time() -> None:
    loop = asyncio.get_running_loop()

    assert await BoundObservable(LoopScheduler(loop), rx.timer(3600)) == 0
    assert loop.time() == 3600


def test_awaiting_works_on_another_loop_than_the_schedulers() -> None:
    ready = threading.Event()
    sources: list[BoundObservable[int]] = []
    over: list[asyncio.Event] = []

    async def other_loop() -> None:
        over.append(asyncio.Event())
        sources.append(BoundObservable(LoopScheduler(asyncio.get_running_loop()), rx.timer(0.01)))
        ready.set()
        await over[0].wait()

    thread = threading.Thread(target=asyncio.run, args=(other_loop(),), kwargs={"debug": True})
    thread.start()
    ready.wait(5)

    async def awaits() -> list[int]:
        return [await asyncio.wait_for(sources[0], 5), *await asyncio.gather(*sources, *sources)]

    values = asyncio.run(awaits(), debug=True)
    scheduler = sources[0].scheduler
    assert isinstance(scheduler, LoopScheduler)
    scheduler.loop.call_soon_threadsafe(over[0].set)
    thread.join(5)

    assert values == [0, 0, 0]


async def test_an_end_on_another_thread_wakes_whoever_awaits() -> None:
    asyncio.get_running_loop().set_debug(enabled=True)
    source: Subject[int] = Subject()

    async def last() -> int:
        return await _bound(source)

    waiting = asyncio.create_task(last())
    await asyncio.sleep(0)

    def emit() -> None:
        source.on_next(5)
        source.on_completed()

    threading.Thread(target=emit).start()

    assert await asyncio.wait_for(waiting, 5) == 5


async def test_cancelling_whoever_awaits_disposes_the_subscription() -> None:
    disposed: list[bool] = []
    source = rx.never().pipe(ops.finally_action(lambda: disposed.append(True)))

    async def last() -> None:
        await _bound(source)

    waiting = asyncio.create_task(last())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    assert disposed == [True]


async def test_an_error_that_was_raised_is_not_kept_alive_by_its_own_traceback() -> None:
    class Heavy(Exception):
        pass

    async def fail() -> weakref.ref[Heavy]:
        try:
            await _bound(rx.defer(lambda _: rx.throw(Heavy())))
        except Heavy as error:
            return weakref.ref(error)
        raise AssertionError

    gc.collect()
    gc.disable()
    try:
        dead = await fail()
        assert dead() is None
    finally:
        gc.enable()


def test_run_blocks_until_the_end() -> None:
    assert _bound(rx.of(1, 2)).run() == 2
    with pytest.raises(SequenceContainsNoElementsError):
        _bound(rx.empty()).run()
    with pytest.raises(ValueError, match="no"):
        _bound(rx.throw(ValueError("no"))).run()


async def test_run_works_on_a_thread_beside_the_loop() -> None:
    bound = BoundObservable(LoopScheduler(asyncio.get_running_loop()), rx.timer(0.001))

    assert await asyncio.to_thread(bound.run) == 0


async def test_run_refuses_to_block_a_running_loop() -> None:
    with pytest.raises(WrongLoop, match="await"):
        _bound(rx.of(1)).run()


@pytest.mark.parametrize("cause", [KeyboardInterrupt(), SystemExit(3)])
def test_run_raises_what_interrupted_the_run(cause: BaseException) -> None:
    taken = RunInterrupted("interrupted")
    taken.__cause__ = cause

    with pytest.raises(type(cause)):
        _bound(rx.throw(taken)).run()
    taken.__cause__ = ValueError()
    with pytest.raises(RunInterrupted):
        _bound(rx.throw(taken)).run()


async def test_awaiting_does_not_end_the_loop_with_what_interrupted_the_run() -> None:
    taken = RunInterrupted("interrupted")
    taken.__cause__ = KeyboardInterrupt()

    with pytest.raises(RunInterrupted):
        await _bound(rx.throw(taken))


def test_ctrl_c_ends_the_waiting_and_it_can_be_taken_up_again() -> None:
    source: Subject[int] = Subject()
    waiting = threading.Event()
    main = threading.get_ident()

    def subscribe(observer: ObserverBase[int], scheduler: SchedulerBase | None = None) -> DisposableBase:
        waiting.set()
        return source.subscribe(observer, scheduler=scheduler)

    def press() -> None:
        waiting.wait(5)
        signal.pthread_kill(main, signal.SIGINT)

    def emit() -> None:
        waiting.wait(5)
        source.on_next(1)
        source.on_completed()

    bound = _bound(Observable(subscribe))
    threading.Thread(target=press).start()
    with pytest.raises(KeyboardInterrupt):
        bound.run()
    assert source.observers == []
    waiting.clear()
    threading.Thread(target=emit).start()

    assert bound.run() == 1


def test_an_error_that_comes_at_once_leaves_no_subscription() -> None:
    subject: Subject[int] = Subject()
    subject.on_error(ValueError("late"))

    with pytest.raises(ValueError, match="late"):
        _bound(subject).run()
    assert subject.observers == []
