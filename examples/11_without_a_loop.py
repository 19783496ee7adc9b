"""A plain script needs no event loop: the run has its own, and `run()` blocks until the result is there."""

from __future__ import annotations

import threading

from rxloom import StepContext, create_workflow, step


@step
async def ask(question: str, ctx: StepContext) -> int:
    """Be a coroutine, somewhere in the background."""
    await ctx.write("thinking")
    return len(question)


think = create_workflow("think", input=str, output=int).then(ask).commit()

stream = think.create_run().stream_vnext("What is a loom?")
stream.subscribe(lambda chunk: print(chunk.type))
print("result:", stream.result.run().unwrap())
print("on the main thread:", threading.current_thread() is threading.main_thread())

# Prints:
# workflow-start
# workflow-step-start
# workflow-step-output
# workflow-step-result
# workflow-finish
# result: 15
# on the main thread: True
