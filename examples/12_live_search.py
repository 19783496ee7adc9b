"""Live search: each query is a run, and `switch_map` cancels the run of the query before."""

from __future__ import annotations

import asyncio

from reactivex import Observable
from reactivex import operators as ops
from reactivex.scheduler.eventloop import AsyncIOScheduler
from reactivex.subject import Subject

from rxloom import Chunk, RunInfo, StepContext, create_workflow, step
from rxloom.chunks import StepOutput
from rxloom.testing import virtual_run

WORDS = ("loom", "loop", "loud", "lorry", "lookout")


@step
async def look_up(query: str, ctx: StepContext) -> int:
    """Write each word that fits, one every 300 ms."""
    found = [word for word in WORDS if word.startswith(query)]
    for word in found:
        await asyncio.sleep(0.3)
        await ctx.write(word)
    return len(found)


def tell(info: RunInfo) -> None:
    """Tell how a search ended."""
    print(f"  search for {info.input!r}: {info.status}")


search = create_workflow("search", input=str, output=int, on_finish=tell).then(look_up).commit()


def hits(query: str) -> Observable[str]:
    """Start a search that lives as long as somebody listens, and take out what it writes."""
    chunks = search.create_run().stream_vnext(query).cancel_on_dispose()
    return chunks.pipe(ops.filter(lambda chunk: isinstance(chunk, StepOutput)), ops.map(word_of))


def word_of(chunk: Chunk) -> str:
    """Take out what the step wrote."""
    return chunk.payload.output if isinstance(chunk, StepOutput) else ""


async def main() -> None:
    """Type, with a pause now and then; only what stands for 200 ms is looked up."""
    typed: Subject[str] = Subject()
    found = typed.pipe(ops.debounce(0.2), ops.distinct_until_changed(), ops.switch_map(hits))
    found.subscribe(print, scheduler=AsyncIOScheduler(asyncio.get_running_loop()))
    for text, seconds in (("l", 0.1), ("lo", 1.0), ("loo", 0.1), ("look", 2.0)):
        typed.on_next(text)
        await asyncio.sleep(seconds)


virtual_run(main())  # as `asyncio.run(main())`, without the waiting

# Prints:
# loom
# loop
# loud
#   search for 'lo': canceled
# lookout
#   search for 'look': success
