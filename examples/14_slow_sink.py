"""A sink that takes its time, such as the web socket of a phone, paces the step that writes; memory stays bounded."""

from __future__ import annotations

import asyncio

from rxloom import Runtime, StepContext, WorkflowStream, create_workflow, step
from rxloom.chunks import Gap


class Socket:
    """A connection that needs a moment for each message."""

    sent = 0

    async def send_json(self, message: object) -> None:
        """Send one message."""
        await asyncio.sleep(0.0005 if message else 0)
        self.sent += 1


socket = Socket()
ahead = 0


@step
async def report(lines: int, ctx: StepContext) -> int:
    """Write as fast as it can, which is as fast as the sink can."""
    global ahead  # noqa: PLW0603 - so that this script can show it
    for number in range(lines):
        await ctx.write(f"line {number}")
        ahead = max(ahead, number - socket.sent)
    return lines


async def glance(stream: WorkflowStream[int]) -> tuple[int, int]:
    """Look now and then: this reader is lossy, so that nobody waits for it, and it is told what it missed."""
    seen = missed = 0
    async for chunk in stream.aiter(buffer=8, on_overflow="drop_oldest"):
        await asyncio.sleep(0.02)
        if isinstance(chunk, Gap):
            missed += chunk.data.count
        else:
            seen += 1
    return seen, missed


async def main() -> None:
    """Send a run to the socket, while somebody else looks at it now and then."""
    reporting = create_workflow("reporting", input=int).then(report).commit()
    stream = Runtime(reporting, buffer=100).create_run("reporting").stream_vnext(500)  # it keeps 100 outputs
    glancing = asyncio.create_task(glance(stream))
    async for chunk in stream.aiter(buffer=32):  # this one is lossless, so that `ctx.write` waits for it
        await socket.send_json(chunk.to_wire())
    seen, missed = await glancing
    print(socket.sent, "messages sent, and the step was at most 32 ahead:", ahead <= 32)
    print("who glanced saw less than it missed:", seen < missed, "- and knows of all:", seen + missed == socket.sent)


asyncio.run(main())

# Prints:
# 504 messages sent, and the step was at most 32 ahead: True
# who glanced saw less than it missed: True - and knows of all: True
