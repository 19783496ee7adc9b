"""A value that changes, with several threads at it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from reactivex.abc import DisposableBase

from rxloom.latest import Latest
from tests.test_latest import latest, reported

__all__ = ["latest", "reported"]


@pytest.fixture
def eager_switching() -> Iterator[None]:
    """Let threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def _at_once(*actions: Callable[[], object]) -> None:
    """Run actions on threads of their own, all started together."""
    start = threading.Barrier(len(actions))

    def run(action: Callable[[], object]) -> None:
        start.wait(10)
        action()

    threads = [threading.Thread(target=run, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)


@pytest.mark.usefixtures("eager_switching")
def test_many_threads_set_and_all_subscribers_see_one_order(latest: Latest[Any]) -> None:
    seen: list[list[Any]] = [[] for _ in range(4)]
    for told in seen:
        latest.subscribe(told.append)

    def sets(name: int) -> Callable[[], None]:
        def run() -> None:
            for number in range(300):
                latest.set((name, number))

        return run

    _at_once(*(sets(name) for name in range(4)))

    assert len(seen[0]) == 1200
    assert all(told == seen[0] for told in seen)


@pytest.mark.usefixtures("eager_switching")
def test_no_call_begins_after_dispose_returned_on_another_thread(
    latest: Latest[Any], reported: list[BaseException]
) -> None:
    disposed: set[int] = set()
    late: list[int] = []

    def listener(number: int) -> Callable[[Any], None]:
        def check(_: Any) -> None:
            if number in disposed:
                late.append(number)

        return check

    def disposes(mine: list[tuple[int, DisposableBase]]) -> None:
        for number, subscription in mine:
            subscription.dispose()
            disposed.add(number)

    def sets() -> None:
        while len(disposed) < 1000:
            latest.set(0)

    waiting = [(number, latest.subscribe(listener(number))) for number in range(1000)]
    _at_once(sets, partial(disposes, waiting[::2]), partial(disposes, waiting[1::2]))

    assert len(disposed) == 1000
    assert late == []
    assert reported == []


def test_a_slow_subscriber_on_another_thread_does_not_hold_up_the_writer(latest: Latest[Any]) -> None:
    latest.set(1)
    told: list[int] = []
    inside, go_on = threading.Event(), threading.Event()

    def slow(value: int) -> None:
        inside.set()
        go_on.wait(10)
        told.append(value)

    thread = threading.Thread(target=latest.subscribe, args=(slow,))
    thread.start()
    inside.wait(10)
    latest.set(2)
    latest.complete()
    go_on.set()
    thread.join(10)

    assert told == [1, 2]
