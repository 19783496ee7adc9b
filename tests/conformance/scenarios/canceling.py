"""Cancelling, from outside and from inside."""

from __future__ import annotations

import asyncio
from typing import Any

from rxloom import StepContext, create_step, create_workflow
from tests.conformance.scenarios.steps import Value, add, never, timed
from tests.conformance.stage import Error, Stage, scenario

ONE: Value = {"value": 1}


async def _cancel_at(stage: Stage, workflow: Any, seconds: float, *, say: bool = True) -> None:
    run = workflow.create_run()
    stream = run.stream_vnext(ONE)
    await asyncio.sleep(seconds)
    await run.cancel()
    if say:
        stage.log("cancel() returned")
    await stage.follow("main", stream)


@scenario
async def abort_controller(stage: Stage) -> None:
    wf = create_workflow("wf").then(timed(stage, "a", 100)).then(never("b")).commit()
    await _cancel_at(stage, wf, 0.03, say=False)


@scenario
async def cancel_during_step_ignored(stage: Stage) -> None:
    await _cancel_at(stage, create_workflow("wf").then(timed(stage, "a", 200)).then(never("b")).commit(), 0.05)


@scenario
async def cancel_during_step_cooperative(stage: Stage) -> None:
    async def body(_value: Value) -> Value:
        try:
            await asyncio.sleep(1)
        except asyncio.CancelledError as signal:
            stage.log("a saw abort")
            raise Error("aborted by signal") from signal
        raise AssertionError

    await _cancel_at(stage, create_workflow("wf").then(create_step("a", body)).then(never("b")).commit(), 0.05)


@scenario
async def cancel_nested(stage: Stage) -> None:
    inner = create_workflow("inner").then(timed(stage, "a", 120)).then(never("b")).commit()
    await _cancel_at(stage, create_workflow("wf").then(inner).then(never("after")).commit(), 0.05)


@scenario
async def cancel_before_start(stage: Stage) -> None:
    run = create_workflow("wf").then(add("a")).then(add("b")).commit().create_run()
    await run.cancel()
    await stage.follow("main", run.stream_vnext(ONE))


@scenario
async def step_calls_abort(stage: Stage) -> None:
    async def body(_value: Value, ctx: StepContext) -> Value:
        return ctx.abort()

    wf = create_workflow("wf").then(create_step("a", body)).then(never("b")).commit()
    await stage.follow("main", wf.create_run().stream_vnext(ONE))
