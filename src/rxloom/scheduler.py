"""The Rx scheduler of an event loop: its clock is the loop's, and every thread may use it.

The stock asyncio schedulers read the wall clock, so they know nothing of a loop with virtual time, and each
of them is safe on one side only: on the loop's thread or off it. This one is safe on both, and makes a third
of the objects.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from reactivex.abc import DisposableBase, ScheduledAction
from reactivex.scheduler.eventloop import AsyncIOScheduler
from reactivex.typing import AbsoluteTime, RelativeTime
from typing_extensions import override

__all__ = ["FATAL", "LoopScheduler", "call_on", "hold", "raise_in", "release", "ring", "running_loop", "unheld"]

_State = TypeVar("_State")

FATAL: Final = (KeyboardInterrupt, SystemExit)
"""What is to end the program, and not only what raised it."""


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Return the event loop this code runs in, or `None`."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def call_on(loop: asyncio.AbstractEventLoop, action: Callable[[], object]) -> None:
    """Call `action` in `loop`: at once from inside it, soon from any other place, never if it is closed."""
    if running_loop() is loop:
        action()
        return
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(action)


def ring(bell: asyncio.Future[None]) -> None:
    """Wake whoever awaits `bell`; harmless when that was done, or given up, before. On the thread of its loop."""
    if not bell.done():
        bell.set_result(None)


def raise_in(loop: asyncio.AbstractEventLoop, error: BaseException) -> None:
    """Have whoever runs `loop` get `error`; out of a task nobody awaits, asyncio would report it instead."""
    loop.call_soon(_raise, error)


def _raise(error: BaseException) -> None:
    raise error


def hold(loop: asyncio.AbstractEventLoop) -> None:
    """Let the clock of a loop with virtual time stand still; nothing on any other loop."""
    stand: Callable[[], None] | None = getattr(loop, "hold", None)
    if stand is not None:
        stand()


def release(loop: asyncio.AbstractEventLoop) -> None:
    """Undo one `hold`."""
    go_on: Callable[[], None] | None = getattr(loop, "release", None)
    if go_on is not None:
        go_on()


@contextmanager
def unheld(loop: asyncio.AbstractEventLoop) -> Generator[None]:
    """Let a virtual clock go on, which stands still for a call on a thread, while that call waits for the loop."""
    release(loop)
    try:
        yield
    finally:
        hold(loop)


def _clock_of(loop: asyncio.AbstractEventLoop) -> Callable[[], float]:
    # The stock `time()` only calls this one, and there is a reading for every chunk.
    return time.monotonic if type(loop).time is asyncio.BaseEventLoop.time else loop.time


class _Scheduled(DisposableBase):
    """One action to come: what the loop calls, and what the caller disposes.

    There is no lock. `__call__` writes `_inner` before it reads `_disposed`, `dispose` writes `_disposed`
    before it reads `_inner`; whichever comes second sees the other, and disposing twice does no harm.
    """

    __slots__ = ("_action", "_disposed", "_handle", "_inner", "_scheduler", "_state")

    def __init__(self, scheduler: LoopScheduler, action: ScheduledAction[Any], state: object) -> None:
        self._scheduler = scheduler
        self._action: ScheduledAction[Any] | None = action
        self._state = state
        self._handle: asyncio.Handle | None = None
        self._inner: DisposableBase | None = None
        self._disposed = False

    def __call__(self) -> None:
        action, state = self._action, self._state
        self._action = self._state = self._handle = None
        if action is None:
            return
        inner = action(self._scheduler, state)
        if isinstance(inner, DisposableBase):  # a lambda may return anything
            self._inner = inner
            if self._disposed:
                inner.dispose()

    def arm(self, handle: asyncio.Handle) -> None:
        """Keep the handle of the loop, to take the action back with."""
        self._handle = handle
        if self._action is None:  # run or disposed by now; and the handle holds us, so we must not hold it
            self._drop_handle()

    def arm_at(self, when: float) -> None:
        """Set the timer; runs on the loop's thread for a caller that was on another."""
        if not self._disposed:
            self.arm(self._scheduler.loop.call_at(when, self))

    @override
    def dispose(self) -> None:
        self._disposed = True
        self._action = self._state = None
        inner, self._inner = self._inner, None
        if inner is not None:
            inner.dispose()
        self._drop_handle()

    def _drop_handle(self) -> None:
        handle, self._handle = self._handle, None
        if handle is None or handle.cancelled():
            return
        # Off the loop the flag alone forbids the call; the loop is told, so that it forgets the timer.
        call_on(self._scheduler.loop, handle.cancel)


class LoopScheduler(AsyncIOScheduler):
    """Schedule on an asyncio event loop, by the loop's own clock, from any thread.

    `now` is `loop.time()` put on the wall clock once, when the scheduler is made: it never goes back, jumps of
    the system's clock do not touch it, and with a loop whose time is virtual all timers of Rx are virtual too.
    A loop whose attribute `epoch` (seconds since 1970 at `loop.time() == 0`) is set is taken at its word.

    Actions run in a copy of the `contextvars` context of whoever scheduled them.

    Example:
        >>> import asyncio
        >>> async def main() -> None:
        ...     done = asyncio.Event()
        ...     LoopScheduler(asyncio.get_running_loop()).schedule(lambda *_: done.set())
        ...     await done.wait()
        ...     print("called")
        >>> asyncio.run(main())
        called
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._loop = loop
        self._clock = _clock_of(loop)
        epoch: float | None = getattr(loop, "epoch", None)
        self._epoch = time.time() - loop.time() if epoch is None else float(epoch)
        self._epoch_ms = int(self._epoch * 1000)
        self._zero = datetime.fromtimestamp(self._epoch, UTC)

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop on which everything scheduled here runs."""
        return self._loop

    @property
    @override
    def now(self) -> datetime:
        """The loop's time, as a point on the wall clock."""
        return self._zero + timedelta(seconds=self._clock())

    def epoch_ms(self) -> int:
        """Return the loop's time in whole milliseconds since 1970; it never goes back."""
        # The microsecond makes up for 0.57 * 1000 == 569.9999999999999.
        return self._epoch_ms + int(self._clock() * 1000 + 0.001)

    def on_loop(self) -> bool:
        """Tell whether the caller is on the loop's own thread, inside the running loop."""
        return running_loop() is self._loop

    @override
    def schedule(self, action: ScheduledAction[_State], state: _State | None = None) -> DisposableBase:
        """Run an action soon, on the loop.

        Args:
            action: called with this scheduler and the state; may return a disposable.
            state: handed to the action.

        Returns:
            What takes the action back, or disposes what the action returned. May be disposed on any thread.
        """
        item = _Scheduled(self, action, state)
        call = self._loop.call_soon if self.on_loop() else self._loop.call_soon_threadsafe
        item.arm(call(item))
        return item

    @override
    def schedule_relative(
        self, duetime: RelativeTime, action: ScheduledAction[_State], state: _State | None = None
    ) -> DisposableBase:
        """Run an action on the loop after some time.

        Args:
            duetime: seconds or a timedelta; zero or less means soon.
            action: called with this scheduler and the state; may return a disposable.
            state: handed to the action.

        Returns:
            What takes the action back, or disposes what the action returned. May be disposed on any thread.
        """
        seconds = duetime.total_seconds() if isinstance(duetime, timedelta) else duetime
        if seconds <= 0:
            return self.schedule(action, state)
        return self._at(self._clock() + seconds, action, state)

    @override
    def schedule_absolute(
        self, duetime: AbsoluteTime, action: ScheduledAction[_State], state: _State | None = None
    ) -> DisposableBase:
        """Run an action on the loop at a point in time.

        Args:
            duetime: an aware datetime, or seconds since 1970; the past means soon.
            action: called with this scheduler and the state; may return a disposable.
            state: handed to the action.

        Returns:
            What takes the action back, or disposes what the action returned. May be disposed on any thread.
        """
        # Straight to the loop's clock: by way of `now` it would lose up to a microsecond, and fire early.
        when = (duetime - self._zero).total_seconds() if isinstance(duetime, datetime) else duetime - self._epoch
        if when <= self._clock():
            return self.schedule(action, state)
        return self._at(when, action, state)

    def _at(self, when: float, action: ScheduledAction[_State], state: _State | None) -> DisposableBase:
        item = _Scheduled(self, action, state)
        if self.on_loop():
            item.arm(self._loop.call_at(when, item))
        else:
            self._loop.call_soon_threadsafe(item.arm_at, when)
        return item
