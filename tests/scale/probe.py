"""Memory, measured in a process of its own: `python -m tests.scale.probe <what>` prints the bytes it grew by."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from rxloom import Runtime, StepContext
from rxloom.chunks import StepOutput
from tests.scale.workflows import chain, one, write


def resident() -> int:
    """Tell how many bytes of memory this process holds."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def chunks() -> int:
    """Write a million chunks through a log that keeps a thousand, with a reader that follows."""
    runtime = Runtime(one(write, "writer"), buffer=1_000)

    async def run(count: int) -> None:
        stream = runtime.create_run("writer").stream_vnext(count)
        got = 0
        async for _chunk in stream.aiter(buffer=1_000):
            got += 1
        assert got == count + 4, got
        (await stream.result).unwrap()

    await run(10_000)
    before = resident()
    await run(1_000_000)
    return resident() - before


async def paced() -> int:
    """Write a hundred thousand chunks to a reader that takes one a turn, and see how far the writer gets ahead."""
    written = 0

    async def write_counting(count: int, ctx: StepContext) -> None:
        nonlocal written
        for written in range(count):
            await ctx.write(written)

    runtime = Runtime(one(write_counting, "writer"), buffer=64)

    async def run(count: int) -> None:
        nonlocal written
        written = got = 0
        async for chunk in runtime.create_run("writer").stream_vnext(count).aiter(buffer=64):
            if isinstance(chunk, StepOutput):
                got += 1
                assert written - chunk.payload.output <= 65, written
            await asyncio.sleep(0)  # the writer could write thousands in this turn
        assert got == count, got

    await run(1_000)
    before = resident()
    await run(100_000)
    return resident() - before


async def runs() -> int:
    """Make ten thousand runs, and see what the last eight thousand of them left."""
    workflow = chain(3)

    async def run(count: int) -> None:
        for number in range(count):
            stream = workflow.create_run().stream_vnext(number)
            async for _chunk in stream:
                pass
            (await stream.result).unwrap()

    await run(2_000)
    before = resident()
    await run(8_000)
    return resident() - before


PROBES: dict[str, Callable[[], Coroutine[Any, Any, int]]] = {"chunks": chunks, "paced": paced, "runs": runs}

if __name__ == "__main__":
    sys.stdout.write(f"{asyncio.Runner().run(PROBES[sys.argv[1]]())}\n")
