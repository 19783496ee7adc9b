"""Leaving, over and over: on threads and in finalizers, at any moment of a run."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable, Sequence
from typing import Any

from reactivex.abc import DisposableBase, ObserverBase

from rxloom import Workflow, create_step, create_workflow
from rxloom.ports import runtime as runtimes
from tests.hearing import Heard
from tests.play import turns

BATCH = 100
THREADS = 4


class Work:
    """A workflow whose step takes some turns of the loop, and counts.

    Attributes:
        workflow: takes a number, and gives it back.
        started: how many steps were begun.
        ended: how many of them are over.
    """

    def __init__(self) -> None:
        """Make one that has done nothing."""
        self.started = self.ended = 0
        body = create_step("work", self._work)
        self.workflow: Workflow[int, int] = create_workflow("work", input=int, output=int).then(body).commit()

    async def _work(self, number: int) -> int:
        self.started += 1
        try:
            for _ in range(number % 7):
                await asyncio.sleep(0)
        finally:
            self.ended += 1
        return number


class Forgotten:
    """Disposes a subscription when the collector finds it."""

    def __init__(self, subscription: DisposableBase) -> None:
        """Be a cycle, so that only the collector frees this."""
        self.itself = self
        self._subscription = subscription

    def __del__(self) -> None:
        """Dispose it, wherever the collector runs."""
        self._subscription.dispose()


async def leave_often(count: int, subscribe: Callable[[int, ObserverBase[Any]], DisposableBase]) -> list[str]:
    """Subscribe so many times, and dispose half of it on threads and half in finalizers.

    Args:
        count: how many times.
        subscribe: called with a number and an observer.

    Returns:
        Calls that came at the wrong time, what the loop was told of, and runs that are still live.
    """
    wrong: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: wrong.append(repr(context)))
    for first in range(0, count, BATCH):
        wrong += await _leave(first, subscribe)
    gc.collect()
    live = runtimes.current().registry.live
    for _ in range(100):
        if live:
            await turns()
    loop.set_exception_handler(None)
    return [*wrong, *live]


async def _leave(first: int, subscribe: Callable[[int, ObserverBase[Any]], DisposableBase]) -> list[str]:
    heard: list[Heard[Any]] = [Heard() for _ in range(BATCH)]
    subscriptions = [subscribe(first + n, one) for n, one in enumerate(heard)]
    shares = [subscriptions[2 * n :: 2 * THREADS] for n in range(THREADS)]
    threads = [threading.Thread(target=_dispose, args=(share,)) for share in shares]
    await turns(first // BATCH % 5)
    for thread in threads:
        thread.start()
    for subscription in subscriptions[1::2]:
        Forgotten(subscription)
        await asyncio.sleep(0)
    gc.collect(1)
    for thread in threads:
        thread.join()
    told = [(one, len(one.items)) for one in heard]
    await turns()
    late = [f"{len(one.items) - count} items after it was disposed" for one, count in told if len(one.items) > count]
    return [*late, *(call for one in heard for call in one.wrong)]


def _dispose(subscriptions: Sequence[DisposableBase]) -> None:
    for subscription in subscriptions:
        subscription.dispose()
