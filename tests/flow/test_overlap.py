"""Overlap: a step that takes an Observable begins with the first item of the step before."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
import operator
from collections.abc import AsyncIterator, Iterator
from typing import Any, NamedTuple

import pytest
import reactivex as rx
from pydantic import BaseModel
from reactivex import Observable
from reactivex import operators as ops

from rxloom import (
    StepContext,
    SyncStepContext,
    create_step,
    create_workflow,
    step_from_operator,
)
from rxloom.chunks import StepStart
from rxloom.errors import InputInvalid
from tests.flow.overlapping import gathering, passing, producing, row
from tests.play import Played, about, adding, play, told


class Row(BaseModel):
    """A row."""

    number: int


class Point(NamedTuple):
    """A tuple that is one thing."""

    x: int
    y: int


def test_the_second_step_begins_with_the_first_item_and_sees_each_as_it_is_written() -> None:
    played = play(row(producing(), gathering()), 3)

    assert played.told == [
        "start", "a: running", "a > 0", "b: running", "b > saw 0", "a > 1", "b > saw 1", "a > 2", "a: success",
        "b > saw 2", "b: success", "success",
    ]  # fmt: skip
    assert played.output == [0, 1, 2]


def test_steps_that_overlap_take_the_time_of_the_slowest() -> None:
    assert play(row(producing(every=2), gathering(seconds=1)), 10).duration == 21


def test_three_steps_overlap_in_a_chain() -> None:
    played = play(row(producing(), passing(), gathering("c", seconds=2)), 3)

    assert played.output == [0, 10, 20]
    assert played.duration == 7
    assert [line for line in played.told if line.endswith(": running")] == ["a: running", "b: running", "c: running"]
    assert played.told.index("c > saw 0") < played.told.index("a: success")


def test_the_list_of_the_items_is_still_the_first_steps_output_whatever_the_second_does() -> None:
    played = play(row(producing(), gathering()), 2)

    assert played.result.steps["a"].output == [0, 1]


def items_later(count: int) -> AsyncIterator[int]:
    async def items() -> AsyncIterator[int]:
        for number in range(count):
            await asyncio.sleep(1)
            yield number

    return items()


def items_on_a_thread(count: int) -> Iterator[int]:
    yield from range(count)


def observed(count: int) -> Observable[int]:
    return rx.interval(1.0).pipe(ops.take(count))


async def observed_later(count: int) -> Observable[int]:
    return rx.interval(1.0).pipe(ops.take(count))


def observed_untold(count: int):  # noqa: ANN201 # no annotation says what it returns
    return rx.interval(1.0).pipe(ops.take(count))


async def observed_untold_later(count: int):  # noqa: ANN201 # nor here
    return rx.interval(1.0).pipe(ops.take(count))


@pytest.mark.parametrize(
    "function",
    [items_later, items_on_a_thread, observed, observed_later, observed_untold, observed_untold_later],
    ids=lambda one: one.__name__,
)
def test_every_kind_of_stream_feeds_the_next_step(function: Any) -> None:
    played = play(row(create_step("a", function), gathering()), 3)

    assert played.output == [0, 1, 2]
    assert played.told.index("b: running") < played.told.index("a: success")


def test_an_inline_generator_feeds_the_next_step_too() -> None:
    assert play(row(create_step("a", items_on_a_thread, inline=True), gathering()), 3).output == [0, 1, 2]


def test_what_a_step_writes_besides_its_items_is_no_item() -> None:
    async def body(count: int, ctx: StepContext) -> AsyncIterator[int]:
        await ctx.write("not an item")
        yield count

    assert play(row(create_step("a", body), gathering()), 3).output == [3]


def test_the_items_are_those_that_were_yielded_whatever_their_fold_is() -> None:
    played = play(row(producing(collect=sum), gathering()), 3)

    assert played.result.steps["a"].output == 3
    assert played.output == [0, 1, 2]


@pytest.mark.parametrize(
    ("output", "items"),
    [([1, 2], [1, 2]), ((1, 2), [1, 2]), (3, [3]), ("ab", ["ab"]), ([], []), (Point(1, 2), [(1, 2)])],
)
def test_a_step_without_a_stream_feeds_the_items_of_its_list_or_its_one_output(output: Any, items: Any) -> None:
    async def body() -> Any:
        return output

    played = play(row(create_step("a", body), gathering()))

    assert played.output == items
    assert played.told[1:4] == ["a: running", "a: success", "b: running"]


@pytest.mark.parametrize(("given", "items"), [([1, 2], [1, 2]), (3, [3]), ([], [])])
def test_as_the_first_step_it_gets_the_items_of_the_workflows_input(given: Any, items: Any) -> None:
    assert play(row(gathering()), given).output == items


def test_after_a_step_that_produced_nothing_it_gets_an_empty_observable() -> None:
    played = play(row(producing(), gathering()), 0)

    assert played.output == []
    assert played.told == ["start", "a: running", "a: success", "b: running", "b: success", "success"]


def test_the_start_tells_what_is_known_of_the_input_by_then() -> None:
    played = play(row(producing(), gathering()), 2)
    plain = play(row(adding("a"), gathering()), 2)

    assert _told_input(played) is None
    assert _told_input(plain) == 3


def _told_input(played: Played) -> Any:
    return next(c.payload.payload for c in played.chunks if isinstance(c, StepStart) and c.payload.id == "b")


def test_each_item_is_validated_and_is_of_its_type() -> None:
    async def rows(count: int) -> AsyncIterator[dict[str, Any]]:
        for number in range(count):
            yield {"number": number if number < 2 else "two"}

    async def numbers(items: Observable[Row], ctx: StepContext) -> int:
        return await items.pipe(
            ops.map(lambda row: row.number), ops.do_action(ctx.write_nowait), ops.reduce(operator.add)
        )

    wf = row(create_step("a", rows), create_step("b", numbers, observable_input=True))
    wrong = play(wf, 3)

    assert play(wf, 2).output == 1
    assert isinstance(wrong.error, InputInvalid)
    assert "item 2 of the input" in str(wrong.error)
    assert about(wrong.chunks, "b")[-2:] == ["b > 1", "b: failed"]


def test_a_step_that_takes_an_observable_may_subscribe_often_and_late() -> None:
    async def twice(items: Observable[int]) -> list[int]:
        first = await items.pipe(ops.take(1))
        await asyncio.sleep(1)
        return [first, await items.pipe(ops.reduce(operator.add)), await items.pipe(ops.count())]

    assert play(row(producing(), create_step("b", twice, observable_input=True)), 4).output == [0, 6, 4]


def test_an_item_that_is_changed_is_changed_for_nobody_else() -> None:
    async def lists(count: int) -> AsyncIterator[list[int]]:
        for number in range(count):
            yield [number]

    async def spoil(items: Observable[Any]) -> list[Any]:
        await items.pipe(ops.do_action(lambda item: item.clear()))
        return await items.pipe(ops.to_list())

    played = play(row(create_step("a", lists), create_step("b", spoil, observable_input=True)), 2)

    assert played.output == played.result.steps["a"].output == [[0], [1]]


def test_a_plain_function_may_block_on_the_observable() -> None:
    def last(items: Observable[int], ctx: SyncStepContext) -> int:
        ctx.write("begun")
        return items.pipe(ops.map(lambda item: item * 2)).run()

    played = play(row(producing(), create_step("b", last, observable_input=True)), 3)

    assert played.output == 4
    assert played.told.index("b > begun") < played.told.index("a: success")


def test_an_operator_over_the_items_is_a_step() -> None:
    pairs: Any = step_from_operator("b", ops.buffer_with_count(2), observable_input=True, collect=list)
    played = play(row(producing(), pairs), 4)

    assert played.output == [[0, 1], [2, 3]]
    assert played.told.index("b > [0, 1]") < played.told.index("a > 2")


def test_time_operators_in_the_middle_run_on_the_time_of_the_run() -> None:
    wf = create_workflow("wf").then(producing(every=0.2)).pipe(ops.debounce(0.5), observable_input=True)
    played = play(wf.then(adding("c")).commit(), 5)

    assert played.output == 5
    assert played.duration == 1


# -- where it stands ---------------------------------------------------------------------------------------------------


def test_inside_a_branch_a_loop_and_a_nested_workflow() -> None:
    arm = create_workflow("wf").branch([(lambda _: True, [producing(), gathering()])], merge=True).commit()
    loop = create_workflow("wf").do_until([producing(), gathering("b")], lambda _: True)
    nested = create_workflow("wf").then(create_workflow("in").then(producing()).then(gathering()).commit()).commit()

    assert play(arm, 3).output == [0, 1, 2]
    assert play(loop.commit(), 2).output == [0, 1]
    assert play(nested, 3).output == [0, 1, 2]
    assert "in.b: running" in play(nested, 3).told


def test_inside_a_parallel_and_a_for_each_it_gets_the_items_of_its_value() -> None:
    side = create_workflow("wf").parallel([gathering("b"), gathering("c")]).commit()
    each = create_workflow("wf").for_each(gathering("b")).commit()

    assert play(side, [1, 2]).output == {"b": [1, 2], "c": [1, 2]}
    assert play(each, [[1, 2], 3]).output == [[1, 2], [3]]


def test_after_a_container_it_gets_the_items_of_the_containers_output() -> None:
    wf = create_workflow("wf").for_each(adding("a")).then(gathering()).commit()

    assert play(wf, [1, 2]).output == [2, 3]


def test_one_slot_is_enough_for_any_number_of_steps() -> None:
    assert play(row(producing(), gathering(), gathering("c"), max_concurrency=1), 3).output == [0, 1, 2]


def test_one_step_at_a_time_takes_steps_that_overlap_as_one() -> None:
    played = play(row(producing(), gathering(), create_step("c", len)), 2, {}, per_step=True)

    assert told(played.legs[0])[-3:] == ["b: success", "paused", "paused"]
    assert told(played.legs[1]) == ["start", "c: running", "c: success", "success"]
