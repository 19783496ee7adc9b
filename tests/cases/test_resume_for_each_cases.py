"""Resuming items of a `for_each`: all at once, by index, by label."""

from __future__ import annotations

from typing import Any

from rxloom import Run, StepContext, create_step, create_workflow
from tests.cases.kit import Data


async def _sum(items: list[Data]) -> Data:
    return {"finalValue": sum(item["value"] for item in items)}


def _run(*, concurrency: int = 1, above: int = 0, labels: bool = False) -> Run[Any, Any]:
    """Make a run whose items above a limit ask how much to add, after which each adds 11 more."""

    async def body(item: Data, ctx: StepContext) -> Data:
        number = item["value"]
        if number <= above:
            return {"value": number + 11}
        index = _VALUES.index(number) if labels else 0
        answer: Data = await ctx.suspend({"for": number}, label=f"foreach-label-{index}" if labels else None)
        return {"value": number + 11 + answer["add"]}

    builder = create_workflow("wf").for_each(create_step("map", body), concurrency=concurrency)
    return builder.then(create_step("final", _sum)).commit().create_run()


_VALUES = [1, 22, 333]


def _items(*values: int) -> list[Data]:
    return [{"value": value} for value in values]


def _values(result: Any) -> list[int]:
    return [item["value"] for item in result.steps["map"].output]


async def test_items_in_a_row_suspend_and_are_resumed_one_after_the_other() -> None:
    run = _run()
    await run.start(_items(1, 22, 333))
    results = [await run.resume({"add": number}) for number in (0, 5, 0)]

    assert [result.status for result in results] == ["suspended", "suspended", "success"]
    assert _values(results[-1]) == [12, 38, 344]
    assert results[-1].unwrap() == {"finalValue": 394}


async def test_one_resume_without_an_index_answers_all_waiting_items() -> None:
    run = _run(concurrency=3, above=5)
    await run.start(_items(22, 1, 333))
    result = await run.resume({"add": 5})

    assert _values(result) == [38, 12, 349]
    assert result.unwrap() == {"finalValue": 399}


async def test_items_are_resumed_by_their_index() -> None:
    run = _run(concurrency=3)
    await run.start(_items(1, 22, 333))
    results = [await run.resume({"add": number}, step="map", index=i) for i, number in enumerate((100, 200, 300))]

    assert [result.status for result in results] == ["suspended", "suspended", "success"]
    assert _values(results[-1]) == [112, 233, 644]
    assert results[-1].unwrap() == {"finalValue": 989}


async def test_items_are_resumed_by_their_labels() -> None:
    run = _run(concurrency=3, labels=True)
    await run.start(_items(1, 22, 333))
    await run.resume({"add": 5}, label="foreach-label-2")
    await run.resume({"add": 0}, label="foreach-label-1")
    result = await run.resume({"add": 3}, label="foreach-label-0")

    assert _values(result) == [15, 33, 349]
    assert result.unwrap() == {"finalValue": 397}


async def test_items_that_did_not_fit_the_window_suspend_after_the_first_resume() -> None:
    run = _run(concurrency=3, above=5)
    await run.start(_items(22, 1, 333, 444, 1000))
    first = await run.resume({"add": 5})
    second = await run.resume({"add": 5})

    assert first.status == "suspended"
    assert second.unwrap() == {"finalValue": 1875}


async def test_items_beyond_the_window_are_resumed_by_index_too() -> None:
    run = _run(concurrency=3, above=5)
    await run.start(_items(22, 1, 333, 444, 1000))
    for index, number in ((2, 5), (0, 3), (3, 2)):
        assert (await run.resume({"add": number}, step="map", index=index)).status == "suspended"
    result = await run.resume({"add": 8}, step="map", index=4)

    assert result.unwrap() == {"finalValue": 1873}


async def test_each_waiting_item_keeps_its_own_payload() -> None:
    async def body(item: Data, ctx: StepContext) -> Data:
        answer: Data = await ctx.suspend({"streamState": {"name": item["name"], "token": item["name"].upper()}})
        return {"approved": answer["approved"]}

    run = create_workflow("wf").for_each(create_step("each", body), concurrency=3).commit().create_run()
    first = await run.start([{"name": name} for name in ("a", "b", "c")])
    second = await run.resume({"approved": True}, step="each", index=0)
    await run.resume({"approved": False}, step="each", index=1)
    last = await run.resume({"approved": True}, step="each", index=2)

    payloads = {
        f"each[{i}]": {"streamState": {"name": name, "token": name.upper()}} for i, name in enumerate(("a", "b", "c"))
    }
    assert first.status == "suspended"
    assert first.suspend_payload == payloads
    del payloads["each[0]"]
    assert second.status == "suspended"
    assert second.suspend_payload == payloads
    assert [item["approved"] for item in last.unwrap()] == [True, False, True]
