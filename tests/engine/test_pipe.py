"""`step.pipe`: one step whose attempts run under Rx operators."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
from typing import Any

import pytest
import reactivex as rx
from reactivex import operators as ops

from rxloom import CollectError, StepContext, StepTimeout, create_step, create_workflow
from rxloom.chunks import StepRetry
from tests.play import Played, adding, failing, play


def one(step: Any, given: Any = 1, *resumes: Any) -> Played:
    """Play a workflow of one step."""
    return play(create_workflow("wf").then(step).commit(), given, *resumes)


def test_operators_see_the_output_and_give_the_one_of_the_step() -> None:
    played = one(adding("s").pipe(ops.map(lambda value: value * 100)))

    assert played.output == 200
    assert played.told == ["start", "s: running", "s: success", "success"]


def test_a_retry_is_told_at_each_further_subscription() -> None:
    played = one(failing("s", times=2).pipe(ops.retry(3)))

    assert played.output == 1
    assert played.told == ["start", "s: running", "s: retry 1", "s: retry 2", "s: success", "success"]
    assert [chunk.payload.error.message for chunk in played.chunks if isinstance(chunk, StepRetry)] == ["boom"] * 2


def test_retry_counts_tries_so_the_third_failure_of_three_is_the_last() -> None:
    played = one(failing("s").pipe(ops.retry(3)))

    assert isinstance(played.error, ValueError)
    assert played.told == ["start", "s: running", "s: retry 1", "s: retry 2", "s: failed", "failed"]
    assert played.result.steps["s"].attempt == 2


def test_each_attempt_knows_its_number_and_gets_the_input() -> None:
    seen: list[Any] = []

    async def body(value: Any, ctx: StepContext) -> None:  # no schema, which would make a copy
        seen.append((list(value), ctx.attempt))
        value.append(99)
        raise ValueError("boom")

    one(create_step("s", body).pipe(ops.retry(3)), [1])

    assert seen == [([1], 0), ([1], 1), ([1], 2)]


def test_a_recovered_failure_is_a_success() -> None:
    played = one(failing("s").pipe(ops.catch(rx.of("instead"))))

    assert played.output == "instead"
    assert played.told == ["start", "s: running", "s: success", "success"]


def test_a_failing_operator_fails_the_step() -> None:
    played = one(adding("s").pipe(ops.map(lambda value: value / 0)))

    assert isinstance(played.error, ZeroDivisionError)
    assert played.told == ["start", "s: running", "s: failed", "failed"]


def test_a_delay_holds_the_result_back_in_the_time_of_the_run() -> None:
    played = one(adding("s", seconds=1).pipe(ops.delay(10.0)))

    assert played.output == 2
    assert played.duration == 11


def test_a_timeout_cancels_the_body_and_fails_with_a_step_timeout() -> None:
    cancelled: list[float] = []

    async def slow(_: Any) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(1)
            cancelled.append(asyncio.get_running_loop().time())
            raise

    played = one(create_step("s", slow).pipe(ops.timeout(5.0)))

    assert isinstance(played.error, StepTimeout)
    assert all(word in str(played.error) for word in ("'s'", "'wf'", "ops.timeout"))
    assert cancelled == [6.0]
    assert played.duration == 6
    assert played.told == ["start", "s: running", "s: failed", "failed"]


def test_a_timed_out_attempt_is_tried_again_only_after_its_task_is_gone() -> None:
    log: list[str] = []

    async def slow(_: Any, ctx: StepContext) -> str:
        log.append(f"enter {ctx.attempt}")
        if ctx.attempt == 2:
            return "done"
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(3)
            log.append(f"leave {ctx.attempt}")
        return "late"

    played = one(create_step("s", slow).pipe(ops.timeout(5.0), ops.retry(3)))

    assert played.output == "done"
    assert log == ["enter 0", "leave 0", "enter 1", "leave 1", "enter 2"]
    assert played.told == ["start", "s: running", "s: retry 1", "s: retry 2", "s: success", "success"]
    assert played.duration == 13


def test_a_timeout_may_have_a_fallback() -> None:
    played = one(adding("s", seconds=60).pipe(ops.timeout(5.0, rx.of("instead"))))

    assert played.output == "instead"
    assert played.told == ["start", "s: running", "s: success", "success"]


def test_retrying_with_a_delay() -> None:
    def again(source: rx.Observable[Any]) -> rx.Observable[Any]:
        return source.pipe(ops.catch(lambda _, this: rx.timer(10.0).pipe(ops.flat_map(lambda _: this))), ops.retry(1))

    played = one(failing("s", times=1).pipe(again))

    assert played.output == 1
    assert played.duration == 10
    assert played.told == ["start", "s: running", "s: retry 1", "s: success", "success"]


@pytest.mark.parametrize(
    "operator", [ops.filter(lambda _: False), ops.flat_map(lambda _: rx.of(1, 2))], ids=["none", "several"]
)
def test_none_or_several_items_fail_the_step(operator: Any) -> None:
    played = one(adding("s").pipe(operator))

    assert isinstance(played.error, CollectError)
    assert "'s'" in str(played.error)


def test_a_repetition_after_a_success_is_another_attempt_and_is_told() -> None:
    attempts: list[int] = []

    async def body(value: int, ctx: StepContext) -> int:
        attempts.append(ctx.attempt)
        return value + ctx.attempt

    played = one(create_step("s", body).pipe(ops.repeat(3), ops.to_list()))

    assert played.output == [1, 2, 3]
    assert attempts == [0, 1, 2]
    assert played.told == ["start", "s: running", "s: retry 1", "s: retry 2", "s: success", "success"]


def test_two_subscriptions_at_once_are_two_attempts_one_after_the_other() -> None:
    running = peak = 0

    async def body(_: int, ctx: StepContext) -> int:
        nonlocal running, peak
        running += 1
        peak = max(peak, running)
        await asyncio.sleep(1)
        running -= 1
        return ctx.attempt

    def twice(source: rx.Observable[int]) -> rx.Observable[int]:
        return rx.merge(source, source)

    played = one(create_step("s", body).pipe(twice, ops.to_list()))

    assert played.output == [0, 1]
    assert peak == 1
    assert played.duration == 2


def test_operators_that_never_subscribe_run_no_body() -> None:
    played = one(failing("s").pipe(lambda _: rx.of("from elsewhere")))

    assert played.output == "from elsewhere"
    assert played.told == ["start", "s: running", "s: success", "success"]


@pytest.mark.parametrize("when", ["applied", "subscribed"])
def test_an_operator_that_raises_fails_the_step(when: str) -> None:
    def broken(_: Any) -> Any:
        if when == "applied":
            raise TypeError("no operator")

        def subscribe(*_: Any) -> Any:
            raise TypeError("no operator")

        return rx.create(subscribe)

    played = one(adding("s").pipe(broken))

    assert isinstance(played.error, TypeError)
    assert played.told == ["start", "s: running", "s: failed", "failed"]


def test_the_output_of_an_attempt_is_checked_before_the_operators_get_it() -> None:
    async def body(_: Any) -> Any:
        return "no number"

    seen: list[Any] = []
    played = one(create_step("s", body, output=int).pipe(ops.do_action(seen.append), ops.map(str)))

    assert played.error.what == "output"
    assert seen == []


def test_a_bad_input_never_reaches_the_operators() -> None:
    subscribed: list[int] = []

    def count(source: rx.Observable[Any]) -> rx.Observable[Any]:
        return rx.defer(lambda _: subscribed.append(1) or source)

    played = one(create_step("s", lambda value: value, input=int).pipe(count, ops.retry(3)), "x")

    assert played.error.what == "input"
    assert subscribed == []
