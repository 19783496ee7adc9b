"""What closing a runtime does to its legs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from rxloom.errors import RunInterrupted
from rxloom.leg import Leg

logger: logging.Logger = logging.getLogger("rxloom")

LAST_CHANCE = 1.0
"""Seconds that tasks which were cancelled get to end when the runtime is closed."""


async def on_loop_of(leg: Leg, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Await `work` on the loop of a leg, whichever that is."""
    port = leg.execution.port
    if port.is_here():
        await work()
    elif not port.loop.is_closed():
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work(), port.loop))


async def take(leg: Leg) -> None:
    """Take a leg from this process, and wait until its tasks have ended."""
    execution = leg.execution
    tasks: list[asyncio.Task[Any]] = [task for task in execution.tasks if task is not asyncio.current_task()]
    execution.interrupt(RunInterrupted("the runtime was closed", run_id=execution.run_id))
    execution.port.settle()
    if tasks and not execution.loopless:
        _, open_ = await asyncio.wait(tasks, timeout=LAST_CHANCE)
        if open_:
            logger.error("%d tasks of run %s do not end; they are left behind", len(open_), execution.run_id)
