"""A value that changes and ends, replayed to whoever subscribes."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from reactivex import operators as ops
from reactivex.scheduler import ImmediateScheduler

from rxloom.latest import Latest


class Seen:
    """A subscriber that writes down what it is told."""

    def __init__(self, source: Latest[Any]) -> None:
        self.told = told = list[Any]()
        self.subscription = source.subscribe(told.append, told.append, lambda: told.append("|"))


@pytest.fixture
def reported() -> list[BaseException]:
    return []


@pytest.fixture
def latest(reported: list[BaseException]) -> Latest[Any]:
    return Latest(ImmediateScheduler(), report=reported.append)


def test_a_subscriber_gets_the_newest_value_and_then_each(latest: Latest[Any]) -> None:
    early = Seen(latest)
    latest.set(1)
    latest.set(2)
    late = Seen(latest)
    latest.set(3)
    latest.complete()

    assert early.told == [1, 2, 3, "|"]
    assert late.told == [2, 3, "|"]


def test_after_the_end_the_value_is_still_there(latest: Latest[Any]) -> None:
    latest.set("last")
    latest.complete()

    assert Seen(latest).told == ["last", "|"]
    assert latest.run() == "last"


def test_after_an_error_the_value_comes_first(latest: Latest[Any]) -> None:
    error = ValueError("no")
    latest.set("last")
    latest.fail(error)

    assert Seen(latest).told == ["last", error]


def test_without_a_value_there_is_only_the_end(latest: Latest[Any]) -> None:
    latest.complete()

    assert Seen(latest).told == ["|"]


def test_nothing_changes_after_the_end(latest: Latest[Any]) -> None:
    seen = Seen(latest)
    latest.complete()
    latest.set(1)
    latest.fail(ValueError())
    latest.complete()

    assert seen.told == ["|"]
    assert Seen(latest).told == ["|"]


def test_equal_values_are_skipped_on_request(reported: list[BaseException]) -> None:
    latest: Latest[int] = Latest(ImmediateScheduler(), report=reported.append, initial=0, distinct=True)
    seen = Seen(latest)
    for value in [0, 1, 1, 2, 2, 1]:
        latest.set(value)

    assert seen.told == [0, 1, 2, 1]


def test_an_exception_and_none_are_values_like_any(latest: Latest[Any]) -> None:
    error = ValueError()
    seen = Seen(latest)
    latest.set(error)
    latest.set(None)

    assert seen.told == [error, None]
    assert Seen(latest).told == [None]


@pytest.mark.parametrize("raised", [ValueError("mine"), asyncio.CancelledError(), GeneratorExit()])
@pytest.mark.parametrize("step", ["next", "completed", "error"])
def test_a_subscriber_that_raises_is_detached_and_reported(
    latest: Latest[Any], reported: list[BaseException], step: str, raised: BaseException
) -> None:
    calls: list[str] = []

    def fail(name: str) -> Callable[..., None]:
        def handle(*_: Any) -> None:
            calls.append(name)
            if name == step:
                raise raised

        return handle

    before = Seen(latest)
    latest.subscribe(fail("next"), fail("error"), fail("completed"))
    after = Seen(latest)
    latest.set(1)
    latest.set(2)
    if step == "error":
        latest.fail(KeyError())
    else:
        latest.complete()

    assert reported == [raised]
    assert calls.count(step) == 1
    assert before.told == after.told
    assert before.told[:2] == [1, 2]


def test_what_a_subscriber_raises_is_logged_if_nobody_asked_for_it(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: int) -> None:
        raise ValueError("mine")

    latest: Latest[int] = Latest(ImmediateScheduler())
    latest.subscribe(fail)
    latest.set(1)

    assert "a subscriber raised" in caplog.text
    assert "ValueError: mine" in caplog.text


def test_one_that_raises_while_it_is_caught_up_is_reported_too(
    latest: Latest[Any], reported: list[BaseException]
) -> None:
    latest.set(1)
    latest.subscribe(lambda _: 1 / 0)  # type: ignore[arg-type, return-value]
    latest.set(2)

    assert [type(error) for error in reported] == [ZeroDivisionError]


@pytest.mark.parametrize("fatal", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_gets_through_and_the_others_are_told_first(
    latest: Latest[Any], reported: list[BaseException], fatal: type[BaseException]
) -> None:
    def interrupt(_: Any) -> None:
        raise fatal

    before = Seen(latest)
    latest.subscribe(interrupt)
    after = Seen(latest)
    with pytest.raises(fatal):
        latest.set(1)
    latest.set(2)

    assert before.told == after.told == [1, 2]
    assert reported == []


def test_a_value_set_inside_a_subscriber_comes_after_the_present_one(latest: Latest[Any]) -> None:
    depth = 0
    deepest = 0

    def count_down(value: int) -> None:
        nonlocal depth, deepest
        depth += 1
        deepest = max(depth, deepest)
        if value:
            latest.set(value - 1)
        else:
            latest.complete()
        depth -= 1

    before = Seen(latest)
    latest.subscribe(count_down)
    after = Seen(latest)
    latest.set(2000)

    assert before.told == after.told == [*range(2000, -1, -1), "|"]
    assert deepest == 1


def test_a_subscription_made_inside_a_subscriber_starts_with_the_newest(latest: Latest[Any]) -> None:
    inner: list[Seen] = []

    def subscribe_once(_: Any) -> None:
        if not inner:
            inner.append(Seen(latest))

    latest.subscribe(subscribe_once)
    latest.set(1)
    latest.set(2)

    assert inner[0].told == [1, 2]


def test_disposing_inside_a_subscriber_is_at_once(latest: Latest[Any]) -> None:
    told: list[int] = []
    victims = [Seen(latest)]

    def dispose_all(value: int) -> None:
        told.append(value)
        for victim in victims:
            victim.subscription.dispose()
        own.dispose()

    own = latest.subscribe(dispose_all)
    victims.append(Seen(latest))
    latest.set(1)
    latest.set(2)
    own.dispose()

    assert told == [1]
    assert victims[0].told == [1]
    assert victims[1].told == []


def test_stock_operators_work_on_it(latest: Latest[Any]) -> None:
    latest.set(1)
    taken: list[Any] = []
    latest.pipe(ops.take(1), ops.map(str)).subscribe(taken.append, on_completed=lambda: taken.append("|"))
    latest.set(2)

    assert taken == ["1", "|"]
    assert latest.pipe(ops.take(1)).run() == 2


async def test_awaiting_gives_the_last_one(latest: Latest[Any]) -> None:
    async def last() -> Any:
        return await latest

    waiting = asyncio.create_task(last())
    await asyncio.sleep(0)
    latest.set(1)
    latest.complete()

    assert await waiting == 1
    assert await latest == 1


def test_when_it_is_over_nothing_is_left_for_the_collector() -> None:
    class Payload:
        pass

    def whole_life() -> weakref.ref[Payload]:
        latest: Latest[Payload] = Latest(ImmediateScheduler(), report=print)
        latest.subscribe(lambda _: None)
        latest.pipe(ops.map(str)).subscribe()
        payload = Payload()
        latest.set(payload)
        latest.complete()
        Seen(latest)
        return weakref.ref(payload)

    gc.collect()
    gc.disable()
    try:
        assert whole_life()() is None
    finally:
        gc.enable()
