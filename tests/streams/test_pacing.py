"""Readers that wait really pace those who write, and nobody waits for a reader that is gone."""

from __future__ import annotations

import asyncio
import gc
import itertools
from collections.abc import AsyncIterator
from typing import Any

import pytest
import reactivex as rx
from reactivex import Observable

from rxloom import StepContext, SyncStepContext, WorkflowStream, create_step, create_workflow
from rxloom.chunks import Chunk, Gap, StepOutput
from rxloom.pacing import Paced
from tests.hearing import WRITER, Numbers, hear, one, write_all
from tests.play import turns
from tests.virtual import virtual

BOUND = 8


def told(stream: WorkflowStream[Any]) -> int:
    """Return how many chunks were told so far."""
    assert stream._feed.log is not None
    return stream._feed.log.told


async def pull(reader: AsyncIterator[Chunk], number: int) -> list[Chunk]:
    return [await anext(reader) for _ in range(number)]


async def read_slowly(stream: WorkflowStream[Any]) -> list[int]:
    """Read all chunks, and return how far the writer was ahead after each."""
    ahead: list[int] = []
    async for _ in stream.aiter(buffer=BOUND):
        await asyncio.sleep(0.1)
        ahead.append(told(stream) - len(ahead) - 1)
    return ahead


@virtual
async def test_writer_is_never_further_ahead_than_the_bound() -> None:
    stream = WRITER.create_run().stream_vnext(300)
    ahead = await read_slowly(stream)

    assert len(ahead) == 304
    assert max(ahead) == BOUND + 1  # the chunk whose writer waits was told already
    assert asyncio.get_running_loop().time() > 30


@virtual
async def test_reader_that_has_not_pulled_paces_nobody() -> None:
    stream = WRITER.create_run().stream_vnext(300)
    stream.aiter(buffer=BOUND)
    result = await stream

    assert result.unwrap() == 300
    assert asyncio.get_running_loop().time() == 0


@virtual
async def test_slowest_of_several_readers_sets_the_pace() -> None:
    async def read(delay: float) -> tuple[int, float]:
        count = 0
        async for _ in stream.aiter(buffer=BOUND):
            count += 1
            await asyncio.sleep(delay)
        return count, asyncio.get_running_loop().time()

    async def body(count: int, ctx: StepContext) -> int:
        await asyncio.sleep(0)  # both readers come first
        return await write_all(count, ctx)

    stream = one(body).create_run().stream_vnext(100)
    fast, slow = await asyncio.gather(read(0), read(1))

    assert fast[0] == slow[0] == 104
    assert fast[1] > 80
    assert slow[1] == 104


# -- nobody waits for a reader that is gone --------------------------------------------------------------------------


async def _pulled(stream: WorkflowStream[int]) -> AsyncIterator[Chunk]:
    reader = stream.aiter(buffer=BOUND)
    await pull(reader, 3)
    await turns(50)
    assert told(stream) < 30
    return reader


@pytest.mark.parametrize("way", ["break", "aclose", "async with", "collected", "cancelled"])
@virtual
async def test_reader_that_left_frees_the_writer_at_once(way: str) -> None:
    stream = WRITER.create_run().stream_vnext(300)
    if way == "break":
        async for chunk in stream.aiter(buffer=BOUND):
            if isinstance(chunk, StepOutput):
                break
    elif way == "aclose":
        await stream.aiter(buffer=BOUND).aclose()
        reader: Any = await _pulled(stream)
        await reader.aclose()
    elif way == "async with":
        async with stream.aiter(buffer=BOUND) as reader:
            await pull(reader, 3)
    elif way == "collected":
        reader = await _pulled(stream)
        del reader
    else:
        reading = asyncio.ensure_future(_read_for_ever(stream))
        await turns(50)
        reading.cancel()
        del reading
        await turns()
    gc.collect()
    result = await stream

    assert result.unwrap() == 300
    assert asyncio.get_running_loop().time() == 0


async def _read_for_ever(stream: WorkflowStream[int]) -> None:
    async for chunk in stream.aiter(buffer=BOUND):
        if isinstance(chunk, StepOutput):
            await asyncio.Event().wait()


@virtual
async def test_reader_that_stalls_is_let_go_after_30_s_and_goes_on_where_it_stood() -> None:
    stream = WRITER.create_run().stream_vnext(300)
    reader = stream.aiter(buffer=BOUND)
    first = await pull(reader, 3)
    await stream
    stalled_at = asyncio.get_running_loop().time()
    rest = [chunk async for chunk in reader]

    assert stalled_at == 30
    assert [chunk.seq for chunk in [*first, *rest] if not isinstance(chunk, Gap)] == list(range(304))


@virtual
async def test_reader_that_stalls_is_let_go_whatever_the_clock_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[float] = []
    leave_behind = Paced.leave_behind

    def look(self: Paced, since: float) -> float | None:
        looks.append(since)
        return leave_behind(self, since)

    monkeypatch.setattr(Paced, "leave_behind", look)
    await asyncio.sleep(0.93)  # 30.93 - 30 is a little less
    stream = WRITER.create_run().stream_vnext(300)
    reader = stream.aiter(buffer=BOUND)
    await pull(reader, 3)
    await stream

    assert asyncio.get_running_loop().time() == 30.93
    assert len(looks) == 2


@virtual
async def test_reader_that_moves_within_30_s_is_waited_for() -> None:
    stream = WRITER.create_run().stream_vnext(40)
    reader = stream.aiter(buffer=1)
    count = 0
    async for _ in reader:
        count += 1
        await asyncio.sleep(29)

    assert count == 44
    assert asyncio.get_running_loop().time() == 44 * 29


@virtual
async def test_several_writers_are_paced_each() -> None:
    async def body(_: int, ctx: StepContext) -> int:
        for number in range(50):
            await ctx.write(number)
        return 0

    steps = [create_step(f"step{number}", body) for number in range(5)]
    stream = create_workflow("flow", input=int).parallel(steps).commit().create_run().stream_vnext(1)
    ahead = await read_slowly(stream)

    assert len(ahead) == 5 * 52 + 2
    assert max(ahead) <= BOUND + 5 + 5  # what each has just written, and what no reader paces: ends of steps


# -- who is paced, and who is not --------------------------------------------------------------------------------------


@virtual
async def test_reader_inside_a_step_of_its_own_run_cannot_deadlock_it() -> None:
    seen: list[Chunk] = []

    async def body(count: int, ctx: StepContext) -> int:
        reader = streams[0].aiter(buffer=1)
        seen.extend(await pull(reader, 1))
        for number in range(count):
            await ctx.write(number)
        seen.extend(await pull(reader, 3))
        return count

    streams: list[WorkflowStream[int]] = []
    run = one(body).create_run()
    streams.append(run.stream_vnext(50))
    result = await streams[0]

    assert result.unwrap() == 50
    assert len(seen) == 4
    assert asyncio.get_running_loop().time() == 0


@virtual
async def test_step_of_another_run_may_pace() -> None:
    inner = WRITER.create_run().stream_vnext(100)

    async def body(_: int) -> int:
        count = 0
        async for _chunk in inner.aiter(buffer=BOUND):
            count += 1
            await asyncio.sleep(1)
        return count

    result = await one(body).create_run().stream_vnext(1)

    assert result.unwrap() == 104
    assert asyncio.get_running_loop().time() == 104


def observable(count: int) -> Observable[int]:
    return rx.range(0, count)


async def nowait(count: int, ctx: StepContext) -> int:
    for number in range(count):
        ctx.write_nowait(number)
    return count


UNPACED: dict[str, Numbers] = {"write_nowait": one(nowait), "observable": one(observable, output=Any)}


@pytest.mark.parametrize("who", UNPACED)
@virtual
async def test_what_cannot_wait_is_held_for_the_reader(who: str) -> None:
    stream = UNPACED[who].create_run().stream_vnext(300)
    reader = stream.aiter(buffer=BOUND)
    await pull(reader, 1)
    await stream
    rest = [chunk async for chunk in reader]

    assert len(rest) == 303
    assert asyncio.get_running_loop().time() == 0


@pytest.mark.parametrize("kind", ["thread", "generator", "async generator"])
@virtual
async def test_every_body_that_can_wait_is_paced(kind: str) -> None:
    def thread(count: int, ctx: SyncStepContext) -> int:
        for number in range(count):
            ctx.write(number)
        return count

    def generator(count: int) -> Any:
        yield from range(count)

    async def async_generator(count: int) -> Any:
        for number in range(count):
            yield number

    body = {"thread": thread, "generator": generator, "async generator": async_generator}[kind]
    workflow: Any = create_workflow("flow", input=int).then(create_step("step", body, output=Any)).commit()
    stream = workflow.create_run().stream_vnext(60)
    ahead: list[int] = []
    count = itertools.count(1)
    async for _ in stream.aiter(buffer=BOUND):
        await asyncio.sleep(0.1)
        ahead.append(told(stream) - next(count))

    assert len(ahead) == 64
    assert max(ahead) <= BOUND + 1


@virtual
async def test_subscribers_and_unbounded_readers_pace_nobody() -> None:
    stream = WRITER.create_run().stream_vnext(300)
    hear(stream)
    reader = aiter(stream)
    await pull(reader, 2)
    await stream

    assert asyncio.get_running_loop().time() == 0
    assert len([chunk async for chunk in reader]) == 302
