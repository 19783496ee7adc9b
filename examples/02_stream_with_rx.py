"""A run is a hot Observable of chunks: every operator of reactivex works on it."""

from __future__ import annotations

import asyncio

from reactivex import operators as ops

from rxloom import Chunk, StepContext, create_workflow, step
from rxloom.chunks import StepOutput


@step
async def weave(rows: int, ctx: StepContext) -> str:
    """Write a chunk per row."""
    for row in range(rows):
        await ctx.write({"row": row, "thread": "red" if row % 2 else "blue"})
    return f"cloth of {rows} rows"


loom = create_workflow("loom", input=int, output=str).then(weave).commit()


def thread_of(chunk: Chunk) -> str:
    """Take out what the step wrote: `isinstance` and `match` narrow a chunk to its class."""
    return chunk.payload.output["thread"] if isinstance(chunk, StepOutput) else ""


async def main() -> None:
    """Three subscribers of one run; the last one joins when everything is over."""
    stream = loom.create_run().stream_vnext(4)

    stream.pipe(
        ops.filter(lambda chunk: chunk.type == "workflow-step-output"),
        ops.map(thread_of),
        ops.distinct_until_changed(),
        ops.reduce(lambda line, thread: f"{line} {thread}", "threads:"),
    ).subscribe(print)
    stream.status.subscribe(lambda status: print("status:", status))

    print("result:", (await stream.result).unwrap())
    stream.pipe(ops.count()).subscribe(lambda n: print("a late subscriber still sees all", n, "chunks"))


asyncio.run(main())

# Prints:
# status: running
# threads: blue red blue red
# status: success
# result: cloth of 4 rows
# a late subscriber still sees all 8 chunks
