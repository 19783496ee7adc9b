"""A sensor in windows: `as_operator` runs a workflow for each window, at most four at once, and keeps the order."""

from __future__ import annotations

import asyncio
from statistics import mean

import reactivex as rx
from reactivex import operators as ops

from rxloom import Chunk, create_workflow, step
from rxloom.testing import virtual_run


@step(inline=True)
def average(window: list[float]) -> float:
    """Fold the readings of a window."""
    return mean(window)


@step
async def judge(celsius: float) -> str:
    """Ask a model that is slow where it is hot."""
    await asyncio.sleep(2.5 if celsius < 30 else 4)
    return f"{celsius:.1f} °C {'ALARM' if celsius >= 30 else 'ok'}"


analysis = create_workflow("analysis", input=list[float], output=str).then(average).then(judge).commit()

open_runs = most_open = 0


def count(chunk: Chunk) -> None:
    """Count the runs that are open."""
    global open_runs, most_open  # noqa: PLW0603 - a script
    open_runs += {"workflow-start": 1, "workflow-finish": -1}.get(chunk.type, 0)
    most_open = max(most_open, open_runs)


async def main() -> None:
    """Read 60 times, every 100 ms; each second is a window."""
    sensor = rx.interval(0.1).pipe(ops.map(lambda n: 20 + (n % 30) / 2), ops.take(60))
    verdicts = sensor.pipe(ops.buffer_with_count(10), analysis.as_operator(max_concurrency=4, on_chunk=count))
    await verdicts.pipe(ops.do_action(print))
    print("never more than", most_open, "runs were open")


virtual_run(main())  # as `asyncio.run(main())`, without the waiting

# Prints:
# 22.2 °C ok
# 27.2 °C ok
# 32.2 °C ALARM
# 22.2 °C ok
# 27.2 °C ok
# 32.2 °C ALARM
# never more than 4 runs were open
