"""`cancel` stops the bodies for real; when it returns, nothing of the run is running any more."""

from __future__ import annotations

import asyncio

from rxloom import Canceled, StepContext, create_workflow, step


@step
async def watch(seconds: float, ctx: StepContext) -> None:
    """Wait for something that never comes, and clean up when it is called off."""
    try:
        await ctx.write("watching")
        await asyncio.sleep(seconds)
    finally:
        print("the step cleans up")


guard = create_workflow("guard", input=float).then(watch).commit()


async def main() -> None:
    """Leaving a stream does not stop a run; cancelling it does, and every step is closed."""
    run = guard.create_run()
    stream = run.stream_vnext(3_600)
    async for chunk in stream:
        if chunk.type == "workflow-step-output":
            break

    await run.cancel("not needed any more")
    result = await stream.result
    assert isinstance(result, Canceled)
    print(result.status, "because", result.reason)
    async for chunk in stream:
        print(chunk.type)


asyncio.run(main())

# Prints:
# the step cleans up
# canceled because not needed any more
# workflow-start
# workflow-step-start
# workflow-step-output
# workflow-step-result
# workflow-canceled
# workflow-finish
