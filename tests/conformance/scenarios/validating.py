"""Values that do not fit, and state."""

from __future__ import annotations

from typing import Any, NotRequired

from typing_extensions import TypedDict

from rxloom import StepContext, create_step, create_workflow
from tests.conformance.scenarios.steps import Number, Value, add, returning, seeing
from tests.conformance.stage import Stage, js, scenario

ONE: Value = {"value": 1}


class Count(TypedDict):
    """`{count: number, who?: string}`."""

    count: int
    who: NotRequired[str]


def _counting() -> Any:
    return create_workflow("wf", input=Number).then(add("add1")).commit()


@scenario
async def input_invalid_default(stage: Stage) -> None:
    await stage.follow("main", _counting().create_run().stream_vnext({"value": "not a number"}))


@scenario
async def input_invalid_validate_true(stage: Stage) -> None:
    await input_invalid_default(stage)


@scenario
async def no_input_data(stage: Stage) -> None:
    wf: Any = create_workflow("wf", input=Number).then(seeing()).commit()
    await stage.follow("main", wf.create_run().stream_vnext())


@scenario
async def start_input_invalid(stage: Stage) -> None:
    stage.result("start", await _counting().create_run().start({"value": "x"}))


@scenario
async def step_input_invalid_default(stage: Stage) -> None:
    bad = returning("bad", {"value": "x"})
    wf = create_workflow("wf").then(bad).then(add("add1", input=Number)).then(add("add2")).commit()
    await stage.follow("main", wf.create_run().stream_vnext(ONE))


@scenario
async def step_input_invalid_validate_true(stage: Stage) -> None:
    await step_input_invalid_default(stage)


@scenario
async def retries_validation_error(stage: Stage) -> None:
    bad = returning("bad", {"value": "x"})
    wf = create_workflow("wf").then(bad).then(add("add1", input=Number, retries=2)).commit()
    await stage.follow("main", wf.create_run().stream_vnext(ONE))


def _setting(id: str, **changes: Any) -> Any:
    async def body(value: Value, ctx: StepContext) -> Value:
        await ctx.update_state(**changes)
        return value

    return create_step(id, body)


@scenario
async def state_invalid(stage: Stage) -> None:
    wf = create_workflow("wf", state=Count).then(_setting("s1", count="x")).commit()
    await stage.follow("main", wf.create_run().stream_vnext(ONE, initial_state={"count": 0}))
    await stage.follow("initial_invalid", wf.create_run().stream_vnext(ONE, initial_state={"count": "x"}))


@scenario
async def state_suspend_resume(stage: Stage) -> None:
    async def ask(_value: Value, ctx: StepContext) -> Value:
        stage.log(f"ask state={js(dict(ctx.state))}")
        await ctx.suspend({})
        return {"value": ctx.state["count"]}

    wf = create_workflow("wf", state=Count).then(_setting("s1", count=7)).then(create_step("ask", ask)).commit()
    run = wf.create_run()
    await stage.follow("main", run.stream_vnext(ONE, initial_state={"count": 0}))
    await stage.follow("resume", run.resume_stream_vnext({"ok": 1}))


@scenario
async def state_start(stage: Stage) -> None:
    async def s1(value: Value, ctx: StepContext) -> Value:
        stage.log(f"s1 state={js(dict(ctx.state))}")
        await ctx.set_state({"count": ctx.state["count"] + 1, "who": "s1"})
        return value

    async def s2(value: Value, ctx: StepContext) -> Value:
        stage.log(f"s2 state={js(dict(ctx.state))}")
        await ctx.set_state({**ctx.state, "count": ctx.state["count"] + 10})
        stage.log(f"s2 own view after set={js(dict(ctx.state))}")
        return value

    wf = create_workflow("wf", state=Count).then(create_step("s1", s1)).then(create_step("s2", s2)).commit()
    stage.result("start", await wf.create_run().start(ONE, initial_state={"count": 5}), state=True)
