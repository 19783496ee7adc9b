"""A value that changes, as an Observable: whoever subscribes is told the newest one first, also after the end.

A `BehaviorSubject` forgets its value once it completes, calls its observers one inside the other, and lets one
that raises break the rest; so this is not one.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable
from enum import Enum, auto
from typing import Final, Generic, Literal, TypeAlias, TypeVar

from reactivex.abc import DisposableBase, ObserverBase, SchedulerBase
from typing_extensions import override

from rxloom.observable import BoundObservable
from rxloom.scheduler import FATAL

__all__ = ["Latest"]

_T = TypeVar("_T")

Report: TypeAlias = Callable[[BaseException], None]


_logger = logging.getLogger("rxloom")


def _log(error: BaseException) -> None:
    _logger.error("a subscriber raised and is detached; the others go on", exc_info=error)


class _Unset(Enum):
    UNSET = auto()


class _End(Enum):
    COMPLETED = auto()


_UNSET: Final = _Unset.UNSET
_COMPLETED: Final = _End.COMPLETED
# A disposer on another thread waits until a call that is about to begin has begun; microseconds, as a rule. It
# does not wait for its end: the subscriber may want a lock which the disposer holds.
_BEGIN = 0.05


class _Value(Generic[_T]):
    __slots__ = ("value",)

    def __init__(self, value: _T) -> None:
        self.value = value


# A value comes wrapped, since users' values may be exceptions.
_Event: TypeAlias = _Value[_T] | Exception | Literal[_End.COMPLETED]


class Latest(BoundObservable[_T]):
    """A value that changes and ends, replayed to whoever subscribes.

    ```text
    set         a---b------c-|
    subscriber  a---b------c-|
    late one            b--c-|
    after the end              c|
    ```

    Every subscriber gets every value in order, also when one is set inside a subscriber. A subscriber that
    raises is detached and reported, and the others go on. All methods may be called from any thread; after
    `dispose()` returned, no call to that subscriber begins.

    Args:
        scheduler: for the operators piped from it.
        report: called with what a subscriber raised; it is logged if left out.
        initial: the first value, if there is one already.
        distinct: skip a value equal to the current one.

    Example:
        >>> from reactivex.scheduler import ImmediateScheduler
        >>> status = Latest(ImmediateScheduler(), initial="pending")
        >>> status.set("running")
        >>> status.complete()
        >>> subscription = status.subscribe(print, on_completed=lambda: print("no more"))
        running
        no more
    """

    def __init__(
        self,
        scheduler: SchedulerBase,
        *,
        report: Report | None = None,
        initial: _T | Literal[_Unset.UNSET] = _UNSET,
        distinct: bool = False,
    ) -> None:
        super().__init__(scheduler)
        self.report: Report = report or _log
        self._distinct = distinct
        self._newest: _Value[_T] | None = None if initial is _UNSET else _Value(initial)
        self._end: Exception | Literal[_End.COMPLETED] | None = None
        self._subscribers: dict[DisposableBase, _Subscriber[_T]] = {}

    def set(self, value: _T) -> None:
        """Tell a new value; ignored after the end."""
        event = _Value(value)
        with self.lock:
            newest = self._newest
            if self._end is not None or (self._distinct and newest is not None and newest.value == value):
                return
            self._newest = event
            told = self._offer(event)
        _drain(told)

    def complete(self) -> None:
        """End the sequence; the last value stays there for late subscribers. Ignored after the end."""
        self._finish(_COMPLETED)

    def fail(self, error: Exception) -> None:
        """End the sequence with an error; late subscribers get the last value, then the error."""
        self._finish(error)

    def _finish(self, end: Exception | Literal[_End.COMPLETED]) -> None:
        with self.lock:
            if self._end is not None:
                return
            self._end = end
            told = self._offer(end)
            self._subscribers = {}
        _drain(told)

    def _offer(self, event: _Event[_T]) -> list[_Subscriber[_T]]:
        # Under the lock, so that all subscribers have the same order. The calls come after, outside of it.
        for subscriber in self._subscribers.values():
            subscriber.pending.append(event)
        return list(self._subscribers.values())

    @override
    def _subscribe_core(self, observer: ObserverBase[_T], scheduler: SchedulerBase | None = None) -> DisposableBase:
        subscriber = _Subscriber(observer, self)
        with self.lock:
            if self._newest is not None:
                subscriber.pending.append(self._newest)
            if self._end is not None:
                subscriber.pending.append(self._end)
            else:
                self._subscribers[subscriber] = subscriber
        _drain([subscriber])
        return subscriber

    def detach(self, subscriber: DisposableBase) -> None:
        """Forget a subscriber; this is what disposing its subscription does."""
        with self.lock:
            self._subscribers.pop(subscriber, None)


class _Subscriber(DisposableBase, Generic[_T]):
    """One subscriber: what it has still to be told, by one thread at a time and never nested."""

    __slots__ = ("_busy", "_observer", "_source", "_teller", "pending")

    def __init__(self, observer: ObserverBase[_T], source: Latest[_T]) -> None:
        self._observer: ObserverBase[_T] | None = observer
        self._source: Latest[_T] | None = source
        self._busy = threading.Lock()
        self._teller = 0
        self.pending: deque[_Event[_T]] = deque()

    def drain(self) -> None:
        """Tell what is pending, unless somebody is at it: then that one tells it."""
        # Whoever leaves looks once more after the release, so what is appended meanwhile is not forgotten.
        while self.pending and self._busy.acquire(blocking=False):
            self._teller = threading.get_ident()
            try:
                while self.pending:
                    self._tell(self.pending.popleft())
            finally:
                self._teller = 0
                self._busy.release()

    def _tell(self, event: _Event[_T]) -> None:
        observer, source = self._observer, self._source
        if observer is None or source is None:
            return
        try:
            if isinstance(event, _Value):
                observer.on_next(event.value)
                return
            self._leave()
            if event is _COMPLETED:
                observer.on_completed()
            else:
                observer.on_error(event)
        except FATAL:
            self._leave()
            raise
        except BaseException as error:  # noqa: BLE001  whatever it is, it must not reach the others
            self._leave()
            source.report(error)

    @override
    def dispose(self) -> None:
        self._leave()
        if self._teller not in (0, threading.get_ident()) and self._busy.acquire(timeout=_BEGIN):
            self._busy.release()

    def _leave(self) -> None:
        source, self._source, self._observer = self._source, None, None
        if source is not None:
            source.detach(self)


def _drain(subscribers: Iterable[_Subscriber[_T]]) -> None:
    fatal: BaseException | None = None
    for subscriber in subscribers:
        try:
            subscriber.drain()
        except FATAL as error:
            fatal = error
    if fatal is not None:
        raise fatal
