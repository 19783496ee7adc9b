"""`for_each` runs a step for every item of a list, a few at a time, and tells how far it is."""

from __future__ import annotations

import asyncio

from rxloom import create_workflow, step
from rxloom.chunks import StepProgress


@step
async def fetch(page: int) -> str:
    """Pretend that the first page is slow."""
    await asyncio.sleep(0.2 if page == 1 else 0.01)
    if page == 3:
        raise LookupError(f"no page {page}")
    return f"page {page}"


# Without errors="collect" one failing item fails the step, once all its siblings have settled.
crawl = create_workflow("crawl", input=list[int]).for_each(fetch, concurrency=2, errors="collect").commit()


async def main() -> None:
    """Print each item as it settles; the output is in the order of the input all the same."""
    stream = crawl.create_run().stream_vnext([1, 2, 3, 4, 5])
    async for chunk in stream:
        if isinstance(chunk, StepProgress):
            done = chunk.payload
            print(f"{done.completed_count}/{done.total_count} item {done.current_index} {done.iteration_status}")
    print((await stream.result).unwrap())


asyncio.run(main())

# Prints:
# 1/5 item 1 success
# 2/5 item 2 failed
# 3/5 item 3 success
# 4/5 item 4 success
# 5/5 item 0 success
# ['page 1', 'page 2', None, 'page 4', 'page 5']
