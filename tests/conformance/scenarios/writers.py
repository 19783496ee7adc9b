"""What steps write."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import reactivex as rx

from rxloom import StepContext, create_step, create_workflow
from rxloom.errors import RxLoomError, WriterClosed
from tests.conformance.scenarios.steps import Value, add, plus_one, timed, writing
from tests.conformance.stage import Error, Stage, js, scenario
from tests.conformance.telling import TRACES, Json, cleaned

ONE: Value = {"value": 1}
INNER_RUN = "11111111-1111-4111-8111-111111111111"


async def _alone(stage: Stage, step: Any) -> None:
    wf = create_workflow("wf").then(step).commit()
    await stage.follow("main", wf.create_run().stream_vnext(ONE))


@scenario
async def writer_write(stage: Stage) -> None:
    await _alone(stage, writing("a", {"n": 1}, {"n": 2}, {"n": 3}, plus=1))


@scenario
async def writer_first_op_no_storage(stage: Stage) -> None:
    await _alone(stage, writing("a", "x"))


@scenario
async def writer_and_fail(stage: Stage) -> None:
    await _alone(stage, writing("a", 1, 2, message="after write"))


@scenario
async def writer_pipe(stage: Stage) -> None:
    async def body(value: Value, ctx: StepContext) -> Value:
        rx.of({"p": 1}, {"p": 2}, {"p": 3}).subscribe(ctx.writer)
        return plus_one(value)

    wf = create_workflow("wf").then(create_step("a", body)).then(add("b")).commit()
    await stage.follow("main", wf.create_run().stream_vnext(ONE))


@scenario
async def writer_custom(stage: Stage) -> None:
    async def body(value: Value, ctx: StepContext) -> Value:
        await ctx.custom("data-thing", {"n": 1})
        await ctx.custom("data-thing", {"n": 2})
        for other in ("other", "weird"):
            try:
                await ctx.custom(other, {"y": 2})
            except (RxLoomError, ValueError):
                continue
            raise AssertionError(other)
        return plus_one(value)

    await _alone(stage, create_step("a", body))


@scenario
async def writer_late(stage: Stage) -> None:
    tasks: list[asyncio.Task[None]] = []

    async def late(ctx: StepContext) -> None:
        for seconds in (0.02, 0.2):
            await asyncio.sleep(seconds)
            try:
                await ctx.write(f"late after {seconds}")
            except WriterClosed:
                stage.fact("lateWriteAfterFinish", "raised")
            else:
                stage.fact("lateWriteAfterFinish", "resolved")

    async def body(value: Value, ctx: StepContext) -> Value:
        tasks.append(asyncio.create_task(late(ctx)))
        return value

    wf = create_workflow("wf").then(create_step("a", body)).then(timed(stage, "b", 60)).commit()
    await stage.follow("main", wf.create_run().stream_vnext(ONE))
    await asyncio.gather(*tasks)


@scenario
async def slow_consumer(stage: Stage) -> None:
    ended = False

    async def body(value: Value, ctx: StepContext) -> Value:
        nonlocal ended
        for number in range(30):
            await ctx.write(number)
        ended = True
        return value

    wf = create_workflow("wf").then(create_step("w", body)).commit()
    stream = wf.create_run().stream_vnext(ONE)
    chunks: list[Json] = []
    async for chunk in stream:
        await asyncio.sleep(0.01)
        if not chunks:
            stage.fact("stepWaitedForConsumer", not ended)
        chunks.append(chunk.to_wire())
    stage.chunks("main", chunks)
    await stage.final("main", stream)


@scenario
async def fake_usage_chunk(stage: Stage) -> None:
    used = {"usage": {"inputTokens": 5, "outputTokens": 6, "totalTokens": 11}}
    await _alone(stage, writing("a", {"type": "finish", "payload": used}, {"type": "step-finish", "payload": used}))


@scenario
async def retries_step_overrides_workflow(stage: Stage) -> None:
    async def body(_value: Value, ctx: StepContext) -> Value:
        stage.log(f"attempt {ctx.attempt + 1} runCount={js(None)} retryCount={ctx.attempt}")
        await ctx.write(f"attempt {ctx.attempt + 1}")
        raise Error(f"fail {ctx.attempt + 1}")

    wf = create_workflow("wf", retries=5).then(create_step("flaky", body, retries=0)).commit()
    await stage.follow("main", wf.create_run().stream_vnext(ONE))


def _agent_chunks(name: str) -> list[Any]:
    """Return what the agent of a recording said, so that an ordinary step can say it again."""
    raw = json.loads((TRACES / f"{name}.json").read_text("utf-8"))
    outputs = [c["payload"]["output"] for c in raw["streams"]["main"]["chunks"] if c["type"] == "workflow-step-output"]
    if name == "agent_fullstream_to_writer":
        return outputs
    return [chunk["payload"]["output"] for chunk in outputs if chunk["type"] == "workflow-step-output"]


def _talking(id: str, name: str) -> Any:
    async def body(_value: Value, ctx: StepContext) -> Value:
        for chunk in _agent_chunks(name):
            await ctx.write(cleaned(chunk))
        return {"text": "Hello world"}

    return create_step(id, body)


@scenario
async def agent_fullstream_to_writer(stage: Stage) -> None:
    wf = create_workflow("wf").then(_talking("talk", "agent_fullstream_to_writer")).commit()
    await stage.follow("main", wf.create_run().stream_vnext({"prompt": "hi"}))


@scenario
async def nested_stream_piped(stage: Stage) -> None:
    inner = create_workflow("wf2").then(_talking("a1", "nested_stream_piped")).commit()

    async def body(value: Value, ctx: StepContext) -> Value:
        stream = inner.create_run(run_id=INNER_RUN).stream_vnext(value)
        async for chunk in stream:
            await ctx.write(chunk.to_wire())
        return (await stream.result).unwrap()

    wf = create_workflow("wf").then(create_step("call", body)).commit()
    await stage.follow("main", wf.create_run().stream_vnext({"prompt": "hi"}))
