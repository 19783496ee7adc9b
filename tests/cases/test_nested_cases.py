"""Workflows used as steps."""

from __future__ import annotations

from typing import Any

import pytest
from typing_extensions import TypedDict

from rxloom import StepContext, create_step, create_workflow, from_init
from rxloom.errors import NonRetryable
from tests.cases.kit import Arms, Builder, Data, adding, failing, giving, ids, read


class Outer(TypedDict):
    """State of the outer workflow."""

    value: str
    otherValue: str


class Inner(TypedDict):
    """The part of it that the nested workflow names."""

    value: str


def _appending(id: str, text: str) -> Any:
    async def body(data: Data) -> Data:
        return {"value": f"{data['value']}{text}"}

    return create_step(id, body)


async def test_a_nested_workflow_is_a_step_with_the_output_of_its_last_one() -> None:
    calls: list[str] = []
    builder = create_workflow("nested").then(giving("step2", {"value": "step2"}, calls))
    nested = builder.then(giving("step3", {"value": "step3"}, calls)).commit()
    wf = create_workflow("wf").then(giving("step1", {"value": "step1"}, calls)).then(nested).commit()
    result = await wf.create_run().start({})

    assert calls == ["step1", "step2", "step3"]
    assert result.steps["step1"].output == {"value": "step1"}
    assert result.steps["nested"].output == {"value": "step3"}


async def test_a_failure_in_a_nested_workflow_fails_its_step() -> None:
    error = RuntimeError("Step execution failed")
    nested = create_workflow("nested").then(failing("bad", error)).commit()
    result = await create_workflow("wf").then(giving("step1", {})).then(nested).commit().create_run().start({})

    assert result.status == "failed"
    assert result.steps["step1"].status == "success"
    assert result.steps["nested"].status == "failed"
    assert result.steps["nested"].input == {}
    assert result.error.message == "Step execution failed"
    assert result.exception is error


async def test_data_goes_through_a_nested_workflow() -> None:
    async def inner(data: Data) -> Data:
        return {"result": f"{data['value']}-inner"}

    nested = create_workflow("nested").then(create_step("inner", inner)).commit()
    wf = create_workflow("wf").then(_appending("outer-step", "-outer")).then(nested).commit()
    result = await wf.create_run().start({"value": "test"})

    assert result.steps["outer-step"].output == {"value": "test-outer"}
    assert result.steps["nested"].output == {"result": "test-outer-inner"}


async def test_a_nested_workflow_may_branch() -> None:
    arms: Arms = [(lambda data: data["value"] == "b", giving("stepC", {"value": "c"}))]
    nested = create_workflow("nested").then(giving("stepB", {"value": "b"})).branch(arms).commit()
    result = (
        await create_workflow("wf").then(giving("stepA", {"value": "a"})).then(nested).commit().create_run().start({})
    )

    assert result.steps["stepA"].output == {"value": "a"}
    assert result.steps["nested"].status == "success"
    assert result.steps["nested.stepC"].status == "success"


async def test_workflows_nest_three_levels_deep() -> None:
    inner = create_workflow("inner").then(_appending("step3", "-level3")).commit()
    middle = create_workflow("middle").then(_appending("step2", "-level2")).then(inner).commit()
    wf = create_workflow("outer").then(giving("step1", {"value": "level1"})).then(middle).commit()
    result = await wf.create_run().start({})

    assert result.status == "success"
    assert result.steps["middle"].output == {"value": "level1-level2-level3"}


async def test_a_nested_workflow_sees_the_part_of_the_state_that_it_names() -> None:
    async def see(_data: Data, ctx: StepContext) -> Data:
        assert set(ctx.state) == {"value"}
        return {"result": "success", "value": ctx.state["value"]}

    nested = create_workflow("nested", state=Inner).then(create_step("see", see)).commit()
    wf = create_workflow("wf", state=Outer).then(nested).commit()
    result = await wf.create_run().start({}, initial_state={"value": "test-state", "otherValue": "other"})

    assert result.steps["nested"].output == {"result": "success", "value": "test-state"}


async def test_state_set_in_a_nested_step_is_read_by_the_next_nested_step() -> None:
    async def shout(data: Data, ctx: StepContext) -> Data:
        await ctx.update_state(value=ctx.state["value"] + "!!!")
        return data

    async def see(_data: Data, ctx: StepContext) -> Data:
        return {"value": ctx.state["value"]}

    builder = create_workflow("nested", state=Inner).then(create_step("shout", shout))
    wf = create_workflow("wf", state=Outer).then(builder.then(create_step("see", see)).commit()).commit()
    result = await wf.create_run().start({}, initial_state={"value": "test-state", "otherValue": "other"})

    assert result.unwrap() == {"value": "test-state!!!"}
    assert result.state == {"value": "test-state!!!", "otherValue": "other"}


async def test_a_nested_run_that_is_canceled_gives_no_output_and_nothing_follows() -> None:
    calls: list[str] = []

    async def give_up(_data: Data, ctx: StepContext) -> Data:
        return ctx.abort()

    nested = create_workflow("nested").then(create_step("give-up", give_up)).commit()
    result = await create_workflow("wf").then(nested).then(giving("next", 1, calls)).commit().create_run().start({})

    assert result.status == "canceled"
    assert result.steps["nested"].status == "canceled"
    assert calls == []


async def test_one_step_at_a_time_takes_a_whole_nested_workflow_as_one() -> None:
    nested = create_workflow("nested").then(giving("one", 1)).then(giving("two", 2)).commit()
    calls: list[str] = []
    run = create_workflow("wf").then(nested).then(giving("next", 3, calls)).commit().create_run()
    paused = await run.start({}, per_step=True)
    assert (paused.status, calls) == ("paused", [])
    result = await run.resume()

    assert result.unwrap() == 3
    assert calls == ["next"]


async def test_nested_steps_are_told_with_their_full_path() -> None:
    c = create_workflow("c").then(giving("step", 1)).commit()
    b = create_workflow("b").then(c).commit()
    chunks = await read(create_workflow("wf").then(b).commit().create_run().stream_vnext({}))

    assert ids(chunks, "step-start") == ["b", "b.c", "b.c.step"]
    assert ids(chunks, "step-result") == ["b.c.step", "b.c", "b"]


@pytest.mark.parametrize(("error", "times"), [(NonRetryable("no"), 1), (ValueError("transient"), 3)])
async def test_a_failure_that_must_not_be_retried_is_not_across_nesting(error: Exception, times: int) -> None:
    calls: list[str] = []
    nested = create_workflow("nested").then(failing("bad", error, calls)).commit()
    wf = create_workflow("wf", retries=2).then(nested).commit()
    result = await wf.create_run().start({})

    assert result.status == "failed"
    assert len(calls) == times


async def test_a_map_in_a_nested_workflow_reads_the_nested_input() -> None:
    nested: Builder = create_workflow("nested").then(adding("add", 1)).map({"first": from_init("value")}).commit()
    wf = create_workflow("wf").then(adding("outer", 10)).then(nested).commit()

    assert (await wf.create_run().start({"value": 1})).unwrap() == {"first": 11}
