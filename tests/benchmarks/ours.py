"""The rows on rxloom, with everything on: pydantic models in and out, the memory store, the whole run streamed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from reactivex import operators as ops
from reactivex.subject import Subject

from rxloom import Runtime, Step, StepContext, Workflow, create_step, create_workflow


class Item(BaseModel):
    """What goes in and out of each step."""

    value: int


class Count(BaseModel):
    """How many chunks to write."""

    chunks: int


async def _add(item: Item) -> Item:
    return Item(value=item.value + 1)


async def _write(count: Count, ctx: StepContext) -> Count:
    for number in range(count.chunks):
        await ctx.write(number)
    return count


async def _write_and_yield(count: Count, ctx: StepContext) -> Count:
    for number in range(count.chunks):
        await ctx.write(number)
        await asyncio.sleep(0)
    return count


async def _write_nowait(count: Count, ctx: StepContext) -> Count:
    for number in range(count.chunks):
        ctx.write_nowait(number)
    return count


def chain(length: int) -> Workflow[Item, Item]:
    """Steps one after another."""
    builder: Any = create_workflow("chain", input=Item, output=Item)
    for number in range(length):
        builder = builder.then(create_step(f"add{number}", _add))
    return builder.commit()


def fan(width: int) -> Workflow[Item, Any]:
    """Steps side by side."""
    arms = [create_step(f"add{number}", _add) for number in range(width)]
    return create_workflow("fan", input=Item).parallel(arms).commit()


def writer(step: Step[Count, Count]) -> Workflow[Count, Count]:
    """One step that writes."""
    return create_workflow("writer", input=Count, output=Count).then(step).commit()


ONE, TEN, HUNDRED, THREE = chain(1), chain(10), chain(100), chain(3)
FAN = fan(100)
WRITER = writer(create_step("write", _write))
YIELDING_WRITER = writer(create_step("write", _write_and_yield))
NOWAIT_WRITER = writer(create_step("write", _write_nowait))


async def streamed(workflow: Workflow[Any, Any], given: BaseModel) -> int:
    """Run a workflow, read every chunk, and check that it succeeded."""
    stream = workflow.create_run().stream_vnext(given)
    count = 0
    async for _chunk in stream:
        count += 1
    (await stream.result).unwrap()
    return count


async def steps(workflow: Workflow[Item, Item]) -> None:
    """Run steps one after another and read the chunks."""
    await streamed(workflow, Item(value=0))


async def concurrent_runs(runs: int) -> None:
    """Run three steps many times at once."""
    await asyncio.gather(*[steps(THREE) for _ in range(runs)])


async def writes(count: int) -> None:
    """Write chunks in one step and read them."""
    await streamed(WRITER, Count(chunks=count))


async def concurrent_writes(runs: int, count: int) -> None:
    """Write and read in many runs at once, which take turns after each chunk."""
    await asyncio.gather(*[streamed(YIELDING_WRITER, Count(chunks=count)) for _ in range(runs)])


async def fan_out() -> None:
    """Run many steps at once, join them, and read the chunks."""
    await streamed(FAN, Item(value=0))


async def first_chunk() -> float:
    """Tell the seconds from the call to the first chunk."""
    given = Item(value=0)
    began = time.perf_counter()
    stream = ONE.create_run().stream_vnext(given)
    chunks = aiter(stream)
    await anext(chunks)
    took = time.perf_counter() - began
    async for _chunk in chunks:
        pass
    return took


async def parked_run(gate: asyncio.Event, kept: list[object]) -> None:
    """Start a run of three steps of which the last one waits."""

    async def wait(item: Item) -> Item:
        await gate.wait()
        return item

    if not kept:
        steps_ = create_workflow("parked", input=Item, output=Item)
        first = create_step("add0", _add)
        second = create_step("add1", _add)
        kept.append(steps_.then(first).then(second).then(create_step("wait", wait)).commit())
    workflow: Any = kept[0]
    kept.append(workflow.create_run().stream_vnext(Item(value=0)))


async def held_back(count: int) -> list[object]:
    """Write chunks to a reader that takes one and then holds still; gives what holds the rest."""
    bounded = Runtime(NOWAIT_WRITER, buffer=1_000)
    stream = bounded.create_run("writer").stream_vnext(Count(chunks=count))
    reader = stream.aiter(buffer=1_000, on_overflow="drop_oldest")
    await anext(reader)
    (await stream.result).unwrap()
    return [bounded, stream, reader]


async def late_subscriber(count: int) -> float:
    """Tell the seconds in which a subscriber that comes late gets all chunks of a run."""
    stream = NOWAIT_WRITER.create_run().stream_vnext(Count(chunks=count))
    await stream.result
    got = 0

    def on_next(_chunk: object) -> None:
        nonlocal got
        got += 1

    began = time.process_time()
    subscription = stream.subscribe(on_next)
    took = time.process_time() - began
    subscription.dispose()
    if got < count:
        message = f"{got} chunks instead of {count}"
        raise RuntimeError(message)
    return took


def _increment(number: int) -> int:
    return number + 1


def _same(item: bytes) -> bytes:
    return item


INLINE = create_workflow("inline", input=int, output=int).then(create_step("add", _increment, inline=True)).commit()
SAME = create_workflow("same", input=bytes, output=bytes).then(create_step("same", _same, inline=True)).commit()


async def run_each(count: int, *, limit: int = 1, ordered: bool = True) -> None:
    """Run an inline step for each of so many inputs of an Observable, and count the outputs."""
    source: Subject[int] = Subject()
    over = asyncio.Event()
    outputs: list[int] = []
    operator = INLINE.as_operator(max_concurrency=limit, ordered=ordered)
    source.pipe(operator).subscribe(outputs.append, on_completed=over.set)
    for number in range(count):
        source.on_next(number)
    source.on_completed()
    await over.wait()
    assert sum(outputs) == count * (count + 1) // 2


async def pulled(items: Iterable[bytes], *, ordered: bool) -> None:
    """Run an inline step for each item that is pulled, and drop the outputs."""
    await SAME.map_async(items, max_concurrency=8, ordered=ordered).pipe(ops.last())
