"""Waiting for the last value of an Observable, on any event loop or by blocking a thread."""

from __future__ import annotations

import asyncio
import threading
from abc import abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Generic, TypeVar, cast

from reactivex.abc import DisposableBase, ObservableBase, ObserverBase, SchedulerBase
from reactivex.internal.exceptions import SequenceContainsNoElementsError
from typing_extensions import override

from rxloom.errors import NoEventLoop, RunInterrupted, WrongLoop
from rxloom.loopless import SchedulerLoop
from rxloom.scheduler import FATAL, call_on, ring, running_loop

__all__ = ["block_for_last", "last_of", "last_told"]

_T = TypeVar("_T")


async def last_of(source: ObservableBase[_T]) -> _T:
    """Wait for the end of a sequence, on the running loop, and return its last value.

    The sequence may end on any thread. Being cancelled disposes the subscription.

    Args:
        source: what to wait for; it is subscribed without a scheduler.

    Raises:
        SequenceContainsNoElementsError: the sequence was empty.
        Exception: whatever the sequence ended with.
    """
    return await last_told(source.subscribe)


async def last_told(subscribe: Callable[[ObserverBase[_T]], DisposableBase]) -> _T:
    """Wait for the end of what `subscribe` tells an observer, and return its last value; see `last_of`."""
    waiting: _Awaiting[_T] = _Awaiting(asyncio.get_running_loop())
    subscription = subscribe(waiting)
    try:
        if not waiting.ended:
            await waiting.woken
    finally:
        subscription.dispose()
    return waiting.take()


def block_for_last(source: ObservableBase[_T], scheduler: SchedulerBase | None = None) -> _T:
    """Block this thread until the end of a sequence and return its last value.

    Args:
        source: what to wait for.
        scheduler: for the subscription.

    Raises:
        WrongLoop: this thread runs an event loop, which must not be blocked.
        NoEventLoop: the end is yet to come, and only a scheduler that is no loop's can bring it.
        SequenceContainsNoElementsError: the sequence was empty.
        KeyboardInterrupt: pressed while waiting, or what interrupted the run.
        SystemExit: what interrupted the run.
        Exception: whatever the sequence ended with.
    """
    if running_loop() is not None:
        raise WrongLoop(
            "run() blocks its thread until the end, and this thread runs an event loop, which would stand still: "
            "use `await` here, or call run() on a thread of its own (`await asyncio.to_thread(stream.result.run)`)"
        )
    waiting: _Blocking[_T] = _Blocking()
    subscription = source.subscribe(waiting, scheduler=scheduler)
    try:
        if not waiting.ended and isinstance(getattr(scheduler or source, "loop", None), SchedulerLoop):
            raise NoEventLoop(
                "run() would wait for ever: nothing of this run happens before its scheduler goes on. Start that, "
                "then call run() for what the run has come to"
            )
        waiting.wait()
    finally:
        subscription.dispose()
    return waiting.take()


class _Last(ObserverBase[_T], Generic[_T]):
    """Keeps the last value, or the error, and notifies once at the end."""

    __slots__ = ("_error", "_value", "_values", "ended")

    def __init__(self) -> None:
        self._error: Exception | None = None
        self._value: _T | None = None
        self._values = False
        self.ended = False

    @override
    def on_next(self, value: _T) -> None:
        self._value = value
        self._values = True

    @override
    def on_error(self, error: Exception) -> None:
        self._error = error
        self.ended = True
        self.notify()

    @override
    def on_completed(self) -> None:
        self.ended = True
        self.notify()

    @abstractmethod
    def notify(self) -> None:
        """Wake whoever waits; called on whatever thread the sequence ends."""

    def raised(self, error: Exception) -> BaseException:
        """Return what to raise for the error the sequence ended with."""
        return error

    def take(self) -> _T:
        """Return the last value, or raise, once."""
        # Out of the attribute before it is raised: else the traceback and the error hold each other.
        error, self._error = self._error, None
        if error is not None:
            try:
                raise self.raised(error)
            finally:
                del error
        if not self._values:
            raise SequenceContainsNoElementsError
        return cast("_T", self._value)


class _Awaiting(_Last[_T]):
    __slots__ = ("_loop", "woken")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._loop = loop
        self.woken = loop.create_future()

    @override
    def notify(self) -> None:
        # The future is only the bell: an error such as StopIteration cannot be put into one.
        call_on(self._loop, partial(ring, self.woken))


class _Blocking(_Last[_T]):
    __slots__ = ("_bell",)

    def __init__(self) -> None:
        super().__init__()
        self._bell = threading.Event()

    @override
    def notify(self) -> None:
        self._bell.set()

    @override
    def raised(self, error: Exception) -> BaseException:
        # Here it goes to the thread that would have got it; awaited, it would end a loop that has no part in it.
        cause = error.__cause__
        taken = isinstance(error, RunInterrupted) and isinstance(cause, FATAL)
        return cause if cause is not None and taken else error

    def wait(self) -> None:
        # In slices, for platforms on which Ctrl-C does not get through to a thread that waits.
        while not self._bell.wait(1.0):
            pass
