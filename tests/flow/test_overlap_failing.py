"""Overlap: what becomes of the others when a step fails, is tried again, ends early or is cancelled."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import reactivex as rx
from reactivex import Observable
from reactivex import operators as ops
from reactivex.abc import DisposableBase

from rxloom import StepContext, create_step, create_workflow
from rxloom.errors import StepFailed, StepTimeout
from tests.flow.overlapping import gathering, passing, producing, row
from tests.play import about, adding, play, read, told, turns
from tests.virtual import virtual


def breaks(at: int, *, attempts: int | None = None) -> Callable[[StepContext, Any], None]:
    """Fail at an item: always, or in the first attempts."""

    def check(ctx: StepContext, item: Any) -> None:
        if item == at and (attempts is None or ctx.attempt < attempts):
            raise ValueError(f"broke at {item}")

    return check


# -- the first fails ---------------------------------------------------------------------------------------------------


def test_when_the_first_fails_the_run_has_one_failure_and_the_second_is_cancelled() -> None:
    played = play(row(producing(then=breaks(1)), gathering(), adding("never")), 3)

    assert isinstance(played.error, ValueError)
    assert played.told == [
        "start", "a: running", "a > 0", "b: running", "b > saw 0", "a: failed", "b: canceled", "failed",
    ]  # fmt: skip


def test_the_observable_ends_with_the_failure_and_the_second_may_make_the_best_of_it() -> None:
    heard: list[Exception] = []

    async def patient(items: Observable[int]) -> list[int]:
        def recover(error: Exception, _: Observable[int]) -> Observable[int]:
            heard.append(error)
            return rx.empty()

        return await items.pipe(ops.catch(recover), ops.to_list())

    played = play(row(producing(then=breaks(2)), create_step("b", patient, observable_input=True)), 3)

    assert isinstance(played.error, ValueError)
    assert isinstance(heard[0], StepFailed)
    assert heard[0].__cause__ is played.error
    assert played.result.steps["b"].output == [0, 1]
    assert played.told[-3:] == ["a: failed", "b: success", "failed"]


def test_a_failure_before_the_first_item_is_one_before_the_second_begins() -> None:
    assert about(play(row(producing(then=breaks(0)), gathering()), 3).chunks, "b") == []


def test_the_failure_of_the_first_goes_down_a_chain_and_nobody_is_tried_again_for_it() -> None:
    played = play(row(producing(then=breaks(2), retries=0), passing(), gathering("c"), gathering("d"), retries=2), 3)

    assert isinstance(played.error, ValueError)
    assert played.told[-4:] == ["a: failed", "b: canceled", "c: canceled", "failed"]
    assert not [line for line in played.told if "retry" in line]


def test_operators_around_the_second_do_not_try_it_again_for_the_failure_of_the_first() -> None:
    played = play(row(producing(then=breaks(1)), gathering().pipe(ops.retry(3))), 3)

    assert isinstance(played.error, ValueError)
    assert about(played.chunks, "b") == ["b: running", "b > saw 0", "b: canceled"]


# -- the first is tried again ------------------------------------------------------------------------------------------


def test_when_the_first_is_tried_again_so_is_the_second_and_sees_only_the_last_attempts_items() -> None:
    played = play(row(producing(then=breaks(1, attempts=1), retries=1), gathering()), 2)

    assert played.output == [0, 1]
    assert played.told == [
        "start", "a: running", "a > 0", "b: running", "b > saw 0", "a: retry 1", "b: retry 1", "a > 0", "b > saw 0",
        "a > 1", "a: success", "b > saw 1", "b: success", "success",
    ]  # fmt: skip


def test_a_retry_goes_down_the_chain() -> None:
    played = play(row(producing(then=breaks(1, attempts=1), retries=1), passing(), gathering("c")), 2)

    assert played.output == [0, 10]
    assert [line for line in played.told if "retry" in line] == ["a: retry 1", "b: retry 1", "c: retry 1"]


def test_operators_that_try_the_first_again_begin_the_second_anew_too() -> None:
    played = play(row(producing(then=breaks(1, attempts=1)).pipe(ops.retry(2)), gathering()), 2)

    assert played.output == [0, 1]
    assert [line for line in played.told if "retry" in line] == ["a: retry 1", "b: retry 1"]


def test_a_second_with_operators_around_is_begun_anew_whole() -> None:
    played = play(row(producing(then=breaks(1, attempts=1), retries=1), gathering().pipe(ops.map(tuple))), 2)

    assert played.output == (0, 1)


def test_a_second_that_had_ended_stays_ended() -> None:
    async def first_one(items: Observable[int]) -> int:
        return await items.pipe(ops.first())

    b = create_step("b", first_one, observable_input=True)
    played = play(row(producing(then=breaks(1, attempts=1), retries=1), b), 2)

    assert played.output == 0
    assert about(played.chunks, "b") == ["b: running", "b: success"]


def test_the_second_holds_no_slot_while_the_first_is_tried_again() -> None:
    a = producing(then=breaks(1, attempts=2), retries=2)
    played = play(row(a, gathering(), gathering("c"), max_concurrency=1), 2)

    assert played.output == [0, 1]


def test_a_first_that_fails_for_good_after_a_retry_takes_the_waiting_second_with_it() -> None:
    def check(ctx: StepContext, item: int) -> None:
        if ctx.attempt or item == 1:
            raise ValueError("broke")

    played = play(row(producing(then=check, retries=1), gathering()), 2)

    assert isinstance(played.error, ValueError)
    assert about(played.chunks, "b") == ["b: running", "b > saw 0", "b: retry 1", "b: canceled"]


# -- the second ends early, or fails ----------------------------------------------------------------------------------


def test_a_second_that_has_enough_leaves_the_first_to_end_by_itself() -> None:
    async def three(items: Observable[int]) -> list[int]:
        return await items.pipe(ops.take(3), ops.to_list())

    played = play(row(producing(), create_step("b", three, observable_input=True)), 6)

    assert played.output == [0, 1, 2]
    assert played.result.steps["a"].output == [0, 1, 2, 3, 4, 5]
    assert played.duration == 6


def test_when_the_second_fails_the_first_ends_by_itself_and_the_run_fails() -> None:
    played = play(row(producing(), gathering(then=breaks(1)), adding("never")), 4)

    assert isinstance(played.error, ValueError)
    assert played.told[-3:] == ["a > 3", "a: success", "failed"]
    assert "b: failed" in played.told


def test_when_both_fail_the_run_fails_with_the_first_in_the_row() -> None:
    played = play(row(producing(then=breaks(3)), gathering(then=breaks(1))), 4)

    assert str(played.error) == "broke at 3"
    assert played.told[-2:] == ["a: failed", "failed"]


def test_a_second_that_is_tried_again_sees_all_items_again() -> None:
    played = play(row(producing(), gathering(then=breaks(2, attempts=1), retries=1)), 4)

    assert played.output == [0, 1, 2, 3]
    assert about(played.chunks, "b")[:4] == ["b: running", "b > saw 0", "b > saw 1", "b: retry 1"]


def test_a_subscriber_that_raises_fails_its_step_and_not_the_one_before() -> None:
    async def rude(items: Observable[int]) -> None:
        def on_next(item: int) -> None:
            if item == 1:
                raise KeyError(item)

        items.subscribe(on_next)
        await asyncio.Event().wait()

    played = play(row(producing(), create_step("b", rude, observable_input=True)), 4)

    assert isinstance(played.error, KeyError)
    assert played.result.steps["a"].output == [0, 1, 2, 3]


def test_a_subscriber_may_bail() -> None:
    async def bails(items: Observable[int], ctx: StepContext) -> None:
        items.subscribe(ctx.bail)
        await asyncio.Event().wait()

    played = play(row(producing(), create_step("b", bails, observable_input=True, output=Any), adding("never")), 4)

    assert played.output == 0
    assert played.told[-3:] == ["b: bailed", "a: canceled", "success"]


# -- bail, cancel, time limits -----------------------------------------------------------------------------------------


def test_a_bail_of_the_first_ends_the_workflow_and_cancels_the_second() -> None:
    played = play(row(producing(then=lambda ctx, item: ctx.bail("early") if item == 2 else None), gathering()), 4)

    assert played.output == "early"
    assert played.told[-3:] == ["a: bailed", "b: canceled", "success"]


@pytest.mark.parametrize("after", [0.5, 2.5])
@virtual
async def test_cancelling_closes_all_of_them(after: float) -> None:
    run = row(producing(), gathering(seconds=5), gathering("c")).create_run()
    stream = run.stream_vnext(10)
    await asyncio.sleep(after)
    await run.cancel()
    lines = told(await read(stream))

    assert lines[-2:] == ["canceled", "canceled"]
    assert [line for line in lines if line.endswith(": running")] == [
        line.replace("canceled", "running") for line in sorted(lines) if line.endswith(": canceled")
    ]


def test_a_function_that_blocks_on_the_items_is_woken_when_it_is_to_stop() -> None:
    def last(items: Observable[int]) -> int:
        return items.run()

    b = create_step("b", last, observable_input=True, timeout=3)
    played = play(row(producing(every=2), b), 4)

    assert isinstance(played.error, StepTimeout)
    assert played.told[-2:] == ["a: success", "failed"]


def test_the_time_that_the_second_waits_for_items_counts_for_its_limit() -> None:
    played = play(row(producing(every=2), gathering(timeout=3)), 4)

    assert isinstance(played.error, StepTimeout)
    assert played.result.steps["a"].status == "success"


def test_a_first_that_times_out_ends_the_second() -> None:
    played = play(row(producing(timeout=2.5), gathering()), 10)

    assert isinstance(played.error, StepTimeout)
    assert about(played.chunks, "b")[-1:] == ["b: canceled"]


@virtual
async def test_subscriptions_end_with_the_step_that_made_them() -> None:
    kept: list[Observable[int]] = []
    seen: list[int] = []
    ends: list[Exception] = []
    subscriptions: list[DisposableBase] = []

    async def leaves(items: Observable[int]) -> None:
        kept.append(items)
        subscriptions.append(items.subscribe(seen.append))

    b = create_step("b", leaves, observable_input=True)
    await create_workflow("wf").then(producing()).then(b).commit().create_run().start(3)
    kept[0].subscribe(seen.append, ends.append)
    await turns()

    assert seen == []
    assert isinstance(ends[0], StepFailed)
