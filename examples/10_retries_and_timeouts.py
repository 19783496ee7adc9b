"""Retries and timeouts, as options of a step or as Rx operators around its attempts."""

from __future__ import annotations

import asyncio

import reactivex as rx
from reactivex import operators as ops

from rxloom import Failed, Retry, StepContext, create_workflow, step


@step(retries=Retry(3, delay=0.01, backoff=2, retry_on=ConnectionError))
async def flaky(name: str, ctx: StepContext) -> str:
    """Fail twice: `ctx.attempt` counts from 0."""
    if ctx.attempt < 2:
        raise ConnectionError("no answer")
    return f"hello {name}, at attempt {ctx.attempt}"


@step(timeout=0.01)
async def slow(name: str) -> str:
    """Never make it in time."""
    await asyncio.sleep(60)
    return name


# One step still: its attempts run under the operators, and an operator that recovers means success.
patient = slow.with_id("patient").pipe(ops.retry(2), ops.catch(lambda _error, _source: rx.just("a default")))


async def main() -> None:
    """Run the three of them."""
    greet = create_workflow("greet", input=str, output=str).then(flaky).commit()
    stream = greet.create_run().stream_vnext("Ada")
    async for chunk in stream:
        if chunk.type == "workflow-step-retry":
            coming = chunk.payload
            print(f"attempt {coming.attempt} comes in {coming.delay_ms} ms: {coming.error.message}")
    print((await stream.result).unwrap())

    late = await create_workflow("late", input=str).then(slow).commit().create_run().start("Ada")
    assert isinstance(late, Failed)
    print(late.error.name)

    print((await create_workflow("calm", input=str).then(patient).commit().create_run().start("Ada")).unwrap())


asyncio.run(main())

# Prints:
# attempt 1 comes in 10 ms: no answer
# attempt 2 comes in 20 ms: no answer
# hello Ada, at attempt 2
# StepTimeout
# a default
