"""Resuming while siblings still run: the answer joins the open leg."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rxloom import NotSuspended, ResumeConflict, StepContext, create_step, create_workflow
from rxloom.chunks import StepSuspended
from tests.ledger import Ledger
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


@pytest.mark.parametrize("depth", [0, 15, 16, 17, 33])
@virtual
async def test_whoever_answers_as_soon_as_it_is_told_is_heard(depth: int, ledger: Ledger) -> None:
    step: Any = asking("ask")
    for level in range(depth):
        step = create_workflow(f"w{level}").then(step).commit()
    run = create_workflow("wf").then(step).commit().create_run()
    answers: list[Any] = []

    def answer(chunk: Any) -> None:
        if isinstance(chunk, StepSuspended) and not answers:
            answers.append(run.resume_stream_vnext("yes"))

    run.stream_vnext(1).subscribe(answer)
    await asyncio.sleep(1)
    result: Any = await answers[0].result

    assert result.unwrap() == (1, "yes")
    assert ledger.problems() == []


@virtual
async def test_an_answer_that_comes_while_the_leg_tells_its_callbacks_begins_the_next_one() -> None:
    async def slowly(_: Any) -> None:
        await asyncio.sleep(5)

    wf = create_workflow("wf", on_finish=slowly).then(asking("ask")).commit()
    run = wf.create_run()
    first = run.stream_vnext(1)
    await asyncio.sleep(1)
    second = run.resume_stream_vnext("yes")

    assert (await first.result).status == "suspended"
    assert (await second.result).unwrap() == (1, "yes")
    assert told(await read(second)) == ["start", "ask: resumed", "ask: success", "success"]


@virtual
async def test_an_answer_that_comes_while_the_run_is_being_cancelled_is_refused() -> None:
    async def stubborn(_: Any) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(2)

    run = create_workflow("wf").parallel([asking("ask"), create_step("slow", stubborn)]).commit().create_run()
    stream = run.stream_vnext(1)
    await asyncio.sleep(1)
    cancelling = asyncio.ensure_future(run.cancel())
    await asyncio.sleep(1)
    with pytest.raises(NotSuspended, match="canceled"):
        await run.resume("late")
    await cancelling

    assert told(await read(stream))[-3:] == ["slow: canceled", "canceled", "canceled"]


@virtual
async def test_who_was_answered_before_is_not_entered_again_for_the_answer_of_another() -> None:
    left = create_workflow("left").then(asking("x")).then(asking("y")).commit()
    right = create_workflow("right").then(asking("z")).commit()
    run = beside(create_workflow("inner").parallel([left, right]).commit()).create_run()
    stream = run.stream_vnext(1)
    for step, answer in (("x", 1), ("z", 2), ("y", 3)):
        await asyncio.sleep(1)
        run.resume_stream_vnext(answer, step=step)
    result: Any = await stream.result
    lines = told(await read(stream))

    assert result.unwrap()["inner"] == {"left": ((1, 1), 3), "right": (1, 2)}
    assert lines.count("inner.left: resumed") == 2
    assert lines.count("inner.right: resumed") == 1


@virtual
async def test_what_an_attempt_asked_is_forgotten_when_it_is_tried_again() -> None:
    inner = create_workflow("inner").parallel([asking("ask"), failing_after_answer()]).commit()
    run = create_workflow("wf", retries=1).then(inner).commit().create_run()
    await run.start(1)
    second: Any = await run.resume("go on", step="later")
    third: Any = await run.resume_all({"inner.ask": "A", "inner.later": "B"}).result

    assert list(second.suspend_payload) == ["inner.ask", "inner.later"]
    assert third.unwrap() == {"ask": (1, "A"), "later": "B"}


def failing_after_answer() -> Any:
    """Make a step that asks, fails once it was answered, and is content with the next answer."""
    times = 0

    async def body(_: Any, ctx: StepContext) -> Any:
        nonlocal times
        answer = await ctx.suspend("?")
        times += 1
        if times == 1:
            raise ValueError("not that one")
        return answer

    return create_step("later", body)


@pytest.mark.parametrize("depth", [1, 16, 17])
@virtual
async def test_whoever_answers_at_once_beside_a_sibling_that_runs_is_heard_too(depth: int) -> None:
    step: Any = asking("ask")
    for level in range(depth):
        step = create_workflow(f"w{level}").then(step).commit()
    run = beside(step).create_run()
    stream = run.stream_vnext(1)
    answers: list[Any] = []

    def answer(chunk: Any) -> None:
        if isinstance(chunk, StepSuspended) and not answers:
            answers.append(run.resume_stream_vnext("yes"))

    stream.subscribe(answer)

    lines = told(await read(stream))

    assert (await stream.result).unwrap() == {step.id: (1, "yes"), "slow": 2}
    assert await answers[0].result == await stream.result
    assert lines.index(f"{step.id}: success") < lines.index("slow: success")


@virtual
async def test_an_item_that_joins_gets_an_equal_input_again() -> None:
    inputs: list[Any] = []

    async def body(value: Any, ctx: StepContext) -> Any:  # no schema, which would make a copy
        inputs.append(dict(value))
        value["x"] += 1
        if value["x"] == 1:
            await asyncio.sleep(10)
            return "slow"
        return await ctx.suspend("?")

    run = create_workflow("wf").for_each(create_step("each", body), concurrency=2).commit().create_run()
    stream = run.stream_vnext([{"x": 0}, {"x": 1}])
    await asyncio.sleep(1)
    run.resume_stream_vnext("yes")

    assert (await stream.result).unwrap() == ["slow", "yes"]
    assert inputs == [{"x": 0}, {"x": 1}, {"x": 1}]
