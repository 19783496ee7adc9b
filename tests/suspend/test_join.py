"""Resuming while siblings still run: the answer joins the open leg."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rxloom import NotSuspended, ResumeConflict, StepContext, create_step, create_workflow
from tests.play import adding, asking, read, told
from tests.virtual import virtual


def beside(*steps: Any, seconds: float = 10) -> Any:
    """Build a workflow of steps beside a slow one."""
    return create_workflow("wf").parallel([*steps, adding("slow", seconds=seconds)]).commit()


@virtual
async def test_the_step_starts_again_in_the_leg_that_is_open() -> None:
    run = beside(asking("ask")).create_run()
    first = run.stream_vnext(1)
    await asyncio.sleep(1)
    second = run.resume_stream_vnext("yes")
    result: Any = await second.result

    assert result.unwrap() == {"ask": (1, "yes"), "slow": 2}
    assert asyncio.get_running_loop().time() == 10
    chunks = await read(second)
    assert told(chunks) == [
        "start", "ask: running", "slow: running", "ask: suspended", "ask: resumed", "ask: success", "slow: success",
        "success",
    ]  # fmt: skip
    assert [chunk.to_wire()["seq"] for chunk in chunks] == list(range(8))
    assert await read(first) == chunks
    assert await first.result == result


@virtual
async def test_joining_again_and_again_and_a_leg_of_its_own_for_the_last() -> None:
    async def body(_: Any, ctx: StepContext) -> list[Any]:
        return [await ctx.suspend(number) for number in range(4)]

    run = beside(create_step("ask", body)).create_run()
    first = run.stream_vnext(1)
    for answer in ("a", "b", "c"):
        await asyncio.sleep(1)
        run.resume_stream_vnext(answer)
    suspended: Any = await first.result
    last: Any = await run.resume("d")

    assert suspended.suspend_payload == {"ask": 3}
    assert last.unwrap()["ask"] == ["a", "b", "c", "d"]
    assert told(await read(first)).count("ask: resumed") == 3


@virtual
async def test_deep_in_a_nested_workflow_all_around_it_starts_again() -> None:
    inner = create_workflow("inner").then(adding("a")).then(asking("ask")).commit()
    run = beside(create_workflow("outer").then(inner).commit()).create_run()
    stream = run.stream_vnext(1)
    await asyncio.sleep(1)
    run.resume_stream_vnext("yes")
    await stream.result

    assert [line for line in told(await read(stream)) if line.startswith("outer") and "inner.a:" not in line] == [
        "outer: running", "outer.inner: running", "outer.inner.ask: running", "outer.inner.ask: suspended",
        "outer.inner: suspended", "outer: suspended",
        "outer: resumed", "outer.inner: resumed", "outer.inner.ask: resumed", "outer.inner.ask: success",
        "outer.inner: success", "outer: success",
    ]  # fmt: skip


@virtual
async def test_items_join_while_others_run() -> None:
    async def body(value: int, ctx: StepContext) -> Any:
        if value == 0:
            await asyncio.sleep(10)
            return "slow"
        return await ctx.suspend(value)

    run = create_workflow("wf").for_each(create_step("each", body), concurrency=9).commit().create_run()
    stream = run.stream_vnext([0, 1, 2])
    await asyncio.sleep(1)
    await asyncio.gather(run.resume("b", index=1), run.resume("c", step="each[2]"))

    assert (await stream.result).unwrap() == ["slow", "b", "c"]
    assert told(await read(stream)) == [
        "start", "each: running", "each[1]: suspended", "each[2]: suspended", "each[1]: success", "each[2]: success",
        "each[0]: success", "each: success", "success",
    ]  # fmt: skip


@virtual
async def test_a_joined_item_takes_its_place_in_the_window_again() -> None:
    entered: list[int] = []

    async def body(value: int, ctx: StepContext) -> Any:
        entered.append(value)
        if value == 1:
            return await ctx.suspend("?")
        await asyncio.sleep(10)
        return value

    run = create_workflow("wf").for_each(create_step("each", body), concurrency=2).commit().create_run()
    stream = run.stream_vnext([0, 1, 2, 3])
    await asyncio.sleep(1)
    assert entered == [0, 1]
    run.resume_stream_vnext("b")

    assert (await stream.result).unwrap() == [0, "b", 2, 3]
    assert entered == [0, 1, 1, 2, 3]


@virtual
async def test_two_answers_to_two_leaves_both_join() -> None:
    run = beside(asking("a"), asking("b")).create_run()
    stream = run.stream_vnext(1)
    await asyncio.sleep(1)
    one, two = run.resume_stream_vnext("A", step="a"), run.resume_stream_vnext("B", step="b")

    assert (await one.result) == (await two.result) == (await stream.result)
    assert (await stream.result).unwrap() == {"a": (1, "A"), "b": (1, "B"), "slow": 2}


@virtual
async def test_resume_all_joins_too() -> None:
    run = beside(asking("a"), asking("b")).create_run()
    run.stream_vnext(1)
    await asyncio.sleep(1)
    result = await run.resume_all({"a": "A", "b": "B"}).result

    assert result.unwrap() == {"a": (1, "A"), "b": (1, "B"), "slow": 2}


@virtual
async def test_who_joins_second_with_the_same_leaf_is_refused() -> None:
    run = beside(asking("ask")).create_run()
    stream = run.stream_vnext(1)
    await asyncio.sleep(1)
    run.resume_stream_vnext("first")
    with pytest.raises(ResumeConflict):
        await run.resume("second")

    assert (await stream.result).unwrap()["ask"] == (1, "first")


@virtual
async def test_a_step_that_has_not_suspended_yet_cannot_be_answered() -> None:
    run = beside(create_workflow("later").then(adding("a", seconds=5)).then(asking("ask")).commit()).create_run()
    run.stream_vnext(1)
    await asyncio.sleep(1)
    with pytest.raises(NotSuspended, match=r"later\.ask"):
        await run.resume("early", step="later.ask")
    await asyncio.sleep(5)

    assert (await run.resume("now")).unwrap()["later"] == (2, "now")
