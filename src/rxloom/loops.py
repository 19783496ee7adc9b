"""Event loops as the runtime uses them: the caller's, and a background one for callers that have none."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine
from concurrent.futures import wait
from contextlib import suppress
from typing import Any, Self

from reactivex.abc import SchedulerBase
from reactivex.scheduler import (
    CurrentThreadScheduler,
    EventLoopScheduler,
    ImmediateScheduler,
    NewThreadScheduler,
    ThreadPoolScheduler,
    TimeoutScheduler,
    TrampolineScheduler,
)
from reactivex.scheduler.eventloop import AsyncIOScheduler
from typing_extensions import override

from rxloom.errors import NoEventLoop
from rxloom.loopless import SchedulerLoop
from rxloom.ports.offload import Offload
from rxloom.scheduler import LoopScheduler, running_loop


class LoopBinding:
    """An event loop with its one scheduler and the worker threads beside it.

    Attributes:
        loopless: whether there is a scheduler in its place, so that no coroutine and no thread can be waited for.
    """

    loopless: bool = False
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

    def open(self) -> Self:
        """Return this.

        Raises:
            NoEventLoop: when the loop is closed.
        """
        if self.loop.is_closed():
            raise NoEventLoop("the event loop whose scheduler the runtime was given is closed")
        return self

    def is_here(self) -> bool:
        """Tell whether what belongs to the loop may be touched from here."""
        return running_loop() is self.loop

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

    def settle(self) -> None:
        """Carry out what is ready, where nobody else does."""

    def end(self) -> None:
        """Tell, once, that the loop ends."""
        ended, self._ended = self._ended, None
        if ended is not None:
            ended(self)


class SchedulerBinding(LoopBinding):
    """A scheduler that is no loop's, and stands in for one."""

    __slots__ = ("_stand_in",)

    loopless: bool = True

    def __init__(self, scheduler: SchedulerBase, offload: Offload) -> None:
        """Bind a scheduler."""
        self._stand_in = SchedulerLoop(scheduler)
        super().__init__(self._stand_in, offload)

    @override
    def is_here(self) -> bool:
        return True

    @override
    def call(self, action: Callable[[], None]) -> None:
        action()

    @override
    def settle(self) -> None:
        self._stand_in.drain()


_ELSEWHERE = (
    CurrentThreadScheduler,
    EventLoopScheduler,
    ImmediateScheduler,
    NewThreadScheduler,
    ThreadPoolScheduler,
    TimeoutScheduler,
    TrampolineScheduler,
)
"""Schedulers that start threads, or block the caller's instead of waiting."""


def bound(scheduler: SchedulerBase, offload: Offload, ended: Callable[[LoopBinding], None]) -> LoopBinding:
    """Bind what a runtime was given to run on.

    Raises:
        ValueError: when it runs its actions on other threads, or blocks to wait.
    """
    if isinstance(scheduler, _ELSEWHERE):
        raise ValueError(  # noqa: TRY004 # its type is right
            f"runs cannot live on a {type(scheduler).__name__}: it starts threads or blocks its caller. Leave "
            "`scheduler` out, or give the scheduler of an asyncio loop, of a user interface, or a TestScheduler"
        )
    if not isinstance(scheduler, AsyncIOScheduler):
        return SchedulerBinding(scheduler, offload)
    loop: asyncio.AbstractEventLoop = scheduler._loop  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] # the stock one has no other name for it
    binding = LoopBinding(loop, offload, ended)
    if binding.is_here():
        binding.watch()
    else:
        loop.call_soon_threadsafe(binding.watch)
    return binding


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
