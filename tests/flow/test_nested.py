"""Workflows as steps of workflows."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import BaseModel

from rxloom import InputInvalid, NonRetryable, OutputInvalid, RunTimeout, StepContext, create_step, create_workflow
from rxloom.chunks import StepResult
from tests.play import about, adding, failing, play, seeing


def deep(depth: int, inner: Any = None, kind: str = "then") -> Any:
    """Nest a workflow so deep."""
    workflow = create_workflow("w0").then(inner or adding("a")).commit()
    for level in range(1, depth + 1):
        builder: Any = create_workflow(f"w{level}")
        if kind == "then":
            workflow = builder.then(workflow).commit()
        elif kind == "parallel":
            workflow = builder.parallel([workflow]).map(lambda out: next(iter(out.values()))).commit()
        elif kind == "for_each":
            workflow = builder.map(lambda v: [v]).for_each(workflow).map(lambda out: out[0]).commit()
        elif kind == "loop":
            workflow = builder.do_while(workflow, lambda _: False).commit()
        else:
            workflow = builder.branch([(lambda _: True, workflow)], merge=True).commit()
    return workflow


def test_the_step_opens_the_inner_chunks_come_under_its_path_and_it_closes() -> None:
    inner = create_workflow("inner").then(adding("a")).then(adding("b")).commit()
    played = play(create_workflow("outer").then(inner).then(adding("c")).commit(), 0)

    assert played.output == 3
    assert played.told == [
        "start", "inner: running", "inner.a: running", "inner.a: success", "inner.b: running", "inner.b: success",
        "inner: success", "c: running", "c: success", "success",
    ]  # fmt: skip
    assert played.result.steps["inner"].output == 2
    assert list(played.result.steps) == ["inner", "inner.a", "inner.b", "c"]


@pytest.mark.parametrize("kind", ["then", "parallel", "for_each", "loop", "branch"])
def test_two_hundred_levels_deep(kind: str) -> None:
    played = play(deep(200, kind=kind), 1)

    assert played.output == 2
    assert max(path.count(".") for path in played.result.steps) == 200


@pytest.mark.parametrize("kind", ["then", "parallel", "for_each", "loop", "branch"])
def test_a_failure_comes_up_two_hundred_levels_and_names_the_step(kind: str) -> None:
    played = play(deep(200, failing("bad"), kind), 1)

    assert isinstance(played.error, ValueError)
    assert played.result.error.step_path.endswith("w1.w0.bad" if kind != "for_each" else "w1[0].w0[0].bad")
    assert len([line for line in played.told if line.endswith(": failed")]) >= 201


def test_a_cancel_goes_down_two_hundred_levels() -> None:
    async def main() -> Any:
        run = deep(200, adding("slow", seconds=60)).create_run()
        stream = run.stream_vnext(1)
        await asyncio.sleep(0.05)
        await run.cancel()
        return await stream.result

    result = asyncio.run(main())

    assert result.status == "canceled"
    assert {record.status for record in result.steps.values()} == {"canceled"}


def test_each_level_checks_its_input_and_output() -> None:
    class Order(BaseModel):
        """An order."""

        number: int

    async def number(order: Order) -> int:
        return order.number

    inner = create_workflow("inner", input=Order, output=int).then(create_step("number", number)).commit()
    wrong = create_workflow("inner", output=dict).then(adding("a")).commit()

    assert play(create_workflow("wf").then(inner).commit(), {"number": "5"}).output == 5
    bad_input = play(create_workflow("wf").then(inner).commit(), {"number": "five"})
    bad_output = play(create_workflow("wf").then(wrong).commit(), 1)

    assert isinstance(bad_input.error, InputInvalid)
    assert bad_input.error.step_path == "inner"
    assert bad_input.told == ["start", "inner: running", "inner: failed", "failed"]
    assert isinstance(bad_output.error, OutputInvalid)
    assert bad_output.error.step_path == "inner"


def test_the_input_of_the_nested_workflow_is_the_init_data_inside() -> None:
    seen: list[Any] = []
    look = seeing("look", lambda ctx: (ctx.init_data, ctx.workflow_id, ctx.path, ctx.step_id), seen)
    inner = create_workflow("inner").then(adding("a")).then(look).commit()
    play(create_workflow("outer").then(adding("x", 10)).then(inner).then(look.with_id("after")).commit(), 1)

    assert seen == [(11, "inner", "inner.look", "look"), (1, "outer", "after", "after")]


def test_a_bail_ends_the_nested_workflow_alone() -> None:
    async def bail(value: int, ctx: StepContext) -> int:
        ctx.bail(value * 100)
        return 0

    inner = create_workflow("inner").then(create_step("bail", bail)).then(adding("never")).commit()
    played = play(create_workflow("outer").then(inner).then(adding("b")).commit(), 1)

    assert played.output == 101
    assert played.told == [
        "start", "inner: running", "inner.bail: running", "inner.bail: bailed", "inner: success", "b: running",
        "b: success", "success",
    ]  # fmt: skip


def test_the_retries_of_the_workflow_around_try_a_nested_one_again_from_its_start() -> None:
    inner = create_workflow("inner").then(adding("a")).then(failing("bad", times=2)).commit()
    played = play(create_workflow("outer", retries=2).then(inner).commit(), 0)
    tries = ["inner.a: running", "inner.a: success", "inner.bad: running"]

    assert played.output == 1
    assert played.told == [
        "start", "inner: running",
        *tries, "inner.bad: failed (handled)", "inner: retry 1",
        *tries, "inner.bad: failed (handled)", "inner: retry 2",
        *tries, "inner.bad: success", "inner: success", "success",
    ]  # fmt: skip


def test_retries_of_an_inner_step_come_before_those_of_its_workflow() -> None:
    attempts: list[tuple[int, int]] = []
    outer_attempt = -1

    async def body(_: Any, ctx: StepContext) -> None:
        nonlocal outer_attempt
        outer_attempt += ctx.attempt == 0
        attempts.append((outer_attempt, ctx.attempt))
        raise ValueError("boom")

    inner = create_workflow("inner").then(create_step("bad", body, retries=1)).commit()
    played = play(create_workflow("outer", retries=1).then(inner).commit(), 0)

    assert attempts == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert about(played.chunks, "inner") == ["inner: running", "inner: retry 1", "inner: failed"]


def test_what_must_not_be_retried_is_not_retried_around_either() -> None:
    calls: list[int] = []

    class Stolen(NonRetryable):
        """The card is stolen."""

    async def body(_: Any) -> None:
        calls.append(1)
        raise Stolen("no")

    inner = create_workflow("inner", retries=3).then(create_step("pay", body, retries=3)).commit()
    outermost = create_workflow("outermost", retries=3)
    played = play(outermost.then(create_workflow("outer", retries=3).then(inner).commit()).commit(), 0)

    assert calls == [1]
    assert isinstance(played.error, Stolen)
    assert not [line for line in played.told if "retry" in line or "handled" in line]


def test_a_nested_workflow_has_a_time_limit_of_its_own() -> None:
    inner = create_workflow("inner", timeout=5).then(adding("a", seconds=3)).then(adding("b", seconds=3)).commit()
    played = play(create_workflow("outer").then(inner).then(adding("c")).commit(), 1)

    assert isinstance(played.error, RunTimeout)
    assert all(word in str(played.error) for word in ("'inner'", "5 s"))
    assert played.duration == 5
    assert played.told[-4:] == ["inner.b: running", "inner.b: canceled", "inner: failed", "failed"]


def test_a_step_that_fails_inside_is_told_with_its_error_at_each_level() -> None:
    played = play(deep(2, failing("bad")), 1)
    errors = [chunk.payload.error for chunk in played.chunks if isinstance(chunk, StepResult)]

    assert [error.message for error in errors if error] == ["boom"] * 3
    assert {error.step_path for error in errors if error} == {"w1.w0.bad"}


def test_one_workflow_twice_needs_another_id_and_keeps_apart() -> None:
    inner = create_workflow("inner").then(adding("a")).commit()
    played = play(create_workflow("wf").then(inner).then(inner.with_id("again")).commit(), 0)

    assert played.output == 2
    assert [path for path in played.result.steps if "." in path] == ["inner.a", "again.a"]
