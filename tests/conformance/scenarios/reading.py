"""Many readers, early leavers, late comers."""

from __future__ import annotations

import asyncio
from typing import Any

from rxloom import Chunk, create_workflow
from tests.conformance.scenarios.steps import Value, add, timed, writing
from tests.conformance.stage import Stage, scenario

ONE: Value = {"value": 1}


def _three(stage: Stage) -> Any:
    builder = create_workflow("wf").then(timed(stage, "a", 60)).then(timed(stage, "b", 60))
    return builder.then(timed(stage, "d", 60)).commit()


@scenario
async def break_async_iteration(stage: Stage) -> None:
    stream = _three(stage).create_run().stream_vnext(ONE)
    seen = 0
    async for chunk in stream:
        stage.log(f"got {chunk.type}")
        seen += 1
        if seen == 2:
            break
    await stage.final("main", stream)
    stage.fact("allStepsRan", "d:end" in stage.told.log)


@scenario
async def reader_releases_lock(stage: Stage) -> None:
    stream = _three(stage).create_run().stream_vnext(ONE)
    reader = aiter(stream)
    for _ in range(2):
        stage.log(f"r1 {(await anext(reader)).type}")
    async for chunk in stream.aiter(from_seq=2):
        stage.log(f"r2 {chunk.type}")
    await stage.final("main", stream)


@scenario
async def two_full_streams(stage: Stage) -> None:
    wf = create_workflow("wf").then(timed(stage, "add1")).commit()
    stream = wf.create_run().stream_vnext(ONE)
    await asyncio.gather(stage.watch("first", stream), stage.watch("second", stream))
    await stage.watch("third_after_finish", stream)
    await stage.final("main", stream)


@scenario
async def result_without_consuming(stage: Stage) -> None:
    wf = create_workflow("wf").then(timed(stage, "a")).then(timed(stage, "b")).commit()
    stream = wf.create_run().stream_vnext(ONE)
    await stage.final("main", stream)
    await stage.watch("read_after_result", stream)


@scenario
async def stream_called_twice(stage: Stage) -> None:
    wf = _three(stage)
    run = wf.create_run()
    stream = run.stream_vnext(ONE)
    again = wf.create_run(run_id=run.run_id, on_existing="join").stream_vnext({"value": 1000})
    await stage.follow("main", stream)
    assert (await again.result).unwrap() == {"value": 4}
    third = wf.create_run(run_id=run.run_id, on_existing="join").stream_vnext({"value": 1000})
    await stage.watch("third", third)


@scenario
async def observe_after_finish(stage: Stage) -> None:
    run = create_workflow("wf").then(add("add1")).commit().create_run()
    await stage.follow("main", run.stream_vnext(ONE))
    await stage.watch("observer", run.observe_stream_vnext())


@scenario
async def observe_with_writer(stage: Stage) -> None:
    run = create_workflow("wf").then(timed(stage, "a", 60)).then(writing("w", 1, 2)).commit().create_run()
    stream = run.stream_vnext(ONE)
    await asyncio.sleep(0.01)
    await asyncio.gather(stage.watch("observer", run.observe_stream_vnext()), stage.follow("main", stream))


@scenario
async def observe_cancel_one(stage: Stage) -> None:
    run = _three(stage).create_run()
    stream = run.stream_vnext(ONE)
    await asyncio.sleep(0.01)
    leaving = aiter(run.observe_stream_vnext())
    staying = run.observe_stream_vnext()
    stage.chunks("observer_cancels", [(await anext(leaving)).to_wire()])
    await leaving.aclose()
    await asyncio.gather(stage.watch("observer2", staying), stage.follow("main", stream))


@scenario
async def watch_callback_throws(stage: Stage) -> None:
    def boom(_chunk: Chunk) -> None:
        raise RuntimeError("watcher boom")

    wf = create_workflow("wf").then(add("add1")).then(add("add2")).commit()
    stream = wf.create_run().stream_vnext(ONE)
    stream.subscribe(boom)
    await stage.follow("main", stream)
