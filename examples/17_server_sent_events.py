"""A run as server-sent events: the body of an endpoint, and a client that loses its connection and comes back.

With FastAPI or Starlette the endpoint is this:

    @app.get("/orders/{run_id}")
    async def follow(run_id: str, last_event_id: Annotated[int, Header()] = -1) -> StreamingResponse:
        return StreamingResponse(events(run_id, last_event_id), media_type="text/event-stream")
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from rxloom import Runtime, StepContext, create_workflow, step, to_async_iterator
from rxloom.operators import to_sse


@step
async def pack(items: int, ctx: StepContext) -> str:
    """Pack a parcel, and tell about it."""
    for item in range(items):
        await ctx.write(f"item {item}")
        await asyncio.sleep(0)
    return "a parcel"


packing = create_workflow("packing", input=int, output=str).then(pack).commit()
runtime = Runtime(packing)


def events(run_id: str, last_event_id: int = -1) -> AsyncIterator[str]:
    """Give the frames of a run, from the one after the last that the client has seen."""
    run = runtime.run(run_id)
    stream = run.observe_stream_vnext(from_seq=last_event_id + 1)
    return to_async_iterator(stream.pipe(to_sse()))


async def main() -> None:
    """Lose the connection after three frames, and come back for the rest."""
    run = runtime.create_run("packing", run_id="order-7")
    run.stream_vnext(3)

    last_seen = -1
    async for frame in events("order-7"):
        last_seen = int(frame.partition("\n")[0].removeprefix("id: "))
        if last_seen == 2:
            print(f"{frame[:100]}…")
            break  # the connection is lost; the run does not notice
    print(f"back again, with Last-Event-ID: {last_seen}")
    async for frame in events("order-7", last_seen):
        print(*frame.splitlines()[:2], sep=", ")
    await runtime.aclose()


asyncio.run(main())

# Prints:
# id: 2
# event: workflow-step-output
# data: {"type":"workflow-step-output","runId":"order-7","from":"USE…
# back again, with Last-Event-ID: 2
# id: 3, event: workflow-step-output
# id: 4, event: workflow-step-output
# id: 5, event: workflow-step-result
# id: 6, event: workflow-finish
