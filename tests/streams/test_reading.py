"""Reading with `async for`: from any place, on any loop, with any bound; and leaving whenever one likes."""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import Any
from weakref import ref

import pytest

from rxloom import RunInterrupted, Runtime, StepContext, StreamOverflow, WorkflowStream
from rxloom.chunks import Chunk
from tests.hearing import ASKER, SLOW_WRITER, WAITER, WRITER, Numbers, hear, one, seqs, turning
from tests.logs import shown
from tests.play import read, turns
from tests.virtual import virtual


async def write_slowly_without_waiting(count: int, ctx: StepContext) -> int:
    for number in range(count):
        ctx.write_nowait(number)
        await asyncio.sleep(1)
    return count


TICKER: Numbers = one(write_slowly_without_waiting)


# -- overflow --------------------------------------------------------------------------------------------------------


@virtual
async def test_drop_oldest_tells_a_gap_for_what_was_dropped() -> None:
    stream = TICKER.create_run().stream_vnext(20)
    reader = stream.aiter(buffer=5, on_overflow="drop_oldest")
    first = await anext(reader)
    await asyncio.sleep(10.5)  # 0 to 10 were written
    rest = [chunk async for chunk in reader]

    assert shown([first, *rest]) == ["start", range(1, 8), *range(6, 20), "step-result", "finish"]
    gap = rest[0]
    assert gap.to_wire() == {
        "type": "data-rxloom-gap", "runId": stream.run_id, "from": "WORKFLOW",
        "data": {"fromSeq": 1, "toSeq": 7, "count": 7},
    }  # fmt: skip


@virtual
async def test_drop_oldest_drops_nothing_within_the_bound() -> None:
    stream = TICKER.create_run().stream_vnext(20)
    chunks = [chunk async for chunk in stream.aiter(buffer=2, on_overflow="drop_oldest")]

    assert seqs(chunks) == list(range(24))


@virtual
async def test_drop_oldest_gets_the_end_of_its_leg_though_the_run_has_gone_on() -> None:
    run = ASKER.create_run()
    stream = run.stream_vnext(1)
    reader = stream.aiter(buffer=2, on_overflow="drop_oldest")
    first = await anext(reader)
    await stream
    await run.resume(2)
    rest = [chunk async for chunk in reader]

    assert shown([first, *rest]) == ["start", range(1, 2), "step-suspended", "finish"]


@virtual
async def test_error_ends_a_reader_that_lags_and_nothing_else() -> None:
    stream = TICKER.create_run().stream_vnext(20)
    other = hear(stream)
    reader = stream.aiter(buffer=5, on_overflow="error")
    await anext(reader)
    await asyncio.sleep(10)
    with pytest.raises(StreamOverflow) as raised:
        await anext(reader)
    with pytest.raises(StopAsyncIteration):
        await anext(reader)
    result = await stream

    assert raised.value.run_id == stream.run_id
    assert result.unwrap() == 20
    assert len(other.items) == 24


@pytest.mark.parametrize(
    "options",
    [{"buffer": 0}, {"buffer": -1}, {"from_seq": -1}, {"on_overflow": "forget"}],
    ids=str,
)
async def test_options_out_of_range_are_refused(options: dict[str, Any]) -> None:
    stream = WRITER.create_run().stream_vnext(1)
    with pytest.raises(ValueError, match=next(iter(options))):
        stream.aiter(**options)
    await stream


# -- a bounded runtime ---------------------------------------------------------------------------------------------


@virtual
async def test_bounded_runtime_keeps_the_lifecycle_and_the_newest_outputs_for_late_subscribers() -> None:
    stream = Runtime(WRITER, buffer=10).create_run("flow").stream_vnext(1000)
    early = hear(stream)
    await stream
    late, reader = hear(stream), [chunk async for chunk in stream]

    assert seqs(early.items) == list(range(1004))
    assert late.items == reader
    start, step_start, gap, *kept = shown(late.items)
    assert (start, step_start) == ("start", "step-start")
    assert kept[-2:] == ["step-result", "finish"]
    assert kept[-12:-2] == list(range(990, 1000))
    assert gap == range(2, kept[0] + 2)


@virtual
async def test_reader_that_fell_behind_a_bounded_log_gets_a_gap() -> None:
    stream = Runtime(WRITER, buffer=10).create_run("flow").stream_vnext(1000)
    reader = stream.aiter(buffer=10)
    first = [await anext(reader) for _ in range(2)]
    await stream  # the writer has waited 30 s, and gone on
    await turns()
    rest = shown([chunk async for chunk in reader])

    assert shown(first) == ["start", "step-start"]
    assert isinstance(rest[0], range)
    assert rest[0].start == 2
    assert rest[-2:] == ["step-result", "finish"]


# -- from the middle -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("from_seq", range(9))
async def test_reading_begins_at_any_seq(from_seq: int) -> None:
    stream = WRITER.create_run().stream_vnext(3)
    live = [chunk async for chunk in stream.aiter(from_seq=from_seq)]
    late = [chunk async for chunk in stream.aiter(from_seq=from_seq)]

    assert seqs(live) == seqs(late) == list(range(from_seq, 7))


# -- elsewhere -------------------------------------------------------------------------------------------------------


async def _read(stream: WorkflowStream[int], **options: Any) -> list[Chunk]:
    return [chunk async for chunk in stream.aiter(**options)]


@pytest.mark.parametrize("options", [{}, {"buffer": 50}, {"buffer": 5000, "on_overflow": "drop_oldest"}], ids=str)
async def test_readers_on_other_loops_miss_nothing(options: dict[str, Any]) -> None:
    async def body(count: int, ctx: StepContext) -> int:
        for number in range(count):
            await ctx.write(number)
            if number % 50 == 0:
                await asyncio.sleep(0)
        return count

    stream = one(body).create_run().stream_vnext(3000)
    read = await asyncio.gather(*(asyncio.to_thread(lambda: asyncio.run(_read(stream, **options))) for _ in range(3)))

    assert [seqs(chunks) == list(range(3004)) for chunks in read] == [True] * 3


async def test_readers_on_other_loops_of_a_bounded_log_get_whole_numbers() -> None:
    stream = Runtime(TURNING, buffer=20).create_run("flow").stream_vnext(5000)
    read = await asyncio.gather(*(asyncio.to_thread(lambda: asyncio.run(_read(stream))) for _ in range(3)))

    for chunks in read:
        at = 0
        for chunk in shown(chunks):
            at += len(chunk) if isinstance(chunk, range) else 1
        assert at == 5004


TURNING = turning(7)


async def test_reader_on_another_loop_wakes_up_for_the_interruption() -> None:
    runtime = Runtime(WAITER)
    stream = runtime.create_run("flow").stream_vnext(1)
    reading = asyncio.ensure_future(asyncio.to_thread(lambda: asyncio.run(_read(stream))))
    await asyncio.sleep(0.05)
    await runtime.aclose(drain=0)
    with pytest.raises(RunInterrupted):
        await reading


# -- leaving ---------------------------------------------------------------------------------------------------------


@virtual
async def test_leaving_early_frees_the_cursor_touches_nothing_and_logs_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    gc.disable()
    try:
        stream = SLOW_WRITER.create_run().stream_vnext(5)
        readers: list[ref[Any]] = []
        for bound in (None, 1):
            reader = stream.aiter(buffer=bound)
            readers.append(ref(reader))
            async for _ in reader:
                break
            del reader
        sleeping = asyncio.ensure_future(_read(stream))
        await turns()
        sleeping.cancel()
        await turns()
        alive = [one_ref() for one_ref in readers]
        result = await stream
    finally:
        gc.enable()

    assert alive == [None, None]
    assert result.unwrap() == 5
    assert asyncio.get_running_loop().time() == 5
    assert caplog.records == []


async def test_closed_reader_ends_also_a_pull_under_way() -> None:
    stream = WAITER.create_run().stream_vnext(1)
    reader = stream.aiter()
    pulling = asyncio.ensure_future(_drain(reader))
    await turns()
    await reader.aclose()
    read = await pulling
    await reader.aclose()
    with pytest.raises(StopAsyncIteration):
        await anext(reader)
    stream.cancel_on_dispose().subscribe().dispose()
    await stream

    assert len(read) == 2


async def _drain(reader: Any) -> list[Chunk]:
    return [chunk async for chunk in reader]


async def test_reader_pulled_in_two_places_at_a_time_says_so() -> None:
    stream = WAITER.create_run().stream_vnext(1)
    reader = stream.aiter(from_seq=99)
    first = asyncio.ensure_future(anext(reader))
    await turns()
    with pytest.raises(RuntimeError, match="one place"):
        await anext(reader)
    first.cancel()
    stream.cancel_on_dispose().subscribe().dispose()
    await stream


async def test_pull_that_timed_out_may_be_tried_again() -> None:
    stream = SLOW_WRITER.create_run().stream_vnext(1)
    reader = stream.aiter(from_seq=3)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(reader), 0.01)
    assert stream._feed.log is not None
    sleepers = len(stream._feed.log._sleepers)
    chunks = [chunk async for chunk in reader]

    assert sleepers == 1
    assert shown(chunks) == ["step-result", "finish"]


def test_no_thread_is_left_by_readers() -> None:
    before = set(threading.enumerate())
    asyncio.run(_read_all())

    assert set(threading.enumerate()) == before


async def _read_all() -> None:
    await _read(WRITER.create_run().stream_vnext(3))


@virtual
@pytest.mark.parametrize("buffer", [None, 2])
async def test_who_begins_behind_the_end_of_a_stream_is_not_given_the_next_leg(buffer: int | None) -> None:
    run = ASKER.create_run()
    stream = run.stream_vnext(1)
    behind = stream.aiter(from_seq=len(await read(stream)) + 1, buffer=buffer)
    await run.resume(2)

    assert [chunk async for chunk in behind] == []
