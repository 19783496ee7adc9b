"""Suspend, resume, and what may be asked wrongly."""

from __future__ import annotations

import asyncio
from typing import Any

from typing_extensions import TypedDict

from rxloom import StepContext, create_step, create_workflow
from tests.conformance.scenarios.steps import Value, add, asking
from tests.conformance.stage import Stage, scenario

ONE: Value = {"value": 1}


class Question(TypedDict):
    """`{q: string}`."""

    q: str


def _middle(stage: Stage) -> Any:
    return create_workflow("wf").then(add("add1")).then(asking(stage)).then(add("add2")).commit()


@scenario
async def resume_explicit_step(stage: Stage) -> None:
    run = _middle(stage).create_run()
    await stage.follow("main", run.stream_vnext(ONE))
    await stage.follow("resume", run.resume_stream_vnext({"add": 10}, step="ask"))


@scenario
async def resume_from_new_run_object(stage: Stage) -> None:
    wf = _middle(stage)
    run = wf.create_run()
    await stage.follow("main", run.stream_vnext(ONE))
    await stage.follow("resume", wf.create_run(run_id=run.run_id).resume_stream_vnext({"add": 10}))


@scenario
async def resume_no_data(stage: Stage) -> None:
    run = _middle(stage).create_run()
    await stage.follow("main", run.stream_vnext(ONE))
    await stage.follow("resume", run.resume_stream_vnext())


@scenario
async def resume_data_invalid_default(stage: Stage) -> None:
    run = _middle(stage).create_run()
    await stage.follow("main", run.stream_vnext(ONE))
    await stage.refused("resume", run.resume({"add": "ten"}))


@scenario
async def resume_wrong_step(stage: Stage) -> None:
    run = _middle(stage).create_run()
    await stage.follow("main", run.stream_vnext(ONE))
    await stage.refused("resume", run.resume({"add": 10}, step="add1"))


@scenario
async def resume_unknown_step(stage: Stage) -> None:
    run = _middle(stage).create_run()
    await stage.follow("main", run.stream_vnext(ONE))
    await stage.refused("resume", run.resume({"add": 10}, step="nope"))


@scenario
async def start_suspended(stage: Stage) -> None:
    run = _middle(stage).create_run()
    stage.result("start", await run.start(ONE))
    stage.result("resume", await run.resume({"add": 10}))


@scenario
async def suspend_close_on_suspend_false(stage: Stage) -> None:
    run = _middle(stage).create_run()
    stream = run.stream_vnext(ONE, close_on_suspend=False)
    reading = asyncio.create_task(stage.follow("main", stream))
    await asyncio.sleep(0.1)
    stage.fact("endedWhileSuspended", reading.done())
    stage.log("--- resuming")
    await stage.follow("resume", run.resume_stream_vnext({"add": 10}))
    await reading


@scenario
async def suspend_no_payload(stage: Stage) -> None:
    async def body(_value: Value, ctx: StepContext) -> Value:
        await ctx.suspend()
        return {}

    wf = create_workflow("wf").then(create_step("ask", body)).commit()
    await stage.follow("main", wf.create_run().stream_vnext(ONE))


@scenario
async def suspend_output(stage: Stage) -> None:
    async def body(_value: Value, ctx: StepContext) -> Value:
        await ctx.suspend({"q": 1})
        return {"partial": True}

    wf = create_workflow("wf").then(create_step("ask", body)).commit()
    await stage.follow("main", wf.create_run().stream_vnext(ONE))


@scenario
async def suspend_schema_invalid(stage: Stage) -> None:
    async def body(value: Value, ctx: StepContext) -> Value:
        await ctx.suspend({"q": 5})
        return value

    wf = create_workflow("wf").then(create_step("ask", body, suspend=Question)).commit()
    await stage.follow("main", wf.create_run().stream_vnext(ONE))


@scenario
async def context_suspend_resume(stage: Stage) -> None:
    async def body(_value: Value, ctx: StepContext) -> Value:
        if not ctx.resumed:
            await ctx.suspend({})
        return {"a": ctx.runtime_context["a"], "b": ctx.runtime_context["b"]}

    run = create_workflow("wf").then(create_step("ask", body)).commit().create_run()
    await stage.follow("main", run.stream_vnext(ONE, runtime_context={"a": "old-a", "b": "old-b"}))
    await stage.follow("resume", run.resume_stream_vnext({"ok": 1}, runtime_context={"b": "new"}))


@scenario
async def cancel_suspended(stage: Stage) -> None:
    run = create_workflow("wf").then(add("add1")).then(asking(stage)).commit().create_run()
    await stage.follow("main", run.stream_vnext(ONE))
    await run.cancel()
    await stage.refused("resume", run.resume({"add": 10}))
