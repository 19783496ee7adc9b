"""Shuffling what is ready in an event loop, without breaking what asyncio promises."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from random import Random
from typing import Any


def shuffled(handles: Iterable[asyncio.Handle], random: Random) -> Iterator[asyncio.Handle]:
    """Return handles that are ready at the same time in another order, one that could have come as well.

    Steps of tasks, and timers that are due, may come in any order. Two things stay as they are, since asyncio
    promises them: callbacks, those of `call_soon`, keep their order among themselves, and so does whoever waits for
    one and the same future.

    ```text
    ready        A  f  g  B  C        (A, B, C are steps of tasks; f and g callbacks)
    shuffled     f  C  A  g  B
    ```

    Args:
        handles: those that are ready, in asyncio's order.
        random: decides.
    """
    waiting = list(handles)
    after: list[list[int]] = [[] for _ in waiting]
    before = [0] * len(waiting)
    newest: dict[object, int] = {}
    for at, handle in enumerate(waiting):
        for source in _sources(handle):
            if (earlier := newest.get(source)) is not None:
                after[earlier].append(at)
                before[at] += 1
            newest[source] = at
    free = [at for at, number in enumerate(before) if not number]
    while free:
        at = free.pop(random.randrange(len(free)))
        for later in after[at]:
            before[later] -= 1
            if not before[later]:
                free.append(later)
        yield waiting[at]


def _sources(handle: Any) -> Iterator[object]:
    """Name what a handle comes from, for each source that promises an order."""
    if isinstance(handle, asyncio.TimerHandle):
        return
    callback, args = handle._callback, handle._args or ()  # noqa: SLF001 # asyncio has no other way to tell
    if not isinstance(getattr(callback, "__self__", None), asyncio.Task):
        yield "call_soon"
    if len(args) == 1 and isinstance(args[0], asyncio.Future):
        yield args[0]  # its callbacks are given the future, and a task that awaits it is one of them
