"""Answers that come at an odd moment: at once, while the leg ends, again after an attempt failed."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rxloom import NotSuspended, StepContext, create_step, create_workflow
from rxloom.chunks import StepSuspended
from tests.ledger import Ledger
from tests.play import adding, asking, read, told
from tests.virtual import virtual


def beside(*steps: Any, seconds: float = 10) -> Any:
    """Build a workflow of steps beside a slow one."""
    return create_workflow("wf").parallel([*steps, adding("slow", seconds=seconds)]).commit()


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
