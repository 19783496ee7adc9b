"""A reader that is slow, lossy, stalled or gone is nobody else's problem."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator

from rxloom import StepContext
from rxloom.chunks import Chunk, Gap, StepOutput
from tests.hearing import WRITER, one
from tests.play import turns
from tests.virtual import virtual

COUNT = 2_000
BOUND = 16


async def read_all(reader: AsyncIterator[Chunk], pause: float) -> tuple[float, int, int]:
    """Read to the end, and tell when that was, how many outputs there were, and how many chunks were dropped."""
    outputs = dropped = 0
    async for chunk in reader:
        if isinstance(chunk, StepOutput):
            outputs += 1
        elif isinstance(chunk, Gap):
            dropped += chunk.data.count
        await asyncio.sleep(pause)
    return asyncio.get_running_loop().time(), outputs, dropped


async def write_each_millisecond(count: int, ctx: StepContext) -> int:
    """Write a number each millisecond."""
    for number in range(count):
        await ctx.write(number)
        await asyncio.sleep(0.001)
    return count


@virtual
async def test_a_fast_reader_beside_a_slow_lossy_one_is_not_slowed() -> None:
    stream = one(write_each_millisecond).create_run().stream_vnext(COUNT)
    fast, slow = await asyncio.gather(
        read_all(stream.aiter(buffer=BOUND), 0), read_all(stream.aiter(buffer=BOUND, on_overflow="drop_oldest"), 1)
    )

    assert fast == (COUNT / 1000, COUNT, 0)
    assert slow[1] < 50
    assert slow[1] + slow[2] in range(COUNT, COUNT + 5)


@virtual
async def test_a_lossy_reader_that_stays_slow_is_told_a_chunk_after_each_gap() -> None:
    stream = one(write_each_millisecond).create_run().stream_vnext(COUNT)
    kinds: list[str] = []
    async for chunk in stream.aiter(buffer=BOUND, on_overflow="drop_oldest"):
        kinds.append("gap" if isinstance(chunk, Gap) else "chunk")
        await asyncio.sleep(0.1)

    assert kinds[1:19] == ["gap", "chunk"] * 9


@virtual
async def test_a_slow_lossless_reader_paces_the_writer_and_so_everybody() -> None:
    stream = one(write_each_millisecond).create_run().stream_vnext(100)
    fast, slow = await asyncio.gather(read_all(stream.aiter(buffer=BOUND), 0), read_all(stream.aiter(buffer=BOUND), 1))

    assert (fast[1:], slow[1:]) == ((100, 0), (100, 0))
    assert fast[0] > 80


@virtual
async def test_a_stalled_a_left_and_a_collected_reader_cost_the_others_thirty_seconds_at_most() -> None:
    stream = WRITER.create_run().stream_vnext(COUNT)
    stalled, left, lost = (stream.aiter(buffer=BOUND) for _ in range(3))
    for reader in (stalled, left, lost):
        await anext(reader)
    await left.aclose()
    del lost
    gc.collect()
    await turns()
    ended_at, outputs, _ = await read_all(stream.aiter(buffer=BOUND), 0)

    assert ended_at == 30
    assert outputs == COUNT
