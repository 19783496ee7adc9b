"""`for_each`: order, concurrency, progress."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rxloom import StepContext, create_step, create_workflow
from rxloom.testing import run_virtual
from tests.cases.kit import Data, adding, asking, giving, wire

ITEMS: list[Data] = [{"value": 1}, {"value": 22}, {"value": 333}]


def _slow(seconds: float) -> Any:
    async def body(item: Data) -> Data:
        await asyncio.sleep(seconds)
        return {"value": item["value"] + 11}

    return create_step("map", body)


async def _sum(items: list[Data]) -> Data:
    return {"finalValue": sum(item["value"] for item in items)}


FINAL = create_step("final", _sum)


def test_items_run_one_after_the_other_by_default() -> None:
    seen: list[Any] = []

    async def note(items: list[Data]) -> list[Data]:
        seen.append(items)
        return items

    wf = create_workflow("wf").for_each(_slow(1)).then(create_step("note", note)).then(FINAL).commit()
    played = run_virtual(wf, ITEMS)

    assert played.duration > 2.8
    assert played.result.input == ITEMS
    assert played.result.steps["map"].input == ITEMS
    assert played.result.steps["map"].output == [{"value": 12}, {"value": 33}, {"value": 344}]
    assert seen == [[{"value": 12}, {"value": 33}, {"value": 344}]]
    assert played.result.unwrap() == {"finalValue": 389}


def test_three_items_at_once_take_the_time_of_one() -> None:
    played = run_virtual(create_workflow("wf").for_each(_slow(1), concurrency=3).then(FINAL).commit(), ITEMS)

    assert played.duration < 2
    assert played.result.steps["map"].output == [{"value": 12}, {"value": 33}, {"value": 344}]
    assert played.result.unwrap() == {"finalValue": 389}


def test_four_items_two_at_a_time_take_two_rounds() -> None:
    items = [{"value": value} for value in (1, 2, 3, 4)]
    played = run_virtual(create_workflow("wf").for_each(_slow(0.5), concurrency=2).then(FINAL).commit(), items)

    assert 0.9 < played.duration < 1.5
    assert [item["value"] for item in played.result.steps["map"].output] == [12, 13, 14, 15]
    assert played.result.unwrap() == {"finalValue": 54}


async def test_no_items_give_an_empty_list_and_no_call() -> None:
    calls: list[str] = []
    result = await create_workflow("wf").for_each(adding("map", 11, calls)).then(FINAL).commit().create_run().start([])

    assert result.steps["map"].status == "success"
    assert result.steps["map"].output == []
    assert calls == []
    assert result.unwrap() == {"finalValue": 0}


async def test_generated_items_are_doubled_and_summed() -> None:
    async def generate(data: Data) -> list[int]:
        return list(range(1, data["count"] + 1))

    async def double(number: int) -> int:
        return 2 * number

    async def total(numbers: list[int]) -> Data:
        return {"sum": sum(numbers)}

    wf = create_workflow("wf").then(create_step("generate", generate)).for_each(create_step("double", double))
    result = await wf.then(create_step("sum", total)).commit().create_run().start({"count": 3})

    assert result.steps["double"].output == [2, 4, 6]
    assert result.unwrap() == {"sum": 12}


def _routed(body: Any) -> Any:
    """Make a workflow that sends each item through a branch into a nested workflow."""
    one = create_workflow("one").then(create_step("body", body)).commit()
    return create_workflow("route").branch([(lambda _: True, one)], merge=True).commit()


async def test_state_set_in_one_item_is_seen_in_the_next() -> None:
    async def body(number: int, ctx: StepContext) -> int:
        if number == 2:
            await ctx.update_state(output=2)
        else:
            assert ctx.state["output"] == 2
        return number

    wf = create_workflow("wf").for_each(_routed(body)).commit()
    result = await wf.create_run().start([2, 1], initial_state={"output": 0})

    assert result.status == "success"
    assert result.state == {"output": 2}


async def test_a_bail_in_an_item_ends_the_workflow() -> None:
    async def body(number: int, ctx: StepContext) -> int:
        if ctx.state["output"] > 1:
            ctx.bail([15])
        await ctx.update_state(output=number)
        return number

    wf = create_workflow("wf").for_each(create_step("each", body)).then(giving("never", 1)).commit()
    result = await wf.create_run().start([1, 2, 3, 4], initial_state={"output": 0})

    assert result.unwrap() == [15]
    assert result.state["output"] == 2


async def test_items_are_aggregated() -> None:
    async def shape(item: Data) -> Data:
        return {"name": item["name"].upper(), "score": item["score"] * 10}

    async def aggregate(items: list[Data]) -> Data:
        return {
            "names": [item["name"] for item in items],
            "total": sum(item["score"] for item in items),
            "count": len(items),
        }

    items = [{"name": name, "score": score} for name, score in (("alice", 3), ("bob", 5), ("charlie", 7))]
    wf = create_workflow("wf").for_each(create_step("shape", shape)).then(create_step("aggregate", aggregate)).commit()
    result = await wf.create_run().start(items)

    assert result.unwrap() == {"names": ["ALICE", "BOB", "CHARLIE"], "total": 150, "count": 3}


def _progress(played: Any) -> list[Data]:
    return [chunk["payload"] for chunk in wire(played.chunks, "step-progress")]


def test_each_item_tells_its_progress() -> None:
    played = run_virtual(create_workflow("wf").for_each(_slow(1)).commit(), ITEMS)
    told = _progress(played)

    assert [item["completedCount"] for item in told] == [1, 2, 3]
    assert [item["totalCount"] for item in told] == [3, 3, 3]
    assert [item["currentIndex"] for item in told] == [0, 1, 2]
    assert {item["iterationStatus"] for item in told} == {"success"}
    assert [item["iterationOutput"] for item in told] == [{"value": 12}, {"value": 33}, {"value": 344}]


def test_progress_of_concurrent_items_counts_up_to_the_total() -> None:
    told = _progress(run_virtual(create_workflow("wf").for_each(_slow(1), concurrency=2).commit(), ITEMS))

    assert [item["totalCount"] for item in told] == [3, 3, 3]
    assert told[-1]["completedCount"] == 3


async def _fail_on_22(item: Data) -> Data:
    if item["value"] == 22:
        raise ValueError("no 22")
    return item


@pytest.mark.parametrize("concurrency", [1, 2])
def test_a_failing_item_tells_its_progress_and_keeps_the_others_from_running_again(concurrency: int) -> None:
    each = create_step("each", _fail_on_22)
    played = run_virtual(create_workflow("wf").for_each(each, concurrency=concurrency).commit(), ITEMS)
    told = _progress(played)

    assert (told[0]["iterationStatus"], told[0]["currentIndex"], told[0]["completedCount"]) == ("success", 0, 1)
    assert [item["currentIndex"] for item in told if item["iterationStatus"] == "failed"] == [1]
    assert played.result.status == "failed"


async def test_a_nested_workflow_is_run_for_each_item_and_may_suspend_in_it() -> None:
    inner = create_workflow("inner").then(adding("add", 11)).then(asking("ask")).commit()
    run = create_workflow("wf").for_each(inner, concurrency=2).commit().create_run()
    first = await run.start(ITEMS[:2])
    assert first.status == "suspended"
    await run.resume({"value": "a"}, step="inner[0].ask")
    result = await run.resume({"value": "b"}, step="inner[1].ask")

    assert sorted(first.suspended) == [["inner[0]", "ask"], ["inner[1]", "ask"]]
    assert first.steps["inner[1].add"].output == {"value": 33}
    assert result.unwrap() == [{"value": "a"}, {"value": "b"}]


async def test_a_map_after_a_for_each_sees_all_its_outputs() -> None:
    wf = create_workflow("wf").for_each(adding("each", 11)).map(lambda items: sum(item["value"] for item in items))

    assert (await wf.commit().create_run().start(ITEMS)).unwrap() == 389
