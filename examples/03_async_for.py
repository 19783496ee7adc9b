"""The same stream without Rx: `async for`, with a bound so that a slow reader paces a fast writer."""

from __future__ import annotations

import asyncio

from rxloom import StepContext, create_workflow, step
from rxloom.chunks import StepOutput, WorkflowFinish

written = 0


@step
async def count(limit: int, ctx: StepContext) -> int:
    """Write numbers; `await ctx.write` waits while a bounded reader is behind."""
    global written  # noqa: PLW0603 - so that the reader below can see how far ahead this is
    for number in range(limit):
        written = number + 1
        await ctx.write(number)
    return limit


counting = create_workflow("counting", input=int, output=int).then(count).commit()


async def main() -> None:
    """Read slowly, and watch how far the writer is ahead."""
    stream = counting.create_run().stream_vnext(100)
    ahead = 0
    async for chunk in stream.aiter(buffer=8):
        match chunk:
            case StepOutput():
                await asyncio.sleep(0)
                ahead = max(ahead, written - chunk.payload.output)
            case WorkflowFinish():
                print("finished:", chunk.payload.workflow_status)
            case _:
                print(chunk.type)
    print("the writer was never more than ten ahead:", ahead <= 10)
    print("result:", (await stream.result).unwrap())


asyncio.run(main())

# Prints:
# workflow-start
# workflow-step-start
# workflow-step-result
# finished: success
# the writer was never more than ten ahead: True
# result: 100
