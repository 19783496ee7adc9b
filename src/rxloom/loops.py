"""Event loops as the runtime uses them: the caller's, and a background one for callers that have none."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine
from concurrent.futures import wait
from contextlib import suppress
from typing import Any

from rxloom.ports.offload import Offload
from rxloom.scheduler import LoopScheduler, running_loop


class LoopBinding:
    """An event loop with its one scheduler and the worker threads beside it."""

    __slots__ = ("__weakref__", "_ended", "_now", "_sentry", "loop", "offload", "own_loop", "scheduler")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        offload: Offload,
        ended: Callable[[LoopBinding], None] | None = None,
        *,
        own_loop: bool = False,
    ) -> None:
        """Bind a loop.

        Args:
            loop: the loop.
            offload: the worker threads.
            ended: called when the loop is about to end, or has been closed.
            own_loop: whether it is a background one of ours.
        """
        self.loop: asyncio.AbstractEventLoop = loop
        self.offload: Offload = offload
        self.own_loop: bool = own_loop
        self.scheduler: LoopScheduler = LoopScheduler(loop)
        self._now = self.scheduler.epoch_ms  # one method object for all runs
        self._ended = ended
        self._sentry: AsyncGenerator[None] | None = None

    @property
    def now(self) -> Callable[[], int]:
        """What returns epoch milliseconds by the loop's clock."""
        return self._now

    def call(self, action: Callable[[], None]) -> None:
        """Run `action` on the thread of the loop: now, if this is it."""
        if running_loop() is self.loop or self.loop.is_closed():
            action()
        else:
            self.loop.call_soon_threadsafe(action)

    def watch(self) -> None:
        """Have the end of the loop noticed, from inside it.

        A run that only waits has no task which the end of the loop would cancel. But a loop closes the asynchronous
        generators that were begun in it; so one is begun, and left at its first `yield`.
        """
        self._sentry = _sentry(self.end)
        with suppress(StopIteration):
            anext(self._sentry).__await__().send(None)

    def end(self) -> None:
        """Tell, once, that the loop ends."""
        ended, self._ended = self._ended, None
        if ended is not None:
            ended(self)


async def _sentry(relieved: Callable[[], None]) -> AsyncGenerator[None]:
    try:
        yield
    finally:
        relieved()


class BackgroundLoop:
    """An event loop on a daemon thread of its own."""

    def __init__(self, offload: Offload, ended: Callable[[LoopBinding], None]) -> None:
        """Start the thread and wait until its loop runs."""
        loop = asyncio.new_event_loop()
        self.binding: LoopBinding = LoopBinding(loop, offload, ended, own_loop=True)
        running = threading.Event()
        loop.call_soon(running.set)
        self.thread: threading.Thread = threading.Thread(target=self._run, name="rxloom-loop", daemon=True)
        self.thread.start()
        running.wait()

    def _run(self) -> None:
        loop = self.binding.loop
        asyncio.set_event_loop(loop)
        try:
            loop.run_forever()
        finally:
            self.binding.end()
            tasks = asyncio.all_tasks(loop)
            for task in tasks:
                task.cancel()
            if tasks:
                loop.run_until_complete(asyncio.wait(tasks, timeout=1.0))
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    @property
    def alive(self) -> bool:
        """Whether the thread runs; after a fork it does not."""
        return self.thread.is_alive()

    def wait_for(self, work: Callable[[], Coroutine[Any, Any, None]], seconds: float) -> None:
        """Block until `work` has been carried out, after all that was posted before, or `seconds` have passed."""
        wait([asyncio.run_coroutine_threadsafe(work(), self.binding.loop)], timeout=seconds)

    def stop(self) -> None:
        """Stop the loop and wait for its thread."""
        loop = self.binding.loop
        if self.alive and not loop.is_closed():
            loop.call_soon_threadsafe(loop.stop)
            if threading.current_thread() is not self.thread:
                self.thread.join(timeout=5.0)
