"""Budgets: how many step bodies of a workflow execute at once."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from rxloom import Retry, create_step, create_workflow
from rxloom.engine._budget import Budget, Gate
from rxloom.errors import DefinitionError
from tests.play import adding, failing, play, read, told
from tests.virtual import virtual


class Counter:
    """Counts who is at work."""

    def __init__(self) -> None:
        self.now = self.peak = 0
        self.order: list[str] = []

    def step(self, id: str, seconds: float = 1, **options: Any) -> Any:
        """Make a step that is at work for some seconds."""

        async def body(value: Any) -> Any:
            self.order.append(id)
            self.now += 1
            self.peak = max(self.peak, self.now)
            await asyncio.sleep(seconds)
            self.now -= 1
            return value

        return create_step(id, body, **options)


def test_no_more_bodies_run_at_once_than_the_budget_allows_and_they_run_in_order() -> None:
    count = Counter()
    wf = create_workflow("wf", max_concurrency=2).parallel([count.step(f"s{n}") for n in range(5)]).commit()
    played = play(wf, 1)

    assert count.peak == 2
    assert count.order == ["s0", "s1", "s2", "s3", "s4"]
    assert played.duration == 3


def test_bodies_of_nested_workflows_take_a_slot_of_each_budget_around() -> None:
    count = Counter()

    def inner(name: str, limit: int | None) -> Any:
        return (
            create_workflow(name, max_concurrency=limit).parallel([count.step(f"{name}{n}") for n in range(4)]).commit()
        )

    wf = create_workflow("wf", max_concurrency=3).parallel([inner("a", 1), inner("b", None)]).commit()
    played = play(wf, 1)

    assert count.peak == 3
    assert played.duration == 4


def test_one_slot_is_enough_for_any_nesting() -> None:
    count = Counter()
    workflow = create_workflow("w0", max_concurrency=1).then(count.step("s")).commit()
    for depth in range(1, 10):
        workflow = create_workflow(f"w{depth}", max_concurrency=1).then(workflow).commit()

    assert play(workflow, 7).output == 7


def test_containers_sleeps_waits_and_delays_hold_no_slot() -> None:
    count = Counter()
    sleeper = create_workflow("sleeper").sleep(10).then(count.step("a")).commit()
    retrier = failing("retrier", times=1, retries=Retry(1, delay=10))
    waiter = create_workflow("waiter").wait_for_event("never", timeout=10).commit()
    wf = create_workflow("wf", max_concurrency=1).parallel(
        [sleeper, retrier, waiter, count.step("b", 5)], errors="collect"
    )
    played = play(wf.commit(), 1)

    assert played.duration == 11
    assert count.order == ["b", "a"]


def test_items_of_a_for_each_take_slots() -> None:
    count = Counter()
    played = play(create_workflow("wf", max_concurrency=2).for_each(count.step("s"), concurrency=9).commit(), [1] * 6)

    assert count.peak == 2
    assert played.duration == 3


def test_threads_take_slots_too() -> None:
    lock = threading.Lock()
    at_work = peak = 0

    def body(value: int) -> int:
        nonlocal at_work, peak
        with lock:
            at_work += 1
            peak = max(peak, at_work)
        threading.Event().wait(0.005)
        with lock:
            at_work -= 1
        return value

    steps = [create_step(f"s{n}", body) for n in range(6)]

    assert play(create_workflow("wf", max_concurrency=2).parallel(steps).commit(), 1).result.status == "success"
    assert peak == 2


def test_a_limit_counts_from_when_the_body_is_let_in() -> None:
    count = Counter()
    steps = [count.step(f"s{n}", 4, timeout=5) for n in range(3)]

    assert play(create_workflow("wf", max_concurrency=1).parallel(steps).commit(), 1).duration == 12


def test_a_body_that_suspends_or_fails_gives_its_slot_back() -> None:
    wf = create_workflow("wf", max_concurrency=1).parallel(
        [failing("a"), failing("b", times=1, retries=1), adding("c", seconds=1), adding("d")], errors="collect"
    )

    assert play(wf.commit(), 1).output == {"a": None, "b": 1, "c": 2, "d": 2}


@virtual
async def test_whoever_waits_for_a_slot_is_cancelled_at_once_and_never_enters() -> None:
    count = Counter()
    run = (
        create_workflow("wf", max_concurrency=1).parallel([count.step("a", 60), count.step("b")]).commit().create_run()
    )
    stream = run.stream_vnext(1)
    await asyncio.sleep(1)
    await run.cancel()

    assert count.order == ["a"]
    assert told(await read(stream)) == [
        "start", "a: running", "b: running", "b: canceled", "a: canceled", "canceled", "canceled",
    ]  # fmt: skip


def test_a_total_limit_may_end_the_wait_for_a_slot() -> None:
    count = Counter()
    steps = [count.step("a", 60), count.step("b", total_timeout=5), count.step("c")]
    played = play(create_workflow("wf", max_concurrency=1).parallel(steps, errors="collect").commit(), 1)

    assert played.output == {"a": 1, "b": None, "c": 1}
    assert count.order == ["a", "c"]


def test_the_gate_lets_in_whoever_can_go_first_come_first_served() -> None:
    gate, outer, inner = Gate(), Budget(2), Budget(1)
    order: list[str] = []
    for name, budgets in (("a", (inner, outer)), ("b", (inner, outer)), ("c", (outer,)), ("d", (outer,))):
        if gate.enter(budgets, lambda name=name: order.append(name)):
            order.append(name)

    assert order == ["a", "c"]
    gate.leave((inner, outer))
    assert order == ["a", "c", "b"]
    gate.leave((outer,))
    assert order == ["a", "c", "b", "d"]


@pytest.mark.parametrize("limit", [0, -1, 1.5, True])
def test_a_budget_out_of_range_is_refused(limit: Any) -> None:
    with pytest.raises(DefinitionError, match="max_concurrency"):
        create_workflow("wf", max_concurrency=limit)
