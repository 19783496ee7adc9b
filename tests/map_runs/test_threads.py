"""Sources on any thread, and callers without a loop."""

from __future__ import annotations

import asyncio
import threading

import pytest
import reactivex as rx
from reactivex import operators as ops
from reactivex.scheduler import NewThreadScheduler
from reactivex.subject import Subject

from rxloom import StreamOverflow
from tests.hearing import Heard, eventually, hear
from tests.map_runs.kit import INCREMENT, Clocked, clocked


@pytest.mark.parametrize("ordered", [True, False])
async def test_items_of_another_thread_are_run_on_the_loop(ordered: bool) -> None:  # noqa: FBT001
    outcomes = rx.range(200, scheduler=NewThreadScheduler()).pipe(
        INCREMENT.as_operator(max_concurrency=3, ordered=ordered)
    )
    heard = await clocked(outcomes)

    assert sorted(heard.items) == [n + 1 for n in range(200)]
    assert not ordered or heard.items == sorted(heard.items)
    assert heard.threads == {threading.get_ident()}


async def test_items_of_several_threads_at_once_are_all_run() -> None:
    source: Subject[int] = Subject()
    heard = Clocked(source.pipe(INCREMENT.as_operator(max_concurrency=3)))

    def emit(first: int) -> None:
        for number in range(first, first + 100):
            source.on_next(number)

    await asyncio.gather(*[asyncio.to_thread(emit, 100 * n) for n in range(4)])
    source.on_completed()
    await heard.over.wait()

    assert sorted(heard.items) == list(range(1, 401))
    assert heard.wrong == []


async def test_each_item_of_other_threads_is_run_or_told_as_overflow() -> None:
    source: Subject[int] = Subject()
    dropped = Clocked(source.pipe(INCREMENT.as_operator(buffer=1, on_overflow="drop_oldest")))

    def emit(first: int) -> None:
        for number in range(first, first + 100):
            source.on_next(number)

    await asyncio.gather(*[asyncio.to_thread(emit, 1_000 * n) for n in range(4)])
    source.on_next(9_999)
    source.on_completed()
    await dropped.over.wait()

    assert dropped.items[-1] == 10_000
    assert len(set(dropped.items)) == len(dropped.items) <= 401


def on_a_thread(source: Subject[int], *numbers: int) -> None:
    """Emit on another thread, while the loop stands still."""
    thread = threading.Thread(target=lambda: [source.on_next(number) for number in numbers])
    thread.start()
    thread.join()


async def test_input_for_which_there_is_room_is_not_one_that_waits() -> None:
    source: Subject[int] = Subject()
    heard = Clocked(source.pipe(INCREMENT.as_operator(buffer=2, on_overflow="drop_oldest")))
    on_a_thread(source, 10, 11, 12, 13)
    source.on_completed()
    await heard.over.wait()

    assert heard.items == [11, 13, 14]


async def test_overflow_on_another_thread_leaves_the_source_at_once() -> None:
    source: Subject[int] = Subject()
    heard = Clocked(source.pipe(INCREMENT.as_operator(buffer=1)))
    on_a_thread(source, 10, 11, 12, 13)
    left = source.observers == []
    await heard.over.wait()

    assert left
    assert heard.items == []
    assert isinstance(heard.end, StreamOverflow)


async def test_disposing_on_another_thread_leaves_the_source_at_once() -> None:
    source: Subject[int] = Subject()
    heard = Clocked(source.pipe(INCREMENT.as_operator()))
    thread = threading.Thread(target=heard.subscription.dispose)
    thread.start()
    thread.join()

    assert source.observers == []


async def test_failure_of_another_thread_is_told_on_the_loop() -> None:
    source: Subject[int] = Subject()
    heard = Clocked(source.pipe(INCREMENT.as_operator()))
    await asyncio.to_thread(source.on_error, KeyError("there"))
    await heard.over.wait()

    assert isinstance(heard.end, KeyError)
    assert heard.threads == {threading.get_ident()}


def test_without_a_loop_runs_are_carried_out_in_the_background() -> None:
    heard: Heard[int] = hear(rx.of(1, 2, 3).pipe(INCREMENT.as_operator()))
    eventually(lambda: heard.end is not None)

    assert heard.items == [2, 3, 4]
    assert threading.get_ident() not in heard.threads
    assert len(heard.threads) == 1


def test_without_a_loop_it_can_be_waited_for() -> None:
    assert INCREMENT.map_async(range(3)).pipe(ops.to_list()).run() == [1, 2, 3]


async def test_disposing_on_a_thread_while_items_come_stops_it() -> None:
    source: Subject[int] = Subject()
    heard = Clocked(source.pipe(INCREMENT.as_operator()))
    begun, gone = asyncio.Event(), threading.Event()
    source.pipe(INCREMENT.as_operator(), ops.take(1)).subscribe(on_completed=begun.set)

    def emit() -> None:
        number = 0
        while not gone.is_set():
            source.on_next(number)
            number += 1

    emitting = asyncio.create_task(asyncio.to_thread(emit))
    await begun.wait()
    await asyncio.to_thread(heard.subscription.dispose)
    told = len(heard.items)
    await asyncio.sleep(0)
    gone.set()
    await emitting

    assert len(heard.items) == told
    assert heard.wrong == []
    assert source.observers == []
