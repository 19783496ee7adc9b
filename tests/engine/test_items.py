"""The items of a step: what the Observable of them promises to those who subscribe."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from typing import Any

from reactivex import Observable
from reactivex.abc import DisposableBase

from rxloom import create_step
from rxloom.engine import Items, spread
from tests.flow.overlapping import producing, row
from tests.hearing import Heard, hear
from tests.play import play

NAME: ContextVar[str] = ContextVar("NAME", default="nobody")


def fed(body: Callable[[Observable[int]], Any], count: int = 4) -> Any:
    """Play a step that is fed with numbers, one a second, and return its output."""
    return play(row(producing(), create_step("b", body, observable_input=True, output=Any)), count).output


def test_what_is_left_of_an_older_attempt_adds_nothing() -> None:
    items = Items()
    items.push(0, "old")
    items.restart(ValueError())
    items.push(0, "late")
    items.stream(0)
    items.push(1, "new")

    assert items.values == ["new"]
    assert not items.streamed


def test_nothing_is_added_after_the_end() -> None:
    items = Items.of([1, 2])
    items.push(0, 3)
    items.finish([4])

    assert items.values == [1, 2]
    assert items.complete


def test_a_value_that_is_no_list_is_one_item() -> None:
    assert [spread(value) for value in ([1], (1, 2), "ab", {"a": 1}, None)] == [[1], [1, 2], ["ab"], [{"a": 1}], [None]]


def test_every_subscriber_is_told_all_in_order_and_one_end_never_inside_subscribe() -> None:
    heard: list[Heard[int]] = []

    async def body(items: Observable[int]) -> list[list[int]]:
        for _ in range(4):
            heard.append(hear(items))
            assert heard[-1].items == []
            await asyncio.sleep(1)
        await items
        return [one.items for one in heard]

    assert fed(body) == [[0, 1, 2, 3]] * 4
    assert [(one.end, one.wrong) for one in heard] == [("completed", [])] * 4


def test_who_disposes_inside_on_next_or_on_another_thread_is_told_nothing_more() -> None:
    async def body(items: Observable[int]) -> tuple[list[int], list[int]]:
        inside: Heard[int] = Heard(then=lambda item: subscriptions[0].dispose() if item == 1 else None)
        subscriptions: list[DisposableBase] = [items.subscribe(inside)]
        outside: Heard[int] = Heard()
        other = items.subscribe(outside)
        await asyncio.sleep(1.5)
        await asyncio.to_thread(other.dispose)
        await items
        return inside.items, outside.items

    assert fed(body) == ([0, 1], [0, 1])


def test_a_subscriber_of_another_thread_is_told_on_the_thread_of_the_run() -> None:
    async def body(items: Observable[int]) -> bool:
        heard: Heard[int] = Heard()
        await asyncio.to_thread(items.subscribe, heard)
        await items
        return heard.threads == {threading.get_ident()} and heard.items == [0, 1, 2, 3]

    assert fed(body)


def test_a_subscriber_has_the_context_variables_of_whoever_subscribed() -> None:
    async def first(count: int) -> AsyncIterator[int]:
        NAME.set("first")
        for number in range(count):
            await asyncio.sleep(1)
            yield number

    async def second(items: Observable[int]) -> list[str]:
        names: list[str] = []
        items.subscribe(lambda _: names.append(NAME.get()))
        NAME.set("second")
        items.subscribe(lambda _: names.append(NAME.get()))
        await items
        return names

    names = play(row(create_step("a", first), create_step("b", second, observable_input=True)), 2).output

    assert names == ["nobody", "second"] * 2


def test_thousands_of_items_at_once_leave_the_loop_a_turn() -> None:
    turns = 0

    async def body(items: Observable[int]) -> int:
        nonlocal turns
        ended = asyncio.Event()
        items.subscribe(on_completed=ended.set)
        while not ended.is_set():
            turns += 1
            await asyncio.sleep(0)
        return turns

    workflow = row(create_step("b", body, observable_input=True))

    assert play(workflow, list(range(5_000))).output > 15
