"""Parallel steps, branches, loops and `for_each`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeAlias

from rxloom import StepContext, create_step, create_workflow
from tests.conformance.scenarios.steps import Value, add, asking, never, plus_one, raising, seeing, timed
from tests.conformance.stage import Error, Stage, js, scenario

ONE: Value = {"value": 1}
Arms: TypeAlias = list[tuple[Callable[[Value], bool], Any]]
THREE = [{"value": 1}, {"value": 2}, {"value": 3}]


def _same(id: str) -> Any:
    async def body(value: Value) -> Value:
        return value

    return create_step(id, body)


def _yes(_value: Any) -> bool:
    return True


def _raise(_value: Any) -> bool:
    raise Error("cond boom")


async def _play(stage: Stage, builder: Any, input: Any = ONE) -> None:
    await stage.follow("main", builder.commit().create_run().stream_vnext(input))


@scenario
async def parallel_2(stage: Stage) -> None:
    both = [timed(stage, "fast", 20), timed(stage, "slow", 80)]
    await _play(stage, create_workflow("wf").parallel(both).then(_same("see")))


@scenario
async def parallel_3(stage: Stage) -> None:
    three = [timed(stage, "a", 120), timed(stage, "b", 40), timed(stage, "c", 80)]
    await _play(stage, create_workflow("wf").parallel(three))


@scenario
async def parallel_one_fails(stage: Stage) -> None:
    both = [timed(stage, "a", 20, "a boom"), timed(stage, "b", 80)]
    await _play(stage, create_workflow("wf").parallel(both).then(never("after")))


@scenario
async def parallel_suspend_and_fail(stage: Stage) -> None:
    await _play(stage, create_workflow("wf").parallel([asking(stage), timed(stage, "b", 20, "b boom")]))


@scenario
async def parallel_suspend_one(stage: Stage) -> None:
    wf = create_workflow("wf").parallel([asking(stage), timed(stage, "b", 40)]).then(seeing()).commit()
    run = wf.create_run()
    await stage.follow("main", run.stream_vnext(ONE))
    await stage.follow("resume", run.resume_stream_vnext({"add": 10}))


@scenario
async def parallel_writers(stage: Stage) -> None:
    def pacing(id: str, ms: int) -> Any:
        async def body(value: Value, ctx: StepContext) -> Value:
            for number in (1, 2, 3):
                await ctx.write(f"{id}{number}")
                await asyncio.sleep(ms / 1000)
            return value

        return create_step(id, body)

    await _play(stage, create_workflow("wf").parallel([pacing("a", 10), pacing("b", 15)]))


@scenario
async def branch_one_true(stage: Stage) -> None:
    arms: Arms = [
        (lambda v: v["value"] > 0, add("pos")),
        (lambda v: v["value"] < 0, add("neg")),
    ]
    await _play(stage, create_workflow("wf").branch(arms).then(seeing()))


@scenario
async def branch_condition_throws(stage: Stage) -> None:
    await _play(stage, create_workflow("wf").branch([(_raise, add("a")), (_yes, add("b"))]).then(seeing()))


@scenario
async def branch_step_fails(stage: Stage) -> None:
    arms: Arms = [
        (_yes, timed(stage, "a", 0, "a boom")),
        (_yes, timed(stage, "b", 40)),
    ]
    await _play(stage, create_workflow("wf").branch(arms).then(never("see")))


@scenario
async def dowhile(stage: Stage) -> None:
    def below_three(value: Value, ctx: StepContext) -> bool:
        stage.log(f"cond value={value['value']} iterationCount={ctx.iteration}")
        return value["value"] < 3

    await _play(stage, create_workflow("wf").do_while(add("inc"), below_three).then(seeing()), {"value": 0})


@scenario
async def dountil(stage: Stage) -> None:
    await _play(stage, create_workflow("wf").do_until(add("inc"), lambda v: v["value"] >= 3), {"value": 0})


@scenario
async def loop_condition_throws(stage: Stage) -> None:
    await _play(stage, create_workflow("wf").do_until(add("inc"), _raise), {"value": 0})


@scenario
async def foreach_c3(stage: Stage) -> None:
    async def work(item: Value) -> Value:
        stage.log(f"begin {item['id']}")
        await asyncio.sleep(item["ms"] / 1000)
        stage.log(f"end {item['id']}")
        return {"id": item["id"]}

    items = [{"id": number, "ms": ms} for number, ms in enumerate((90, 30, 60, 10, 10))]
    await _play(stage, create_workflow("wf").for_each(create_step("work", work), concurrency=3), items)


@scenario
async def foreach_failing_item(stage: Stage) -> None:
    async def inc(item: Value) -> Value:
        stage.log(f"item {item['value']}")
        if item["value"] == 2:
            raise Error("item boom")
        return plus_one(item)

    await _play(stage, create_workflow("wf").for_each(create_step("inc", inc)).then(never("see")), THREE)


@scenario
async def foreach_not_array(stage: Stage) -> None:
    await _play(stage, create_workflow("wf").for_each(add("inc")))


@scenario
async def foreach_writer(stage: Stage) -> None:
    async def inc(item: Value, ctx: StepContext) -> Value:
        await ctx.write({"item": item["value"]})
        return plus_one(item)

    await _play(stage, create_workflow("wf").for_each(create_step("inc", inc)), THREE[:2])


def _needing(stage: Stage, key: str) -> Any:
    async def inc(item: Value, ctx: StepContext) -> Value:
        stage.log(f"item {item['value']} resume {js(ctx.resume_data)}")
        if ctx.resume_data is None:
            await ctx.suspend({"need": item["value"]})
        answer: Value = ctx.resume_data or {}
        return {"value": item["value"] + answer[key]}

    return create_step("inc", inc)


@scenario
async def foreach_all_suspend_c3(stage: Stage) -> None:
    run = create_workflow("wf").for_each(_needing(stage, "ok"), concurrency=3).commit().create_run()
    await stage.follow("main", run.stream_vnext(THREE))
    await stage.follow("resume", run.resume_stream_vnext({"ok": True}))


@scenario
async def foreach_resume_index(stage: Stage) -> None:
    run = create_workflow("wf").for_each(_needing(stage, "add"), concurrency=3).commit().create_run()
    await stage.follow("main", run.stream_vnext(THREE))
    await stage.follow("resume1_index1", run.resume_stream_vnext({"add": 200}, index=1))
    await stage.follow("resume2_index0", run.resume_stream_vnext({"add": 100}, index=0))
    await stage.follow("resume3_index2", run.resume_stream_vnext({"add": 300}, index=2))


@scenario
async def step_throws(stage: Stage) -> None:
    await _play(stage, create_workflow("wf").then(add("a")).then(raising("b", "boom")).then(never("c")))


@scenario
async def step_throws_string(stage: Stage) -> None:
    await _play(stage, create_workflow("wf").then(raising("a", "just text")))
