"""Streaming: readers that come late, leave early or raise, and what a stream comes to."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from rxloom import Chunk, StepContext, Usage, create_step, create_workflow
from rxloom.errors import NotSuspended, RunAlreadyStarted
from tests.cases.kit import Data, adding, asking, failed, failing, giving, read, wire


def _gated(gate: asyncio.Event) -> Any:
    async def wait(data: Any) -> Any:
        await gate.wait()
        return data

    builder = create_workflow("wf").then(giving("a", 1)).then(create_step("wait", wait))
    return builder.then(giving("b", 2)).commit()


async def test_the_finish_carries_the_final_result() -> None:
    async def total(data: Data) -> Data:
        return {"total": data["left"] + data["right"]}

    wf = create_workflow("wf").then(create_step("sum", total)).commit()
    chunks = wire(await read(wf.create_run().stream_vnext({"left": 2, "right": 3})))

    assert chunks[-1]["payload"]["finalWorkflowResult"] == {"total": 5}


def _using(*parts: Data) -> Any:
    async def body(data: Data, ctx: StepContext) -> Data:
        for part in parts:
            await ctx.write({"type": "finish", "payload": {"usage": part}})
        return data

    return create_workflow("wf").then(create_step("use", body)).commit()


async def test_cached_and_cache_creation_tokens_are_summed() -> None:
    keys: list[str] = ["inputTokens", "outputTokens", "totalTokens", "cachedInputTokens", "cacheCreationInputTokens"]
    parts = [(10000, 1000, 11000, 8000, 5000), (5000, 400, 5400, 4000, 200), (2962, 100, 3062, 686, 68)]
    used: list[Data] = [dict(zip(keys, numbers, strict=True)) for numbers in parts]
    usage = await _using(*used).create_run().stream_vnext({}).usage

    assert (usage.input_tokens, usage.output_tokens) == (17962, 1500)
    assert (usage.cached_input_tokens, usage.cache_creation_input_tokens) == (12686, 5268)


async def test_a_number_left_out_by_one_part_stays_unknown() -> None:
    whole = {"inputTokens": 10, "outputTokens": 20, "totalTokens": 30, "reasoningTokens": 4, "cachedInputTokens": 3}
    stream = _using(whole, {"outputTokens": 5}).create_run().stream_vnext({})
    usage: Usage = await stream.usage

    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (None, 25, None)
    assert (usage.reasoning_tokens, usage.cached_input_tokens) == (4, 3)


async def test_disposing_one_reader_does_not_end_another() -> None:
    gate = asyncio.Event()
    stream = _gated(gate).create_run().stream_vnext(0)
    seen_a: list[Chunk] = []
    seen_b: list[Chunk] = []
    ended: list[bool] = []
    leaving = stream.subscribe(seen_a.append)
    stream.subscribe(seen_b.append, on_completed=lambda: ended.append(True))
    await asyncio.sleep(0)
    leaving.dispose()
    gate.set()
    await stream

    assert 0 < len(seen_a) < 8
    assert len(seen_b) == 8
    assert seen_b[-1].type == "workflow-finish"
    assert ended == [True]


async def test_a_failure_settles_result_and_usage_and_ends_the_reader() -> None:
    stream = create_workflow("wf").then(failing("a", ValueError("boom"))).commit().create_run().stream_vnext({})
    chunks = wire(await read(stream))
    result = await failed(stream.result)

    assert chunks[-1]["payload"]["workflowStatus"] == "failed"
    assert result.error.message == "boom"
    assert await stream.usage == Usage()


async def test_a_failure_after_a_resume_settles_the_second_stream() -> None:
    wf = create_workflow("wf").then(asking("ask")).then(failing("a", ValueError("resume boom"))).commit()
    run = wf.create_run()
    first = run.stream_vnext({})
    assert (await first.result).status == "suspended"
    second = run.resume_stream_vnext({})
    chunks = wire(await read(second))

    assert chunks[-1]["payload"]["workflowStatus"] == "failed"
    assert (await failed(second.result)).error.message == "resume boom"
    assert (await first.result).status == "suspended"


async def test_an_iterating_reader_survives_another_that_leaves_after_one_chunk() -> None:
    gate = asyncio.Event()
    stream = _gated(gate).create_run().stream_vnext(0)
    staying = asyncio.create_task(read(stream))
    async for _ in stream:
        break
    gate.set()

    assert len(await asyncio.wait_for(staying, 5)) == 8


async def test_a_refused_call_ends_everything_of_the_stream_with_its_error() -> None:
    run = create_workflow("wf").then(giving("a", 1)).commit().create_run()
    await run.start({})
    stream = run.resume_stream_vnext({})

    for awaitable in (stream.result, stream.status, stream.usage):
        with pytest.raises(NotSuspended):
            await awaitable
    with pytest.raises(NotSuspended):
        await read(stream)


async def test_a_second_start_on_the_same_run_is_refused() -> None:
    run = create_workflow("wf").then(giving("a", 1)).commit().create_run()
    await run.start({})

    with pytest.raises(RunAlreadyStarted):
        await run.start({})


async def test_history_may_be_read_from_any_chunk_on() -> None:
    run = create_workflow("wf").then(giving("a", 1)).then(giving("b", 2)).commit().create_run()
    whole = wire(await read(run.stream_vnext({})))

    for first in range(len(whole) + 1):
        assert wire(await read(run.observe_stream_vnext(from_seq=first))) == whole[first:]


async def test_an_observer_gets_history_then_what_follows() -> None:
    gate = asyncio.Event()
    run = _gated(gate).create_run()
    stream = run.stream_vnext(0)
    await asyncio.sleep(0)
    seen: list[Chunk] = []
    run.observe_stream_vnext().subscribe(seen.append)
    await asyncio.sleep(0)
    history = len(seen)
    gate.set()
    await stream

    assert 0 < history < 8
    assert wire(seen) == wire(await read(stream))


async def test_a_reader_that_disconnects_gets_the_missing_rest_when_it_is_back() -> None:
    gate = asyncio.Event()
    run = _gated(gate).create_run()
    stream = run.stream_vnext(0)
    reader = aiter(stream)
    seen = [await anext(reader), await anext(reader)]
    await reader.aclose()
    gate.set()
    await stream
    seen += await read(run.observe_stream_vnext(from_seq=2))

    assert wire(seen) == wire(await read(stream))


async def test_a_resume_comes_to_its_own_result_and_not_to_an_older_one() -> None:
    run = create_workflow("wf").then(asking("one")).then(asking("two")).commit().create_run()
    results = [await run.start({}), await run.resume("first"), await run.resume("second")]

    assert [result.status for result in results] == ["suspended", "suspended", "success"]
    assert results[-1].unwrap() == "second"


async def test_a_throwing_subscriber_is_logged_and_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    calls: list[str] = []

    def boom(_chunk: Chunk) -> None:
        raise RuntimeError("subscriber boom")

    stream = create_workflow("wf").then(adding("a", 1, calls)).commit().create_run().stream_vnext({"value": 1})
    with caplog.at_level(logging.ERROR):
        stream.subscribe(boom)
        result = await stream.result

    assert "subscriber boom" in caplog.text
    assert calls == ["a"]
    assert result.status == "success"
