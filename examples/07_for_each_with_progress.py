"""`for_each` runs a step for every item of a list, a few at a time, and tells how far it is."""

from __future__ import annotations

import asyncio

from rxloom import create_workflow, step
from rxloom.chunks import StepProgress


@step
async def fetch(page: int) -> str:
    """Pretend that later pages are faster."""
    await asyncio.sleep(0.02 / page)
    if page == 3:
        raise LookupError(f"no page {page}")
    return f"page {page}"


# Without errors="collect" one failing item fails the step, once all its siblings have settled.
crawl = (
    create_workflow("crawl", input=list[int], output=list[str | None])
    .for_each(fetch, concurrency=2, errors="collect")
    .commit()
)


async def main() -> None:
    """Print each item as it settles; the output is in the order of the input all the same."""
    stream = crawl.create_run().stream_vnext([1, 2, 3, 4, 5])
    async for chunk in stream:
        if isinstance(chunk, StepProgress):
            done = chunk.payload
            print(f"{done.completed_count}/{done.total_count} item {done.current_index} {done.iteration_status}")
    print((await stream.result).unwrap())


asyncio.run(main())
