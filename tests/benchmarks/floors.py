"""The bare work of each row by hand: plain asyncio, chunks as dicts, a queue between the run and its reader."""

from __future__ import annotations

import asyncio
import time
from typing import Any, TypeAlias

Chunks: TypeAlias = "asyncio.Queue[dict[str, Any]]"


def _chunk(type: str, payload: object, source: str = "WORKFLOW") -> dict[str, Any]:
    return {"type": type, "runId": "r", "from": source, "payload": payload}


async def _add(value: int) -> int:
    return value + 1


async def _steps(chunks: Chunks, count: int) -> None:
    chunks.put_nowait(_chunk("workflow-start", {}))
    value = 0
    for number in range(count):
        chunks.put_nowait(_chunk("workflow-step-start", {"id": number, "payload": value}))
        value = await _add(value)
        chunks.put_nowait(_chunk("workflow-step-result", {"id": number, "output": value}))
    chunks.put_nowait(_chunk("workflow-finish", {"result": value}))


async def _read(chunks: Chunks) -> int:
    count = 1
    while (await chunks.get())["type"] != "workflow-finish":
        count += 1
    return count


async def steps(count: int) -> None:
    """Run steps one after another and read the chunks."""
    chunks: Chunks = asyncio.Queue()
    task = asyncio.create_task(_steps(chunks, count))
    await _read(chunks)
    await task


async def concurrent_runs(runs: int, count: int) -> None:
    """Do that many times at once."""
    await asyncio.gather(*[steps(count) for _ in range(runs)])


async def _writes(chunks: Chunks, count: int, *, yielding: bool) -> None:
    for number in range(count):
        chunks.put_nowait(_chunk("workflow-step-output", {"output": number}, "USER"))
        if yielding:
            await asyncio.sleep(0)
    chunks.put_nowait(_chunk("workflow-finish", {}))


async def writes(count: int, *, yielding: bool = False) -> None:
    """Write chunks in one step and read them."""
    chunks: Chunks = asyncio.Queue()
    task = asyncio.create_task(_writes(chunks, count, yielding=yielding))
    await _read(chunks)
    await task


async def concurrent_writes(runs: int, count: int) -> None:
    """Write and read in many runs at once, which take turns after each chunk."""
    await asyncio.gather(*[writes(count, yielding=True) for _ in range(runs)])


async def _arm(chunks: Chunks, number: int, value: int) -> int:
    chunks.put_nowait(_chunk("workflow-step-start", {"id": number, "payload": value}))
    output = await _add(value)
    chunks.put_nowait(_chunk("workflow-step-result", {"id": number, "output": output}))
    return output


async def _fan(chunks: Chunks, width: int) -> None:
    outputs = await asyncio.gather(*[_arm(chunks, number, 0) for number in range(width)])
    chunks.put_nowait(_chunk("workflow-finish", {"result": dict(enumerate(outputs))}))


async def fan_out(width: int) -> None:
    """Run many steps at once, join them, and read the chunks."""
    chunks: Chunks = asyncio.Queue()
    task = asyncio.create_task(_fan(chunks, width))
    await _read(chunks)
    await task


async def first_chunk() -> float:
    """Tell the seconds from the call to the first chunk."""
    began = time.perf_counter()
    chunks: Chunks = asyncio.Queue()
    task = asyncio.create_task(_steps(chunks, 1))
    await chunks.get()
    took = time.perf_counter() - began
    await task
    return took


async def parked_run(gate: asyncio.Event, kept: list[object]) -> None:
    """Start a run of three steps of which the last one waits."""

    async def run() -> None:
        chunks.put_nowait(_chunk("workflow-start", {}))
        value = 0
        for number in range(3):
            chunks.put_nowait(_chunk("workflow-step-start", {"id": number, "payload": value}))
            value = await _add(value)
            if number == 2:
                await gate.wait()
            chunks.put_nowait(_chunk("workflow-step-result", {"id": number, "output": value}))

    chunks: Chunks = asyncio.Queue()
    kept.append((chunks, asyncio.create_task(run())))


async def unread_chunks(count: int) -> list[object]:
    """Write chunks that nobody reads; gives what holds them."""
    chunks: Chunks = asyncio.Queue()
    await _writes(chunks, count, yielding=False)
    return [chunks]


async def run_each(count: int, **_: object) -> None:
    """Run one step for each of so many inputs, one after another, in tasks of their own; nobody reads the chunks."""
    for _number in range(count):
        await asyncio.create_task(_steps(asyncio.Queue(), 1))
