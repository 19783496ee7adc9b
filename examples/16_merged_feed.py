"""Three workflows merged into one feed, with the rates per second of each: chunks in, plain Rx out."""

from __future__ import annotations

import asyncio
from collections import Counter

import reactivex as rx
from reactivex import operators as ops

from rxloom import Chunk, StepContext, Workflow, create_step, create_workflow
from rxloom.operators import of_type, progress
from rxloom.testing import virtual_run


def sensor(name: str, per_second: int) -> Workflow[int, int]:
    """Make a workflow that measures something so often, for some seconds."""

    async def measure(seconds: int, ctx: StepContext) -> int:
        for number in range(seconds * per_second):
            await asyncio.sleep(0.5 / per_second)
            await ctx.write({"sensor": name, "number": number})
            await asyncio.sleep(0.5 / per_second)
        return seconds * per_second

    return create_workflow(name, input=int, output=int).then(create_step(name, measure)).commit()


def step_of(chunk: Chunk) -> str:
    """Name the step that wrote."""
    return chunk.payload.id if chunk.type == "workflow-step-output" else ""


async def main() -> None:
    """Run the three for three, two and four seconds."""
    sensors = {sensor("wind", 8): 3, sensor("rain", 2): 2, sensor("light", 25): 4}
    streams = [workflow.create_run().stream_vnext(seconds) for workflow, seconds in sensors.items()]
    feed = rx.merge(*streams).pipe(ops.share())

    # `rx.merge` forgets the scheduler of what it merges; named again, the timer needs no thread.
    feed.pipe(
        of_type("workflow-step-output"),
        ops.map(step_of),
        ops.buffer_with_time(1.0, scheduler=streams[0].scheduler),
        ops.filter(bool),
        ops.map(Counter),
    ).subscribe(lambda rates: print("per second:", *[f"{name} {rates[name]}" for name in sorted(rates)]))
    feed.pipe(progress(total=1), ops.filter(lambda now: now.status == "success")).subscribe(
        lambda now: print(f"a run is over after {now.elapsed:g} s")
    )
    await feed


virtual_run(main())  # in virtual time, so that this takes none; `asyncio.run` anywhere else

# Prints:
# per second: light 25 rain 2 wind 8
# per second: light 25 rain 2 wind 8
# a run is over after 2 s
# per second: light 25 wind 8
# a run is over after 3 s
# per second: light 25
# a run is over after 4 s
