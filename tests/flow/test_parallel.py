"""Parallel: all arms on the same input, and all settle."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rxloom import StepContext, create_step, create_workflow
from rxloom.errors import DefinitionError, DuplicateStepId
from tests.play import about, adding, failing, play


def test_arms_get_the_same_input_and_the_output_is_by_id_in_declared_order() -> None:
    wf = create_workflow("wf").parallel([adding("slow", 1, seconds=2), adding("fast", 2, seconds=1)]).commit()
    played = play(wf, 10)

    assert list(played.output.items()) == [("slow", 11), ("fast", 12)]
    assert played.told == [
        "start", "slow: running", "fast: running", "fast: success", "slow: success", "success",
    ]  # fmt: skip
    assert played.duration == 2


def test_an_arm_that_changes_its_input_changes_nobody_elses() -> None:
    async def spoil(value: Any) -> Any:  # no schema, which would make a copy
        value.append(99)
        return value

    async def look(value: Any) -> Any:
        await asyncio.sleep(1)
        return value

    wf = create_workflow("wf").parallel([create_step("spoil", spoil), create_step("look", look)]).commit()

    assert play(wf, [1]).output == {"spoil": [1, 99], "look": [1]}


def test_a_failure_waits_until_all_have_settled() -> None:
    wf = create_workflow("wf").parallel([failing("bad"), adding("good", seconds=5)]).then(adding("later")).commit()
    played = play(wf, 1)

    assert isinstance(played.error, ValueError)
    assert played.told == ["start", "bad: running", "good: running", "bad: failed", "good: success", "failed"]
    assert played.duration == 5


def test_several_failures_are_a_group_and_the_first_declared_one_is_told() -> None:
    async def late(_: Any) -> None:
        await asyncio.sleep(1)
        raise KeyError("first declared")

    wf = create_workflow("wf").parallel([create_step("a", late), failing("b", OSError("second"))]).commit()
    played = play(wf, 1)

    assert isinstance(played.error, ExceptionGroup)
    assert [type(one) for one in played.error.exceptions] == [KeyError, OSError]
    assert (played.result.error.name, played.result.error.step_path) == ("KeyError", "a")


def test_collected_failures_count_as_none_and_are_told_as_handled() -> None:
    wf = create_workflow("wf").parallel([failing("bad"), adding("good")], errors="collect").commit()
    played = play(wf, 1)

    assert played.output == {"bad": None, "good": 2}
    assert "bad: failed (handled)" in played.told
    assert played.result.steps["bad"].error.message == "boom"


def test_collected_failures_inside_a_nested_workflow_are_handled_too() -> None:
    inner = create_workflow("inner").then(failing("bad")).commit()
    played = play(create_workflow("wf").parallel([inner, adding("good")], errors="collect").commit(), 1)

    assert played.output == {"inner": None, "good": 2}
    assert about(played.chunks, "inner.bad", "inner") == [
        "inner: running", "inner.bad: running", "inner.bad: failed (handled)", "inner: failed (handled)",
    ]  # fmt: skip


def test_no_more_arms_run_at_once_than_allowed_and_they_start_in_order() -> None:
    running = peak = 0

    async def busy(_: Any) -> None:
        nonlocal running, peak
        running += 1
        peak = max(peak, running)
        await asyncio.sleep(1)
        running -= 1

    steps = [create_step(f"s{number}", busy) for number in range(5)]
    played = play(create_workflow("wf").parallel(steps, max_concurrency=2).commit())

    assert peak == 2
    assert played.duration == 3
    assert [line for line in played.told if "running" in line] == [f"s{number}: running" for number in range(5)]


def test_a_bail_in_an_arm_ends_the_workflow_and_cancels_the_others() -> None:
    async def bail(_: Any, ctx: StepContext) -> None:
        await asyncio.sleep(1)
        ctx.bail("enough")

    wf = create_workflow("wf").parallel([create_step("bail", bail), adding("slow", seconds=60)]).then(adding("later"))
    played = play(wf.commit(), 1)

    assert played.output == "enough"
    assert played.told == [
        "start", "bail: running", "slow: running", "bail: bailed", "slow: canceled", "success",
    ]  # fmt: skip
    assert played.duration == 1


def test_a_workflow_is_an_arm_like_any_step() -> None:
    inner = create_workflow("inner").then(adding("a")).then(adding("b")).commit()

    assert play(create_workflow("wf").parallel([inner, adding("c")]).commit(), 0).output == {"inner": 2, "c": 1}


def test_steps_may_come_from_a_generator() -> None:
    wf = create_workflow("wf").parallel(adding(f"s{number}", number) for number in range(3)).commit()

    assert play(wf, 0).output == {"s0": 0, "s1": 1, "s2": 2}


def test_what_cannot_be_a_parallel_is_refused_where_it_is_built() -> None:
    builder = create_workflow("wf")
    with pytest.raises(DefinitionError, match=r"at least one.*'wf'"):
        builder.parallel([])
    with pytest.raises(DuplicateStepId, match="with_id"):
        builder.parallel([adding("a"), adding("a")])
    with pytest.raises(DefinitionError, match="max_concurrency"):
        builder.parallel([adding()], max_concurrency=0)
    with pytest.raises(DefinitionError, match="collect"):
        builder.parallel([adding()], errors="ignore")  # type: ignore[arg-type] # that is the point
    with pytest.raises(DefinitionError, match="not a step"):
        builder.parallel([lambda value: value])  # type: ignore[list-item] # that is the point
