"""Workflows in workflows."""

from __future__ import annotations

from rxloom import StepContext, create_step, create_workflow
from tests.conformance.scenarios.steps import Value, add, asking, never, plus_one, raising, writing
from tests.conformance.stage import Stage, scenario

ONE: Value = {"value": 1}


@scenario
async def nested_fail(stage: Stage) -> None:
    inner = create_workflow("inner").then(add("a")).then(raising("b", "inner boom")).commit()
    wf = create_workflow("wf").then(inner).then(never("after")).commit()
    await stage.follow("main", wf.create_run().stream_vnext(ONE))


@scenario
async def nested_twice_deep(stage: Stage) -> None:
    inner = create_workflow("inner").then(writing("a", "deep", plus=1)).commit()
    outer = create_workflow("outer2").then(inner).commit()
    wf = create_workflow("wf").then(outer).commit()
    await stage.follow("main", wf.create_run().stream_vnext(ONE))


@scenario
async def nested_suspend(stage: Stage) -> None:
    inner = create_workflow("inner").then(add("a")).then(asking(None, question="?")).commit()
    run = create_workflow("wf").then(inner).then(add("after")).commit().create_run()
    await stage.follow("main", run.stream_vnext(ONE))
    await stage.follow("resume", run.resume_stream_vnext({"add": 10}))


async def _write_and_ask(value: Value, ctx: StepContext) -> Value:
    if not ctx.resumed:
        await ctx.write("written before suspend")
    await ctx.suspend({"q": 1})
    await ctx.write("written after resume")
    return plus_one(value)


@scenario
async def nested_resume_writer(stage: Stage) -> None:
    inner = create_workflow("inner").then(create_step("ask", _write_and_ask)).commit()
    run = create_workflow("wf").then(inner).commit().create_run()
    await stage.follow("main", run.stream_vnext(ONE))
    await stage.follow("resume", run.resume_stream_vnext({"ok": 1}))


@scenario
async def resume_plain_writer_open_stream(stage: Stage) -> None:
    run = create_workflow("wf").then(create_step("ask", _write_and_ask)).commit().create_run()
    stream = run.stream_vnext(ONE, close_on_suspend=False)
    async for chunk in stream:
        if chunk.type == "workflow-step-suspended":
            break
    # The chunk is told before the leg ends; a resume that came before would join it.
    await run.observe_stream_vnext()
    stage.result("resumeResult", await run.resume({"ok": 1}))
    await stage.follow("main", stream)


@scenario
async def bail_in_nested(stage: Stage) -> None:
    async def body(_value: Value, ctx: StepContext) -> Value:
        return ctx.bail({"value": 77})

    inner = create_workflow("inner").then(create_step("a", body)).then(never("b")).commit()
    wf = create_workflow("wf").then(inner).then(add("after")).commit()
    await stage.follow("main", wf.create_run().stream_vnext(ONE))
