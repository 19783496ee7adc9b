"""Measures one thing in a process of its own: `python -m tests.benchmarks.child <what> <who> <how many>`."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import sys
from collections.abc import Awaitable, Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

KB = 1_024
MB = 1_024 * KB


def resident() -> int:
    """Tell how many bytes of memory this process holds."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def live_run(who: ModuleType, count: int) -> float:
    """Tell the KB that one more run takes which has been started and waits in its third step."""
    gate = asyncio.Event()
    kept: list[object] = []

    async def start(runs: int) -> int:
        for _ in range(runs):
            await who.parked_run(gate, kept)
        await asyncio.sleep(0.5)
        return resident()

    before = await start(200)
    after = await start(count)
    return (after - before) / count / KB


async def holding_reader(who: ModuleType, count: int) -> float:
    """Tell the MB grown while chunks are written that nobody takes."""
    hold: Callable[[int], Awaitable[list[object]]] = getattr(who, "held_back", None) or who.unread_chunks
    await hold(1_000)
    before = resident()
    kept = await hold(count)
    after = resident()
    del kept
    return (after - before) / MB


async def late_subscriber(who: ModuleType, count: int) -> float:
    """Tell the seconds in which a late subscriber gets everything."""
    return await who.late_subscriber(count)


async def pulling(who: ModuleType, count: int) -> float:
    """Tell by how many MB the most memory ever held grew while so many items of 10 KB were pulled, in order and not."""

    async def pull(items: int) -> int:
        for ordered in (True, False):
            await who.pulled((number.to_bytes(10_000, "big") for number in range(items)), ordered=ordered)
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KB

    before = await pull(1_000)
    return (await pull(count) - before) / MB


WHAT: dict[str, Callable[[ModuleType, int], Any]] = {
    "live_run": live_run,
    "holding_reader": holding_reader,
    "late_subscriber": late_subscriber,
    "pulling": pulling,
}
WHO = {"floor": "tests.benchmarks.floors", "rxloom": "tests.benchmarks.ours"}


def main(what: str, who: str, count: str) -> None:
    """Measure, print the figure and leave without cleaning up: parked runs would take a while to end."""
    figure = asyncio.Runner().run(WHAT[what](import_module(WHO[who]), int(count)))
    sys.stdout.write(f"{figure}\n")
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
