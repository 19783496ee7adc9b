"""Three steps that overlap: each takes an Observable of what the one before gives, while that one goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from reactivex import Observable
from reactivex import operators as ops

from rxloom import create_workflow, step, step_from_operator, to_async_iterator
from rxloom.chunks import StepResult, StepStart

SECOND = 0.05


@step(collect=" ".join, output=str)
async def think(words: int) -> AsyncIterator[str]:
    """Yield a word a second, as a language model does."""
    for number in range(words):
        await asyncio.sleep(SECOND)
        yield f"word-{number}"


# An operator over the items is a step, too.
pairs = step_from_operator("pairs", ops.buffer_with_count(2), observable_input=True, collect=list)


@step(observable_input=True)
async def speak(phrases: Observable[list[str]]) -> int:
    """Need two seconds for a phrase, and begin with the first one."""
    spoken = 0
    async for phrase in to_async_iterator(phrases):
        await asyncio.sleep(len(phrase) * SECOND)
        spoken += 1
    return spoken


async def main() -> None:
    """Run them, and tell what began and ended when."""
    talk = create_workflow("talk", input=int).then(think).then(pairs).then(speak).commit()
    stream = talk.create_run().stream_vnext(6)
    async for chunk in stream:
        if isinstance(chunk, StepStart | StepResult):
            print(chunk.payload.status, chunk.payload.id)
    result = await stream.result
    print(result.unwrap(), "phrases of:", result.steps["think"].output)


asyncio.run(main())

# Prints:
# running think
# running pairs
# running speak
# success think
# success pairs
# success speak
# 3 phrases of: word-0 word-1 word-2 word-3 word-4 word-5
