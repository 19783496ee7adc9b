"""`do_until` and `do_while` feed the output of a step back to it, in constant memory and constant stack."""

from __future__ import annotations

import asyncio

from rxloom import StepContext, create_workflow, step


@step
async def halve(n: int, ctx: StepContext) -> int:
    """Count the rounds with `ctx.iteration`, which starts at 1."""
    await ctx.write(f"round {ctx.iteration}: {n}")
    return n // 2


@step
async def double(n: int) -> int:
    """Run until the condition stops being true."""
    return n * 2


there_and_back = (
    create_workflow("there_and_back", input=int, output=int)
    .do_until(halve, lambda n: n <= 1)
    .do_while(double, lambda n: n < 1_000, max_iterations=100)
    .commit()
)


async def main() -> None:
    """Show what the rounds wrote, then the result."""
    stream = there_and_back.create_run().stream_vnext(40)
    async for chunk in stream:
        if chunk.type == "workflow-step-output":
            print(chunk.payload.output)
    print("result:", (await stream.result).unwrap())


asyncio.run(main())

# Prints:
# round 1: 40
# round 2: 20
# round 3: 10
# round 4: 5
# round 5: 2
# result: 1024
