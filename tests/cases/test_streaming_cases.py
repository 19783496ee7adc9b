"""Streaming: what a run tells while it runs."""

from __future__ import annotations

from typing import Any

from rxloom import StepContext, create_step, create_workflow
from tests.cases.kit import Data, asking, giving, ids, read, wire


async def test_two_steps_succeed_with_their_outputs_payloads_and_times() -> None:
    wf = (
        create_workflow("wf")
        .then(giving("step1", {"result": "success1"}))
        .then(giving("step2", {"result": "success2"}))
    )
    stream = wf.commit().create_run().stream_vnext({})
    chunks = await read(stream)
    steps = (await stream.result).steps

    assert len(chunks) == 6
    assert [steps[name].status for name in ("step1", "step2")] == ["success", "success"]
    assert steps["step1"].output == {"result": "success1"}
    assert steps["step2"].output == {"result": "success2"}
    assert steps["step2"].input == {"result": "success1"}
    for step in steps.values():
        assert isinstance(step.started_at, int)
        assert isinstance(step.ended_at, int)


async def test_steps_start_in_order_each_before_its_own_result() -> None:
    names = ["step1", "step2", "step3"]
    wf = create_workflow("wf").then(giving("step1", 1)).then(giving("step2", 2)).then(giving("step3", 3)).commit()
    chunks = await read(wf.create_run().stream_vnext({}))
    told = [(chunk["type"], chunk["payload"].get("id")) for chunk in wire(chunks)]

    assert ids(chunks, "step-start") == names
    for name in names:
        assert told.index(("workflow-step-start", name)) < told.index(("workflow-step-result", name))


async def test_state_raised_by_a_step_is_seen_while_streaming() -> None:
    async def count(data: Data, ctx: StepContext) -> Data:
        await ctx.update_state(counter=ctx.state["counter"] + 1)
        return data

    async def final(_data: Data, ctx: StepContext) -> Data:
        return {"finalCounter": ctx.state["counter"]}

    wf = create_workflow("wf").then(create_step("count", count)).then(create_step("final", final)).commit()
    stream = wf.create_run().stream_vnext({}, initial_state={"counter": 0})

    assert (await stream.result).unwrap() == {"finalCounter": 1}


async def test_four_parallel_steps_all_tell_their_results() -> None:
    names = ["a", "b", "c", "d"]
    wf = create_workflow("wf").parallel([giving(name, name) for name in names]).commit()
    stream = wf.create_run().stream_vnext({})
    chunks = await read(stream)

    assert sorted(ids(chunks, "step-result")) == names
    assert await stream.status == "success"


async def test_a_suspension_is_told_with_its_payload() -> None:
    wf = create_workflow("wf").then(giving("step1", 1)).then(asking("step2", {"reason": "waiting for input"})).commit()
    stream = wf.create_run().stream_vnext({})
    (suspended,) = wire(await read(stream), "step-suspended")

    assert suspended["payload"]["suspendPayload"] == {"reason": "waiting for input"}
    assert (await stream.result).status == "suspended"


async def test_a_stream_starts_and_finishes_with_the_workflow_chunks() -> None:
    wf = create_workflow("wf").then(giving("step1", 1)).then(giving("step2", 2)).commit()
    run = wf.create_run()
    told = wire(await read(run.stream_vnext({})))
    kinds = [chunk["type"] for chunk in told]

    assert {"workflow-step-start", "workflow-step-result"} < set(kinds)
    assert (kinds[0], kinds[-1]) == ("workflow-start", "workflow-finish")
    for chunk in told:
        assert (chunk["from"], chunk["runId"]) == ("WORKFLOW", run.run_id)


async def test_a_suspended_stream_is_resumed_by_another_stream() -> None:
    calls: list[str] = []

    async def prompt(_data: Data, ctx: StepContext) -> Data:
        calls.append("promptAgent")
        await ctx.suspend({"testPayload": "hello"})
        return {"modelOutput": "test output"}

    tone = giving("evaluateTone", {"toneScore": 0.8}, calls)
    builder = (
        create_workflow("wf").then(giving("getUserInput", {"userInput": "hi"})).then(create_step("promptAgent", prompt))
    )
    run = builder.then(tone).commit().create_run()

    first = run.stream_vnext({})
    assert wire(await read(first))[-1]["payload"]["workflowStatus"] == "suspended"
    second = run.resume_stream_vnext({"userInput": "more"}, step="promptAgent")
    assert wire(await read(second))[-1]["type"] == "workflow-finish"

    result = await second.result
    assert result.status == "success"
    assert result.steps["promptAgent"].output == {"modelOutput": "test output"}
    assert (calls.count("promptAgent"), calls.count("evaluateTone")) == (2, 1)


async def test_a_run_may_be_resumed_from_inside_the_reading_loop() -> None:
    scores = {"toneScore": 0.8, "completenessScore": 0.7}
    builder = (
        create_workflow("wf").then(giving("getUserInput", {"userInput": "test input"})).then(asking("promptAgent"))
    )
    run = builder.then(giving("evaluateToneConsistency", scores)).commit().create_run()
    reading = run.stream_vnext({})
    async for chunk in reading:
        if chunk.type == "workflow-step-suspended":
            break
    result = await run.resume({"userInput": "test input for resumption"})
    asked = result.steps["promptAgent"]

    assert result.steps["getUserInput"].status == "success"
    assert asked.input == {"userInput": "test input"}
    assert asked.output == {"userInput": "test input for resumption"}
    assert asked.ended_at is not None
    assert asked.ended_at >= asked.started_at
    assert result.steps["evaluateToneConsistency"].output == scores


async def test_what_is_written_before_a_suspension_is_told() -> None:
    async def body(data: Data, ctx: StepContext) -> Data:
        if not ctx.resumed:
            await ctx.write({"type": "custom-event", "payload": {"input": data["input"]}})
        await ctx.suspend()
        return data

    run = create_workflow("wf").then(create_step("ask", body)).commit().create_run()
    first = run.stream_vnext({"input": "test input for stream"})
    (output,) = wire(await read(first), "step-output")
    second = run.resume_stream_vnext({})

    assert output["payload"]["output"]["type"] == "custom-event"
    assert output["payload"]["output"]["payload"]["input"] == "test input for stream"
    assert await first.status == "suspended"
    assert await second.status == "success"


async def test_an_error_keeps_its_message_and_its_own_attributes() -> None:
    headers = {"x-ratelimit-reset": "60", "retry-after": "30"}

    class RateLimited(Exception):
        status_code = 429

        def __init__(self, message: str) -> None:
            super().__init__(message)
            self.statusCode = 429
            self.responseHeaders = headers

    async def body(_data: Data) -> Data:
        raise RateLimited("Rate limit exceeded")

    stream = create_workflow("wf").then(create_step("call", body)).commit().create_run().stream_vnext({})
    result = await stream.result

    assert result.status == "failed"
    assert result.error.message == "Rate limit exceeded"
    assert result.error.attributes["statusCode"] == 429
    assert result.error.attributes["responseHeaders"] == headers


async def test_a_written_value_comes_in_an_envelope_from_the_user() -> None:
    async def body(data: Data, ctx: StepContext) -> Data:
        await ctx.write({"n": 1})
        return data

    run = create_workflow("wf").then(create_step("writer", body)).commit().create_run()
    (output,) = wire(await read(run.stream_vnext({})), "step-output")

    assert (output["from"], output["runId"]) == ("USER", run.run_id)
    assert output["payload"]["output"] == {"n": 1}
    assert output["payload"]["runId"] == run.run_id
    assert output["payload"]["stepName"] == "writer"


async def test_all_chunks_of_parallel_writers_arrive() -> None:
    def writer(id: str) -> Any:
        async def body(data: Data, ctx: StepContext) -> Data:
            for number in range(10):
                await ctx.write(f"{id}{number}")
            return data

        return create_step(id, body)

    stream = create_workflow("wf").parallel([writer("a"), writer("b")]).commit().create_run().stream_vnext({})
    outputs = [chunk["payload"]["output"] for chunk in wire(await read(stream), "step-output")]

    assert sorted(outputs) == sorted(f"{name}{number}" for name in "ab" for number in range(10))
    assert await stream.status == "success"
