"""For each: a step for every item, in a sliding window."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from rxloom import InputInvalid, StepContext, create_step, create_workflow
from rxloom.chunks import StepProgress
from rxloom.errors import DefinitionError
from tests.play import about, adding, failing, play


async def nap(value: float) -> float:
    await asyncio.sleep(value)
    return value * 10


NAP = create_step("each", nap)


def test_items_run_one_by_one_and_the_output_keeps_their_order() -> None:
    played = play(create_workflow("wf").for_each(NAP).commit(), [3, 1, 2])

    assert played.output == [30, 10, 20]
    assert played.duration == 6
    assert played.told == [
        "start", "each: running", "each[0]: success", "each[1]: success", "each[2]: success", "each: success",
        "success",
    ]  # fmt: skip


def test_the_window_slides_and_progress_is_told_as_items_settle() -> None:
    played = play(create_workflow("wf").for_each(NAP, concurrency=2).commit(), [3, 1, 1, 2])
    progress = [chunk.payload for chunk in played.chunks if isinstance(chunk, StepProgress)]

    assert played.output == [30, 10, 10, 20]
    assert played.duration == 4
    assert [(one.current_index, one.completed_count, one.total_count) for one in progress] == [
        (1, 1, 4), (2, 2, 4), (0, 3, 4), (3, 4, 4),
    ]  # fmt: skip
    assert [one.iteration_output for one in progress] == [10, 10, 30, 20]


def test_no_more_than_the_concurrency_run_at_once() -> None:
    running = peak = 0

    async def busy(_: int) -> None:
        nonlocal running, peak
        running += 1
        peak = max(peak, running)
        await asyncio.sleep(random.random())  # noqa: S311 # no secret
        running -= 1

    play(create_workflow("wf").for_each(create_step("each", busy), concurrency=7).commit(), list(range(50)))

    assert peak == 7


def test_an_empty_list_gives_an_empty_list() -> None:
    played = play(create_workflow("wf").for_each(NAP).commit(), [])

    assert played.output == []
    assert played.told == ["start", "each: running", "each: success", "success"]


def test_a_tuple_is_as_good_as_a_list() -> None:
    assert play(create_workflow("wf").for_each(adding()).commit(), (1, 2)).output == [2, 3]


@pytest.mark.parametrize("given", [3, "abc", {"a": 1}, None, {1, 2}], ids=lambda given: type(given).__name__)
def test_anything_else_fails_the_step_and_says_so(given: Any) -> None:
    played = play(create_workflow("wf").for_each(adding("each")).commit(), given)

    assert isinstance(played.error, InputInvalid)
    assert all(word in str(played.error) for word in ("list", type(given).__name__, "'each'", "'wf'"))
    assert played.told == ["start", "each: running", "each: failed", "failed"]


def test_each_item_is_validated_and_the_bad_one_is_named_by_its_path() -> None:
    async def body(value: int) -> int:
        return value

    played = play(create_workflow("wf").for_each(create_step("each", body)).commit(), [1, "x", 3])

    assert isinstance(played.error, InputInvalid)
    assert played.error.step_path == "each[1]"
    assert played.told == ["start", "each: running", "each[0]: success", "each[1]: failed", "each: failed", "failed"]


def test_after_a_failure_nothing_new_starts_and_what_runs_settles() -> None:
    entered: list[int] = []

    async def body(value: int) -> int:
        entered.append(value)
        await asyncio.sleep(value)
        if value == 1:
            raise ValueError("boom")
        return value

    played = play(create_workflow("wf").for_each(create_step("each", body), concurrency=2).commit(), [5, 1, 2, 3])

    assert entered == [5, 1]
    assert played.duration == 5
    assert played.told[-4:] == ["each[1]: failed", "each[0]: success", "each: failed", "failed"]
    assert played.result.error.step_path == "each[1]"


def test_collected_failures_are_none_in_the_output_and_all_items_run() -> None:
    played = play(create_workflow("wf").for_each(odd_fails(), errors="collect", concurrency=2).commit(), [0, 1, 2, 3])

    assert played.output == [0, None, 2, None]
    assert played.result.steps["each[1]"].status == "failed"
    assert played.told[-1] == "success"


def odd_fails() -> Any:
    """Make a step that fails for odd numbers."""

    async def body(value: int) -> int:
        if value % 2:
            raise ValueError("odd")
        return value

    return create_step("each", body)


def test_items_know_their_index_and_path_and_write_under_it() -> None:
    seen: list[Any] = []

    async def body(value: str, ctx: StepContext) -> None:
        seen.append((value, ctx.path, ctx.step_id, ctx.iteration))
        await ctx.write(value)

    played = play(create_workflow("wf").for_each(create_step("each", body)).commit(), ["a", "b"])

    assert seen == [("a", "each[0]", "each", 0), ("b", "each[1]", "each", 1)]
    assert [line for line in played.told if ">" in line] == ["each[0] > a", "each[1] > b"]


def test_an_item_may_be_a_workflow_whose_chunks_carry_the_index() -> None:
    inner = create_workflow("inner").then(adding("a")).then(adding("b")).commit()
    played = play(create_workflow("wf").for_each(inner, concurrency=2).commit(), [0, 10])

    assert played.output == [2, 12]
    assert about(played.chunks, "inner") == ["inner: running", "inner: success"]
    for item in ("inner[0]", "inner[1]"):
        assert [line for line in played.told if line.startswith(item)] == [
            f"{item}.a: running", f"{item}.a: success", f"{item}.b: running", f"{item}.b: success", f"{item}: success",
        ]  # fmt: skip


def test_items_are_retried_one_by_one() -> None:
    tries: list[int] = []

    async def body(value: int) -> int:
        tries.append(value)
        if value == 1 and tries.count(1) < 3:
            raise ValueError("not yet")
        return value

    played = play(create_workflow("wf").for_each(create_step("each", body, retries=2)).commit(), [0, 1, 2])

    assert played.output == [0, 1, 2]
    assert tries == [0, 1, 1, 1, 2]
    assert [line for line in played.told if "retry" in line] == ["each[1]: retry 1", "each[1]: retry 2"]


def test_a_bail_in_an_item_ends_the_workflow() -> None:
    async def body(value: int, ctx: StepContext) -> int:
        await asyncio.sleep(value)
        if value == 1:
            ctx.bail("found")
        return value

    wf = create_workflow("wf").for_each(create_step("each", body), concurrency=2).then(adding("later")).commit()
    played = play(wf, [9, 1, 2])

    assert played.output == "found"
    assert played.told[-2:] == ["each: bailed", "success"]
    assert "later" not in played.result.steps


def test_an_item_that_changes_its_value_does_not_change_the_input() -> None:
    seen: list[int] = []

    async def spoil(value: Any) -> int:  # no schema, which would make a copy
        seen.append(value["x"])
        value["x"] = 99
        return 0

    shared = {"x": 1}
    played = play(create_workflow("wf").for_each(create_step("each", spoil)).commit(), [shared, shared])

    assert played.result.input == [{"x": 1}] * 2
    assert played.result.steps["each"].input == [{"x": 1}] * 2
    assert seen == [1, 1]


def test_options_out_of_range_are_refused_where_it_is_built() -> None:
    builder: Any = create_workflow("wf")
    with pytest.raises(DefinitionError, match=r"concurrency.*at least 1"):
        builder.for_each(failing(), concurrency=0)
    with pytest.raises(DefinitionError, match="concurrency"):
        builder.for_each(failing(), concurrency=True)
    with pytest.raises(DefinitionError, match="'fail' or 'collect'"):
        builder.for_each(failing(), errors="skip")
