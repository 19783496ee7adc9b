"""Subscribing to a run: everybody gets the same sequence, whenever they come, and calls keep the rules of Rx."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from reactivex import operators as ops

from rxloom import StepContext, WorkflowStream
from rxloom.chunks import Chunk, StepOutput
from tests.hearing import ASKER, FACES, FAILER, SLOW_WRITER, WAITER, WRITER, Heard, hear, one, seqs
from tests.play import told, turns
from tests.virtual import virtual

Face = Callable[[WorkflowStream[Any]], Awaitable[list[Chunk]]]


@pytest.fixture(params=FACES, ids=lambda face: face.__name__)
def read(request: pytest.FixtureRequest) -> Face:
    return request.param


@virtual
async def test_subscribers_that_come_at_any_time_get_the_same_sequence() -> None:
    stream = SLOW_WRITER.create_run().stream_vnext(3)
    heard = [hear(stream)]
    for _ in range(5):
        await asyncio.sleep(0.9)
        heard.append(hear(stream))
    await stream
    heard.append(hear(stream))

    assert told(heard[0].items) == [
        "start",
        "step: running",
        "step > 0",
        "step > 1",
        "step > 2",
        "step: success",
        "success",
    ]
    assert all(one.items == heard[0].items for one in heard)
    assert {one.end for one in heard} == {"completed"}
    assert seqs(heard[0].items) == list(range(7))


async def test_both_faces_show_the_same_chunks(read: Face) -> None:
    stream = WRITER.create_run().stream_vnext(3)
    early = hear(stream)
    chunks = await read(stream)

    assert chunks == early.items
    assert chunks == await read(stream)


async def test_a_failed_run_is_no_error_of_the_stream(read: Face) -> None:
    stream = FAILER.create_run().stream_vnext(1)
    chunks = await read(stream)

    assert told(chunks) == ["start", "step: running", "step: failed", "failed"]
    assert (await stream).status == "failed"


async def test_a_run_goes_on_without_anybody_subscribed() -> None:
    run = WRITER.create_run()
    run.stream_vnext(3)
    await turns()

    assert (await run.snapshot()).status == "success"


async def test_a_thousand_subscribers_get_everything() -> None:
    stream = WRITER.create_run().stream_vnext(5)
    heard = [hear(stream) for _ in range(1000)]
    await stream

    assert all(len(one.items) == 9 and one.end == "completed" and not one.wrong for one in heard)


async def test_disposing_a_live_subscription_stops_it_at_once() -> None:
    stream = WRITER.create_run().stream_vnext(50)
    heard: Heard[Chunk] = Heard(then=lambda _: dispose() if len(heard.items) == 10 else None)
    subscription = stream.subscribe(heard)

    def dispose() -> None:
        subscription.dispose()
        subscription.dispose()  # twice does no harm

    result = await stream

    assert len(heard.items) == 10
    assert heard.end is None
    assert result.unwrap() == 50


async def test_a_subscriber_disposed_in_anothers_on_next_misses_even_that_chunk() -> None:
    stream = WRITER.create_run().stream_vnext(50)
    first: Heard[Chunk] = Heard(then=lambda _: later.dispose() if len(first.items) == 10 else None)
    second: Heard[Chunk] = Heard()
    stream.subscribe(first)
    later = stream.subscribe(second)
    await stream

    assert len(first.items) == 54
    assert len(second.items) == 9


async def test_disposing_does_not_touch_the_run() -> None:
    stream = WAITER.create_run().stream_vnext(1)
    stream.subscribe(lambda _: None).dispose()
    await turns()

    assert await stream.status.pipe(ops.first()) == "running"
    stream.cancel_on_dispose().subscribe().dispose()
    assert (await stream).status == "canceled"


async def test_who_subscribes_inside_on_next_gets_everything_in_order() -> None:
    stream = WRITER.create_run().stream_vnext(20)
    inner: list[Heard[Chunk]] = []
    outer = hear(stream, then=lambda _: inner.append(hear(stream)))
    await stream

    assert len(inner) == 24
    assert all(one.items == outer.items and one.end == "completed" and not one.wrong for one in inner)


async def test_another_run_may_be_started_inside_on_next() -> None:
    started: list[WorkflowStream[int]] = []
    stream = WRITER.create_run().stream_vnext(3)
    outer = hear(stream, then=lambda _: started.append(WRITER.create_run().stream_vnext(2)))
    await stream
    results = [await one for one in started]

    assert outer.end == "completed"
    assert [result.unwrap() for result in results] == [2] * 7


async def test_the_run_may_be_resumed_inside_on_next_of_its_last_chunk() -> None:
    run = ASKER.create_run()
    legs: list[WorkflowStream[int]] = []
    stream = run.stream_vnext(1)
    hear(
        stream, then=lambda chunk: legs.append(run.resume_stream_vnext(2)) if chunk.type == "workflow-finish" else None
    )
    first = await stream

    assert first.status == "suspended"
    assert (await legs[0]).unwrap() == 3


async def test_the_run_may_be_cancelled_inside_on_next() -> None:
    run = WAITER.create_run()
    stream = run.stream_vnext(1)
    tasks: list[asyncio.Task[None]] = []
    heard = hear(stream, then=lambda _: tasks.append(asyncio.ensure_future(run.cancel("enough"))))
    await stream
    await asyncio.gather(*tasks)

    assert told(heard.items) == ["start", "step: running", "step: canceled", "canceled", "canceled"]
    assert not heard.wrong


async def test_what_is_written_inside_on_next_comes_after_for_everybody() -> None:
    contexts: list[StepContext] = []

    async def body(_: int, ctx: StepContext) -> int:
        contexts.append(ctx)
        await ctx.write(0)
        return 0

    def echo(chunk: Chunk) -> None:
        if isinstance(chunk, StepOutput) and chunk.payload.output < 3:
            contexts[0].write_nowait(chunk.payload.output + 1)

    stream = one(body).create_run().stream_vnext(1)
    first, second = hear(stream, then=echo), hear(stream)
    await stream

    assert [line for line in told(first.items) if ">" in line] == ["step > 0", "step > 1", "step > 2", "step > 3"]
    assert second.items == first.items
    assert not first.wrong


async def test_subscribing_from_a_thread_gets_everything() -> None:
    stream = WRITER.create_run().stream_vnext(20)
    heard: Heard[Chunk] = Heard()
    await asyncio.to_thread(stream.subscribe, heard)
    await stream
    await turns()

    assert len(heard.items) == 24
    assert heard.end == "completed"
    assert heard.threads == {threading.get_ident()}  # calls come on the thread of the run


async def test_subscribing_from_a_thread_after_the_end_gets_everything_there() -> None:
    stream = WRITER.create_run().stream_vnext(20)
    await stream
    heard: Heard[Chunk] = Heard()
    await asyncio.to_thread(stream.subscribe, heard)

    assert len(heard.items) == 24
    assert heard.end == "completed"


async def test_take_ends_its_subscription_of_a_finished_run_early() -> None:
    stream = WRITER.create_run().stream_vnext(5000)
    await stream
    seen: list[Chunk] = []
    stream.pipe(ops.take(1)).subscribe(seen.append)

    assert len(seen) == 1


async def test_stock_time_operators_on_a_stream_start_no_thread() -> None:
    stream = WRITER.create_run().stream_vnext(5)
    before = set(threading.enumerate())
    chunks = await stream.pipe(ops.delay(0.01), ops.timeout(5), ops.to_list())

    assert len(chunks) == 9
    assert set(threading.enumerate()) == before
