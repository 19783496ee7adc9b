"""The scheduler of an event loop."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from reactivex import operators as ops
from reactivex.abc import DisposableBase, SchedulerBase
from reactivex.disposable import Disposable
from reactivex.subject import Subject

from rxloom.observable import BoundObservable
from rxloom.scheduler import LoopScheduler, call_on, running_loop
from tests.virtual import does, virtual


def _here() -> LoopScheduler:
    return LoopScheduler(asyncio.get_running_loop())


@virtual
async def test_actions_run_in_the_order_they_were_scheduled() -> None:
    scheduler = _here()
    seen: list[int | None] = []

    def note(_: SchedulerBase, state: int | None = None) -> None:
        seen.append(state)

    for number in range(5):
        scheduler.schedule(note, number)
    assert seen == []
    await asyncio.sleep(0)

    assert seen == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("seconds", [0.1, 0.57, 1 / 3, 3600, 90_000.25])
def test_timers_come_at_their_virtual_time(seconds: float) -> None:
    @virtual
    async def come() -> list[float]:
        scheduler = _here()
        seen: list[float] = []
        due = scheduler.now + timedelta(seconds=seconds)

        def note(*_: Any) -> None:
            seen.append(scheduler.loop.time())

        scheduler.schedule_relative(seconds, note)
        scheduler.schedule_relative(timedelta(seconds=seconds), note)
        scheduler.schedule_absolute(due, note)
        scheduler.schedule_absolute(due.timestamp(), note)
        await asyncio.sleep(seconds + 1)
        return seen

    assert come() == [pytest.approx(seconds, abs=1e-6)] * 4


@virtual
async def test_what_is_due_already_runs_soon() -> None:
    scheduler = _here()
    seen: list[str] = []
    scheduler.schedule_relative(-1, does(lambda: seen.append("relative")))
    scheduler.schedule_absolute(datetime(1999, 1, 1, tzinfo=UTC), does(lambda: seen.append("absolute")))
    await asyncio.sleep(0)

    assert seen == ["relative", "absolute"]


@virtual
async def test_the_clock_is_the_loops() -> None:
    scheduler = _here()
    await asyncio.sleep(0.57)

    assert scheduler.now == datetime.fromtimestamp(1_700_000_000, UTC) + timedelta(seconds=0.57)
    assert scheduler.epoch_ms() == 1_700_000_000_570


async def test_on_a_real_loop_the_clock_is_the_wall_clock_and_never_goes_back() -> None:
    scheduler = _here()
    readings = [scheduler.epoch_ms() for _ in range(1000)]

    assert readings == sorted(readings)
    assert abs(readings[-1] / 1000 - time.time()) < 5
    assert abs(scheduler.now.timestamp() - time.time()) < 5


async def test_another_thread_wakes_a_sleeping_loop() -> None:
    asyncio.get_running_loop().set_debug(enabled=True)
    scheduler = _here()
    seen: list[str] = []
    done = asyncio.Event()

    def schedule() -> None:
        scheduler.schedule(does(lambda: seen.append(threading.current_thread().name)))
        scheduler.schedule_relative(0.001, does(done.set))

    thread = threading.Thread(target=schedule)
    thread.start()
    await asyncio.wait_for(done.wait(), 5)
    thread.join()

    assert seen == [threading.current_thread().name]


async def test_disposing_on_another_thread_neither_hangs_nor_lets_the_action_run() -> None:
    loop = asyncio.get_running_loop()
    loop.set_debug(enabled=True)
    scheduler = _here()
    ran: list[int] = []

    def churn(worker: int) -> None:
        for number in range(500):
            made = [
                scheduler.schedule_relative(0.0005, does(lambda: ran.append(1))),
                scheduler.schedule_relative(3600, does(lambda: ran.append(2))),
            ]
            if number % 2:
                handed_over.append(made[1])
            for disposable in made[: 1 + number % 2]:
                disposable.dispose()
            made[0].dispose()
        finished.append(worker)

    handed_over: list[DisposableBase] = []
    finished: list[int] = []
    with ThreadPoolExecutor(4) as threads:
        await asyncio.gather(*(loop.run_in_executor(threads, churn, worker) for worker in range(4)))
    for disposable in handed_over:
        disposable.dispose()
    await asyncio.sleep(0)

    assert sorted(finished) == [0, 1, 2, 3]
    assert 2 not in ran


@virtual
async def test_a_timer_disposed_on_another_thread_is_forgotten_by_the_loop() -> None:
    scheduler = _here()
    timer = scheduler.schedule_relative(1000, does(lambda: None))
    armed: list[DisposableBase] = []
    await asyncio.to_thread(lambda: armed.append(scheduler.schedule_relative(2000, does(lambda: None))))
    await asyncio.to_thread(timer.dispose)
    await asyncio.to_thread(armed[0].dispose)
    await asyncio.sleep(0)
    timers: list[asyncio.TimerHandle] = vars(scheduler.loop)["_scheduled"]
    waiting = [timer for timer in timers if not timer.cancelled()]

    assert waiting == []


@virtual
async def test_what_an_action_returns_is_disposed_with_it() -> None:
    scheduler = _here()
    disposed: list[str] = []
    ran = scheduler.schedule(does(lambda: Disposable(lambda: disposed.append("after"))))
    await asyncio.sleep(0)
    ran.dispose()
    ran.dispose()

    def dispose_oneself(*_: Any) -> DisposableBase:
        own.dispose()
        return Disposable(lambda: disposed.append("within"))

    own = scheduler.schedule(dispose_oneself)
    await asyncio.sleep(0)

    assert disposed == ["after", "within"]


@virtual
async def test_an_action_that_raises_goes_to_the_loops_handler() -> None:
    scheduler = _here()
    seen: list[Any] = []
    scheduler.loop.set_exception_handler(lambda _, context: seen.append(context["exception"]))
    scheduler.schedule(does(lambda: 1 / 0))
    await asyncio.sleep(0)

    assert [type(error) for error in seen] == [ZeroDivisionError]


@virtual
async def test_actions_see_the_context_of_whoever_scheduled_them() -> None:
    variable: ContextVar[str] = ContextVar("variable", default="unset")
    scheduler = _here()
    seen: list[str] = []
    variable.set("mine")
    scheduler.schedule(does(lambda: seen.append(variable.get())))
    scheduler.schedule_relative(1, does(lambda: seen.append(variable.get())))
    variable.set("changed")
    await asyncio.sleep(2)

    assert seen == ["mine", "mine"]


def test_disposing_after_the_loop_is_closed_is_harmless() -> None:
    loop = asyncio.new_event_loop()
    scheduler = LoopScheduler(loop)
    timer = scheduler.schedule_relative(10, does(lambda: None))
    soon = scheduler.schedule(does(lambda: None))
    loop.close()

    timer.dispose()
    soon.dispose()


@virtual
async def test_what_ran_or_was_disposed_leaves_nothing_for_the_collector() -> None:
    scheduler = _here()
    gone: list[weakref.ref[object]] = []

    def schedule() -> None:
        for number in range(40):
            action = partial(int, number)
            gone.append(weakref.ref(action))
            item = scheduler.schedule_relative(number % 3, does(action))
            if number % 2:
                item.dispose()

    gc.collect()
    gc.disable()
    try:
        schedule()
        await asyncio.to_thread(schedule)
        await asyncio.sleep(3)
        assert [dead for dead in gone if dead() is not None] == []
    finally:
        gc.enable()


@virtual
async def test_periodic_work_stays_in_step() -> None:
    scheduler = _here()
    seen: list[float] = []

    def note(state: int | None = None) -> int | None:
        seen.append(scheduler.loop.time())
        return state

    periodic = scheduler.schedule_periodic(0.1, note)
    await asyncio.sleep(1.05)
    periodic.dispose()
    await asyncio.sleep(1)

    assert seen == [pytest.approx(0.1 * tick) for tick in range(1, 11)]


@virtual
async def test_two_hundred_time_operators_start_no_thread() -> None:
    scheduler = _here()
    source: Subject[int] = Subject()
    bound = BoundObservable(scheduler, source)
    threads = threading.active_count()
    timeouts: list[float] = []
    others: list[Any] = []
    for number in range(200):
        bound.pipe(ops.timeout(10 + number)).subscribe(on_error=lambda _: timeouts.append(scheduler.loop.time()))
        bound.pipe(ops.buffer_with_time(5), ops.take(1)).subscribe(others.append)
        bound.debounce(1).subscribe(others.append)
    source.on_next(7)
    await asyncio.sleep(300)
    source.on_completed()

    assert threading.active_count() <= threads
    assert timeouts == [10 + number for number in range(200)]
    assert others.count(7) == 200
    assert others.count([7]) == 200


def test_call_on_is_at_once_inside_the_loop_and_never_in_a_closed_one() -> None:
    seen: list[object] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        call_on(loop, lambda: seen.append("at once"))
        seen.append("after")
        await asyncio.to_thread(call_on, loop, lambda: seen.append(running_loop() is loop))

    asyncio.run(main())
    closed = asyncio.new_event_loop()
    closed.close()
    call_on(closed, lambda: seen.append("never"))

    assert seen == ["at once", "after", True]
    assert running_loop() is None
