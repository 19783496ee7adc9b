"""Chains of steps, maps, sleeps and ways of reading them."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

from rxloom import StepContext, create_step, create_workflow, from_result
from tests.conformance.scenarios.steps import Value, add, never, timed
from tests.conformance.stage import Error, Stage, scenario

ONE: Value = {"value": 1}


@scenario
async def single_step(stage: Stage) -> None:
    wf = create_workflow("wf").then(add("add1")).commit()
    await stage.follow("main", wf.create_run().stream_vnext(ONE))


@scenario
async def return_shape(stage: Stage) -> None:
    await single_step(stage)


@scenario
async def chain_100(stage: Stage) -> None:
    builder: Any = create_workflow("wf")
    for number in range(100):
        builder = builder.then(add(f"s{number}"))
    await stage.follow("main", builder.commit().create_run().stream_vnext({"value": 0}))
    types = [chunk["type"] for chunk in stage.told.streams["main"]]
    counts = {kind: types.count(f"workflow-step-{kind}") for kind in ("start", "result", "finish")}
    stage.fact("counts", {f"step{kind.title()}": number for kind, number in counts.items()})


@scenario
async def cloned_step(stage: Stage) -> None:
    step = add("a")
    wf = create_workflow("wf").then(step).then(step.with_id("a2")).commit()
    await stage.follow("main", wf.create_run().stream_vnext(ONE))


@scenario
async def consume_never(stage: Stage) -> None:
    wf = create_workflow("wf").then(timed(stage, "a")).then(timed(stage, "b")).commit()
    wf.create_run().stream_vnext(ONE)
    await asyncio.sleep(1)
    stage.fact("executed", stage.told.log[-1] == "b:end")


@scenario
async def start_async(stage: Stage) -> None:
    wf = create_workflow("wf").then(timed(stage, "a", 40)).commit()
    stream = wf.create_run().stream_vnext(ONE)
    stage.fact("doneAtReturn", "a:end" in stage.told.log)
    await stream


@scenario
async def map_default_id(stage: Stage) -> None:
    def out(value: Value, ctx: StepContext) -> Value:
        first: Value = ctx.get_step_result("add1")
        return {"out": value["value"] + first["value"] + ctx.init_data["value"]}

    wf = create_workflow("wf").then(add("add1")).map(out).commit()
    await stage.follow("main", wf.create_run().stream_vnext(ONE))


@scenario
async def map_bad_path(stage: Stage) -> None:
    wf = create_workflow("wf").then(add("add1")).map({"a": from_result("add1", "value.deep")}, id="m").commit()
    await stage.follow("main", wf.create_run().stream_vnext(ONE))


@scenario
async def map_throws(stage: Stage) -> None:
    def boom(_value: Any) -> Any:
        raise Error("map boom")

    wf = create_workflow("wf").map(boom, id="m").then(add("add1")).commit()
    await stage.follow("main", wf.create_run().stream_vnext(ONE))


@scenario
async def sleep_fn(stage: Stage) -> None:
    wf = create_workflow("wf").sleep(lambda value: value["value"] * 0.03).then(add("add1")).commit()
    await stage.follow("main", wf.create_run().stream_vnext(ONE))


@scenario
async def sleep_until(stage: Stage) -> None:
    def soon(_value: Any, ctx: StepContext) -> datetime:
        return ctx.scheduler.now + timedelta(milliseconds=50)

    wf = create_workflow("wf").sleep_until(soon).then(add("add1")).commit()
    await stage.follow("main", wf.create_run().stream_vnext(ONE))


@scenario
async def bail(stage: Stage) -> None:
    async def body(_value: Value, ctx: StepContext) -> Value:
        return ctx.bail({"value": 77})

    wf = create_workflow("wf").then(create_step("a", body)).then(never("b")).commit()
    await stage.follow("main", wf.create_run().stream_vnext(ONE))


@scenario
async def per_step(stage: Stage) -> None:
    async def twice(value: Value) -> Value:
        return {"value": value["value"] * 2}

    wf = create_workflow("wf").then(add("add1")).then(create_step("double", twice)).then(add("add2")).commit()
    run = wf.create_run()
    await stage.follow("main", run.stream_vnext(ONE, per_step=True))
    await stage.follow("next_step", run.resume_stream_vnext(per_step=True))


@scenario
async def lifecycle_callback_throws(stage: Stage) -> None:
    def finish_boom(_info: Any) -> None:
        raise Error("finish boom")

    def start_boom(_info: Any) -> None:
        raise Error("start boom")

    finishing = create_workflow("wf", on_finish=finish_boom).then(add("a")).commit()
    await stage.follow("onFinish_throws", finishing.create_run().stream_vnext(ONE))
    starting = create_workflow("wf", on_start=start_boom).then(add("a")).commit()
    await stage.follow("onStart_throws", starting.create_run().stream_vnext(ONE))


@scenario
async def uncommitted_workflow(stage: Stage) -> None:
    async def run() -> Any:
        builder: Any = create_workflow("wf").then(add("add1"))
        return await create_workflow("outer").then(builder).commit().create_run().start(ONE)

    await stage.refused("main", run())
