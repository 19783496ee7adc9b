"""Text that a model sends in bursts, told at a steady pace."""

from __future__ import annotations

import asyncio

from reactivex import operators as ops

from rxloom import StepContext, create_workflow, step
from rxloom.operators import smooth, text
from rxloom.testing import virtual_run

BURSTS = [(0.0, "Once upon a time "), (0.9, "there was a loom, "), (0.1, "and it "), (0.8, "wove.")]


@step
async def tell(_: None, ctx: StepContext) -> None:
    """Write as a model does: much at once, then nothing for a while."""
    for wait, words in BURSTS:
        await asyncio.sleep(wait)
        await ctx.write({"type": "text-delta", "payload": {"id": "1", "text": words}})


story = create_workflow("story").then(tell).commit()


async def main() -> None:
    """Show both, with the time at which each piece is told."""
    loop = asyncio.get_running_loop()

    def show(name: str, piece: str) -> None:
        print(f"{loop.time():5.2f} s  {name}  {piece!r}")

    stream = story.create_run().stream_vnext()
    told = stream.pipe(text(), ops.do_action(lambda piece: show("burst ", piece)))
    paced = told.pipe(smooth(0.25, max_pieces=4), ops.do_action(lambda piece: show("smooth", piece)))
    print(await paced.pipe(ops.reduce(str.__add__)))


virtual_run(main())  # in virtual time, so that this takes none; `asyncio.run` anywhere else

# Prints:
#  0.00 s  burst   'Once upon a time '
#  0.00 s  smooth  'Once '
#  0.25 s  smooth  'upon '
#  0.50 s  smooth  'a tim'
#  0.75 s  smooth  'e '
#  0.90 s  burst   'there was a loom, '
#  1.00 s  smooth  'there'
#  1.00 s  burst   'and it '
#  1.25 s  smooth  ' was '
#  1.50 s  smooth  'a loo'
#  1.75 s  smooth  'm, an'
#  1.80 s  burst   'wove.'
#  2.00 s  smooth  'd it '
#  2.25 s  smooth  'wove.'
# Once upon a time there was a loom, and it wove.
