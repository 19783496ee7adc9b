"""A committed workflow is a step: its chunks appear in the parent's stream under a longer path."""

from __future__ import annotations

import asyncio

from rxloom import create_workflow, step


@step
async def clean(line: str) -> str:
    """Take the blanks away."""
    return line.strip()


@step
async def shout(line: str) -> str:
    """Make it loud."""
    return line.upper()


@step
async def join(lines: list[str]) -> str:
    """Make one text again."""
    return " / ".join(lines)


polish = create_workflow("polish", input=str, output=str).then(clean).then(shout).commit()
poem = create_workflow("poem", input=list[str], output=str).for_each(polish, concurrency=2).then(join).commit()


async def main() -> None:
    """Show the path of each step that starts."""
    stream = poem.create_run().stream_vnext(["  over ", " under"])
    async for chunk in stream:
        if chunk.type == "workflow-step-start":
            print(chunk.payload.id)
    print((await stream.result).unwrap())
    print(poem.to_mermaid().splitlines()[0])


asyncio.run(main())

# Prints:
# polish
# polish[0].clean
# polish[1].clean
# polish[0].shout
# polish[1].shout
# join
# OVER / UNDER
# flowchart TD
