"""A run as a marble diagram: in virtual time, with a fake for the step that would ask the network."""

from __future__ import annotations

import asyncio

from rxloom import Retry, StepContext, create_workflow, step
from rxloom.testing import assert_marbles, in_turn, marbles, run_virtual


@step(retries=Retry(2, delay=0.5))
async def weather(city: str) -> str:
    """Ask a server; no test gets here."""
    raise ConnectionError(f"no network, and no weather in {city}")


@step
async def sights(_: str, ctx: StepContext) -> list[str]:
    """Find one sight a second."""
    found = ["the fortress", "the opera", "the harbour"]
    for sight in found:
        await asyncio.sleep(1)
        await ctx.write(sight)
    return found


@step
async def confirm(plan: dict[str, object], ctx: StepContext) -> str:
    """Ask a person."""
    answer: str = await ctx.suspend({"plan": plan})
    return f"{plan['weather']}, {answer}"


trip = create_workflow("trip", input=str, output=str).parallel([weather, sights]).sleep(1).then(confirm).commit()

run = run_virtual(
    trip,
    "Oslo",
    replace={"weather": in_turn(ConnectionError("reset"), "sunny")},
    resume={"confirm": "let's go"},
)
print(run.result.unwrap(), f"after {run.duration:g} s")
print(marbles(run, unit=0.25, legend=True))

assert_marbles(
    run,
    """
                  0s   1s  2s  3s   4s
    trip          ^------------------?^|
    weather       ^r-|
    sights        ^----o---o---o|
    sleep_trip_0                w~~~|
    confirm                         ^?^|
    """,
    unit=0.25,
)

# Prints:
# sunny, let's go after 4 s
#               0s   1s  2s  3s   4s
# trip          ^------------------?^|
# weather       ^r-|
# sights        ^----o---o---o|
# sleep_trip_0                w~~~|
# confirm                         ^?^|
#
# ^ start   o output   r retry   w waits   ? suspended   | success   - running   ~ waiting
