"""As much of an event loop as the engine needs, on an Rx scheduler: so a run needs no event loop.

The engine is made of callbacks and tasks. Both need little of a loop: something that calls soon, something that calls
later, a clock. Here the scheduler does all three; there is no selector, no socket, no thread, and nothing happens but
in actions of the scheduler.
"""

from __future__ import annotations

import asyncio
import logging
from asyncio import Future, Handle, Task, TimerHandle
from asyncio.events import (
    _get_running_loop,  # pyright: ignore[reportPrivateUsage] # asyncio made these two for those who implement a loop
    _set_running_loop,  # pyright: ignore[reportPrivateUsage]
)
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context
from functools import partial
from typing import Any, TypeVar, TypeVarTuple, cast

from reactivex.abc import DisposableBase, SchedulerBase
from reactivex.scheduler.scheduler import Scheduler
from typing_extensions import override

__all__ = ["SchedulerLoop"]

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")

_TURN = 1000
"""After so many calls other actions of the scheduler get a turn."""

_logger = logging.getLogger("rxloom")


class SchedulerLoop(asyncio.AbstractEventLoop):
    """The calls and tasks of runs, carried out in actions of a scheduler.

    All that is to be called soon is called in one action: a `TestScheduler` moves its clock after a hundred actions at
    the same time. It belongs to the thread on which the scheduler runs its actions.

    Args:
        scheduler: carries everything out, and is the clock.

    Attributes:
        epoch: seconds since 1970 at `time() == 0`.
    """

    def __init__(self, scheduler: SchedulerBase) -> None:
        self._scheduler = cast("Scheduler", scheduler)  # the interface has no `to_seconds`, which all of them have
        self._ready: deque[Handle] = deque()
        self._timers: dict[Handle, DisposableBase] = {}
        self._awaited = False
        self.epoch: float = 0.0

    # -- what tasks and schedulers need ------------------------------------------------------------------------------

    @override
    def time(self) -> float:
        return self._scheduler.to_seconds(self._scheduler.now)

    @override
    def call_soon(self, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None) -> Handle:
        handle = Handle(callback, args, self, context)
        self._ready.append(handle)
        self._go_on()
        return handle

    @override
    def call_soon_threadsafe(
        self, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> Handle:
        return self.call_soon(callback, *args, context=context)

    @override
    def call_later(
        self, delay: float, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> TimerHandle:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    @override
    def call_at(
        self, when: float, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> TimerHandle:
        handle = TimerHandle(when, callback, args, self, context)
        self._timers[handle] = self._scheduler.schedule_absolute(when, partial(self._ring, handle))
        return handle

    def _ring(self, handle: Handle, *_: object) -> None:
        if self._timers.pop(handle, None) is not None:
            self._ready.append(handle)
            self.drain()

    def _timer_handle_cancelled(self, handle: Handle) -> None:
        timer = self._timers.pop(handle, None)
        if timer is not None:
            timer.dispose()

    @override
    def create_future(self) -> Future[Any]:
        return Future(loop=self)

    @override
    def create_task(
        self, coro: Generator[Any, None, _T] | Coroutine[Any, Any, _T], *, name: str | None = None,
        context: Context | None = None,
    ) -> Task[_T]:  # fmt: skip
        return Task(coro, loop=self, name=name, context=context)

    @override
    def is_running(self) -> bool:
        return _get_running_loop() is self

    @override
    def is_closed(self) -> bool:
        return False

    @override
    def get_debug(self) -> bool:
        return False

    @override
    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Log what nobody has caught, but for tasks that are left: a test just does not start its scheduler again."""
        if "exception" in context:
            _logger.error(context["message"], exc_info=context["exception"])

    # -- carrying out ------------------------------------------------------------------------------------------------

    def _go_on(self) -> None:
        if not self._awaited:
            self._awaited = True
            self._scheduler.schedule(self._act)

    def _act(self, *_: object) -> None:
        self.drain()

    def drain(self) -> None:
        """Call what is ready, and what becomes ready by that."""
        self._awaited = True  # while this goes on, nobody has to be asked for another action
        before = _get_running_loop()
        _set_running_loop(self)
        try:
            for _ in range(_TURN):
                if not self._ready:
                    break
                handle = self._ready.popleft()
                if not handle.cancelled():
                    handle._run()  # noqa: SLF001 # as a loop does
        finally:
            _set_running_loop(before)
            self._awaited = False
            if self._ready:
                self._go_on()
