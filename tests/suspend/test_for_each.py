"""Suspended items of a `for_each`: answered by path, by index, all at once."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

from typing import Any

import pytest

from rxloom import AmbiguousResume, NotSuspended, StepContext, create_step, create_workflow
from rxloom.chunks import StepProgress
from rxloom.testing import virtual_run
from tests.effort import effort
from tests.ledger import Ledger
from tests.play import asking, play, read, told
from tests.virtual import virtual


def each(step: Any = None, **options: Any) -> Any:
    """Build a workflow that asks for each item."""
    options.setdefault("concurrency", 9)
    return create_workflow("wf").for_each(step or asking("each", "?"), **options).commit()


def some(entered: list[int] | None = None) -> Any:
    """Make a step that asks for odd numbers only."""

    async def body(value: int, ctx: StepContext) -> Any:
        if entered is not None:
            entered.append(value)
        return value, (await ctx.suspend(f"about {value}") if value % 2 else None)

    return create_step("each", body, output=Any)


def test_all_get_the_data_when_nobody_is_named() -> None:
    played = play(each(), [1, 2, 3], {"resume_data": "yes"})

    assert played.output == [(1, "yes"), (2, "yes"), (3, "yes")]
    assert told(played.legs[0]) == [
        "start", "each: running", "each[0]: suspended", "each[1]: suspended", "each[2]: suspended", "each: suspended",
        "suspended",
    ]  # fmt: skip
    assert told(played.legs[1]) == [
        "start", "each: resumed", "each[0]: success", "each[1]: success", "each[2]: success", "each: success",
        "success",
    ]  # fmt: skip
    assert list(played.results[0].suspend_payload) == ["each[0]", "each[1]", "each[2]"]


@pytest.mark.parametrize("by", ["path", "index", "bare index", "step and index"])
def test_one_item_is_named_by_its_path_or_its_index(by: str) -> None:
    where: dict[str, Any] = {
        "path": {"step": "each[1]"}, "index": {"step": "each", "index": 1}, "bare index": {"index": 1},
        "step and index": {"step": asking("each"), "index": 1},
    }[by]  # fmt: skip
    played = play(each(), [1, 2, 3], {"resume_data": "b", **where}, {"resume_data": "rest"})

    assert played.output == [(1, "rest"), (2, "b"), (3, "rest")]
    assert list(played.results[1].suspend_payload) == ["each[0]", "each[2]"]


def test_items_that_are_done_are_not_run_again_and_keep_their_output() -> None:
    entered: list[int] = []
    played = play(each(some(entered)), [1, 2, 3, 4], {"resume_data": "a", "index": 0}, {"resume_data": "c"})

    assert played.output == [(1, "a"), (2, None), (3, "c"), (4, None)]
    assert entered == [1, 2, 3, 4, 1, 3]


def test_several_items_are_answered_in_one_leg() -> None:
    @virtual
    async def test() -> None:
        run = each().create_run()
        await run.start([1, 2, 3])
        second: Any = await run.resume_all({"each[0]": "a", "each[2]": "c"}).result
        third: Any = await run.resume("b")

        assert list(second.suspend_payload) == ["each[1]"]
        assert third.unwrap() == [(1, "a"), (2, "b"), (3, "c")]

    test()


def test_the_window_counts_those_who_wait() -> None:
    entered: list[int] = []
    played = play(each(some(entered), concurrency=1), [1, 2, 3], {"resume_data": "a"}, {"resume_data": "c"})

    assert played.output == [(1, "a"), (2, None), (3, "c")]
    assert entered == [1, 1, 2, 3, 3]
    assert [list(result.suspend_payload) for result in played.results[:-1]] == [["each[0]"], ["each[2]"]]


def test_progress_says_how_many_are_done_in_this_leg() -> None:
    played = play(each(some()), [1, 2, 3], {"resume_data": "a", "index": 0}, {"resume_data": "c"})
    progress = [
        [(one.payload.current_index, one.payload.iteration_status) for one in leg if isinstance(one, StepProgress)]
        for leg in played.legs
    ]

    assert progress == [[(0, "suspended"), (1, "success"), (2, "suspended")], [(0, "success")], [(2, "success")]]


def test_an_item_that_is_a_workflow_is_named_by_the_path_inside() -> None:
    inner = create_workflow("inner").then(asking("ask")).then(asking("more")).commit()
    played = play(
        each(inner), [1, 2],
        {"resume_data": "b", "step": "inner[1].ask"}, {"resume_data": "a", "step": "inner[0]"}, {"resume_data": "both"},
    )  # fmt: skip

    assert played.output == [((1, "a"), "both"), ((2, "b"), "both")]
    assert list(played.results[1].suspend_payload) == ["inner[0].ask", "inner[1].more"]


def test_items_that_ask_different_things_are_not_answered_all_at_once() -> None:
    inner = create_workflow("inner").then(asking("ask")).then(asking("more")).commit()
    with pytest.raises(AmbiguousResume, match=r"inner\[0\]\.ask, inner\[1\]\.more"):
        play(each(inner), [1, 2], {"resume_data": "b", "index": 1}, {"resume_data": "all"})


def test_a_for_each_inside_a_nested_workflow_inside_a_for_each() -> None:
    inner = (
        create_workflow("inner").map(lambda value: [value, value + 1]).for_each(asking("ask"), concurrency=2).commit()
    )
    played = play(
        each(inner), [10, 20],
        {"resume_data": "one", "step": "inner[1].ask[0]"}, {"resume_data": "two", "step": "inner[0]"},
        {"resume_data": "rest"},
    )  # fmt: skip

    assert played.output == [[(10, "two"), (11, "two")], [(20, "one"), (21, "rest")]]


def test_a_for_each_in_a_nested_workflow_is_named_without_what_is_around_it() -> None:
    inner = create_workflow("inner").for_each(asking("each"), concurrency=2).commit()
    wf = create_workflow("wf").then(inner).commit()

    for where in ({"step": "each", "index": 1}, {"step": "each[1]"}, {"step": "inner.each[1]"}):
        assert play(wf, [1, 2], {"resume_data": "b", **where}, {"resume_data": "a", "step": "each"}).output == [
            (1, "a"), (2, "b"),
        ]  # fmt: skip


def test_an_index_that_does_not_wait_is_refused() -> None:
    with pytest.raises(NotSuspended, match=r"index 7.*each\[0\]"):
        play(each(), [1, 2], {"resume_data": 1, "index": 7})
    with pytest.raises(NotSuspended, match=r"each\[7\]"):
        play(each(), [1, 2], {"resume_data": 1, "step": "each", "index": 7})


def test_a_collected_failure_is_not_run_again_when_its_siblings_are_resumed() -> None:
    entered: list[int] = []

    async def body(value: int, ctx: StepContext) -> Any:
        entered.append(value)
        if value == 0:
            raise ValueError("zero")
        return await ctx.suspend("?")

    played = play(each(create_step("each", body), errors="collect"), [0, 1], {"resume_data": "one"})

    assert played.output == [None, "one"]
    assert entered == [0, 1, 1]
    assert played.result.steps["each[0]"].error.message == "zero"


def test_an_item_that_fails_after_its_answer_fails_the_whole_and_leaves_nobody_waiting() -> None:
    async def body(_: int, ctx: StepContext) -> Any:
        await ctx.suspend("?")
        raise ValueError("boom")

    played = play(each(create_step("each", body)), [1, 2], {"resume_data": 1, "index": 0})

    assert played.result.status == "failed"
    assert played.result.error.step_path == "each[0]"


def test_items_know_that_they_were_resumed() -> None:
    seen: list[Any] = []

    async def body(_: str, ctx: StepContext) -> Any:
        seen.append((ctx.path, ctx.iteration, ctx.resumed, ctx.resume_data, ctx.suspend_data))
        return await ctx.suspend({"item": ctx.iteration})

    play(each(create_step("each", body)), ["a", "b"], {"resume_data": "x"})

    assert seen[2:] == [
        ("each[0]", 0, True, "x", {"item": 0}), ("each[1]", 1, True, "x", {"item": 1}),
    ]  # fmt: skip


def test_waiting_and_being_answered_costs_no_more_per_item_the_more_there_are(ledger: Ledger) -> None:
    async def main(count: int) -> Any:
        run = each(concurrency=count).create_run()
        await run.start(list(range(count)))
        stream = run.resume_stream_vnext("yes")
        await read(stream)
        assert len((await stream.result).unwrap()) == count

    assert effort(lambda: virtual_run(main(2_000))) < 2.2 * effort(lambda: virtual_run(main(1_000)))
    assert len(ledger.run_ids()) == 2
