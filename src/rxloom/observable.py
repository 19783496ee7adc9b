"""Observables that know their scheduler, and can be awaited anywhere.

A stock time operator that is given no scheduler starts a thread for each timer. On a `BoundObservable` it uses
the run's scheduler instead: subscribing passes it up the chain, and whatever is piped from it is bound too.
"""

from __future__ import annotations

import asyncio
import threading
from abc import abstractmethod
from collections.abc import Callable, Generator
from typing import Any, Generic, Self, TypeVar, cast, overload

from reactivex import ConnectableObservable, Observable
from reactivex.abc import DisposableBase, ObserverBase, SchedulerBase, SubjectBase
from reactivex.internal.exceptions import SequenceContainsNoElementsError
from reactivex.typing import Mapper, PredicateIndexed
from typing_extensions import override

from rxloom.errors import RunInterrupted, WrongLoop
from rxloom.scheduler import call_on, running_loop

__all__ = ["BoundConnectable", "BoundObservable", "bind"]

_T = TypeVar("_T")
_T_co = TypeVar("_T_co", covariant=True)
_A = TypeVar("_A")
_B = TypeVar("_B")
_C = TypeVar("_C")
_D = TypeVar("_D")
_E = TypeVar("_E")
_F = TypeVar("_F")
_G = TypeVar("_G")


class BoundObservable(Observable[_T_co]):
    """An Observable whose time operators run on one scheduler, unless another is named.

    Subclasses may leave `source` out and override `_subscribe_core`.

    Args:
        scheduler: passed to the source by every subscription that names none.
        source: what is subscribed.

    Attributes:
        scheduler: the same, for code that needs to name it (`rx.merge(a, b)` and other factories lose it).

    Example:
        >>> import reactivex as rx
        >>> from reactivex import operators as ops
        >>> from reactivex.scheduler import ImmediateScheduler
        >>> numbers = BoundObservable(ImmediateScheduler(), rx.of(1, 2, 3))
        >>> numbers.pipe(ops.map(lambda n: n * 10)).filter(lambda n: n > 10).run()
        30
    """

    def __init__(self, scheduler: SchedulerBase, source: Observable[_T_co] | None = None) -> None:
        super().__init__()
        self.scheduler = scheduler
        self._source = source

    @override
    def _subscribe_core(self, observer: ObserverBase[_T_co], scheduler: SchedulerBase | None = None) -> DisposableBase:
        scheduler = scheduler or self.scheduler
        if self._source is None:
            return super()._subscribe_core(observer, scheduler)
        # Not `subscribe`: the observer is guarded already, and a second guard costs 5 µs.
        return self._source._subscribe_core(observer, scheduler)  # noqa: SLF001  of our own base class

    @override
    def __await__(self) -> Generator[Any, None, _T_co]:
        """Wait for the end of the sequence, on any event loop, and return its last value.

        Cancelling whoever awaits disposes the subscription.

        Raises:
            SequenceContainsNoElementsError: the sequence was empty.
            Exception: whatever the sequence ended with.
        """
        return _last(self).__await__()

    @override
    def run(self, scheduler: SchedulerBase | None = None) -> _T_co:
        """Block this thread until the end of the sequence and return its last value.

        A KeyboardInterrupt ends the waiting, nothing else: call it again to wait on.

        Args:
            scheduler: for the subscription; this observable's own one if left out.

        Raises:
            WrongLoop: this thread runs an event loop, which must not be blocked.
            SequenceContainsNoElementsError: the sequence was empty.
            KeyboardInterrupt: pressed while waiting, or what interrupted the run.
            SystemExit: what interrupted the run.
            Exception: whatever the sequence ended with.
        """
        _forbid_blocking()
        waiting: _Blocking[_T_co] = _Blocking()
        subscription = self.subscribe(waiting, scheduler=scheduler)
        try:
            waiting.wait()
        finally:
            subscription.dispose()
        return waiting.take()

    @overload
    def pipe(self, op1: Callable[[Observable[_T_co]], _A], /) -> _A: ...
    @overload
    def pipe(self, op1: Callable[[Observable[_T_co]], _A], op2: Callable[[_A], _B], /) -> _B: ...
    @overload
    def pipe(
        self, op1: Callable[[Observable[_T_co]], _A], op2: Callable[[_A], _B], op3: Callable[[_B], _C], /
    ) -> _C: ...
    @overload
    def pipe(
        self,
        op1: Callable[[Observable[_T_co]], _A],
        op2: Callable[[_A], _B],
        op3: Callable[[_B], _C],
        op4: Callable[[_C], _D],
        /,
    ) -> _D: ...
    @overload
    def pipe(
        self,
        op1: Callable[[Observable[_T_co]], _A],
        op2: Callable[[_A], _B],
        op3: Callable[[_B], _C],
        op4: Callable[[_C], _D],
        op5: Callable[[_D], _E],
        /,
    ) -> _E: ...
    @overload
    def pipe(
        self,
        op1: Callable[[Observable[_T_co]], _A],
        op2: Callable[[_A], _B],
        op3: Callable[[_B], _C],
        op4: Callable[[_C], _D],
        op5: Callable[[_D], _E],
        op6: Callable[[_E], _F],
        /,
    ) -> _F: ...
    @overload
    def pipe(
        self,
        op1: Callable[[Observable[_T_co]], _A],
        op2: Callable[[_A], _B],
        op3: Callable[[_B], _C],
        op4: Callable[[_C], _D],
        op5: Callable[[_D], _E],
        op6: Callable[[_E], _F],
        op7: Callable[[_F], _G],
        /,
    ) -> _G: ...
    @overload
    def pipe(
        self,
        op1: Callable[[Observable[_T_co]], _A],
        op2: Callable[[_A], _B],
        op3: Callable[[_B], _C],
        op4: Callable[[_C], _D],
        op5: Callable[[_D], _E],
        op6: Callable[[_E], _F],
        op7: Callable[[_F], _G],
        op8: Callable[[_G], Any],
        /,
        *more: Callable[[Any], Any],
    ) -> Any: ...
    @overload
    def pipe(self) -> Self: ...
    @override
    def pipe(self, *operators: Callable[[Any], Any]) -> Any:
        """Compose operators left to right; an Observable they end in has this one's scheduler too.

        ```text
        --1--2--|          (scheduler S)
        pipe(map(str), delay(2))
        ----'1'--'2'--|    (on S)
        ```

        Args:
            operators: functions of an Observable.

        Returns:
            What the last operator returns.
        """
        value: Any = self
        for operator in operators:
            value = operator(value)
        return bind(value, self.scheduler)

    # The fluent methods below are those of the base that do not go through `pipe`.

    @override
    def __add__(self, other: Observable[_T_co]) -> Observable[_T_co]:
        return bind(super().__add__(other), self.scheduler)

    @override
    def __iadd__(self, other: Observable[_T_co]) -> Observable[_T_co]:
        return bind(super().__iadd__(other), self.scheduler)

    @override
    def __getitem__(self, key: slice | int) -> Observable[_T_co]:
        return bind(super().__getitem__(key), self.scheduler)

    @override
    def dematerialize(self) -> Observable[Any]:
        """Turn notifications back into what they stand for, on this scheduler."""
        return bind(super().dematerialize(), self.scheduler)

    @override
    def partition_indexed(self, predicate_indexed: PredicateIndexed[_T_co]) -> list[Observable[_T_co]]:
        """Split into what the predicate `(value, index)` accepts and the rest, on this scheduler."""
        return bind(super().partition_indexed(predicate_indexed), self.scheduler)

    @override
    def pluck(self, key: str) -> Observable[Any]:
        """Take one key of each mapping, on this scheduler."""
        return bind(super().pluck(key), self.scheduler)

    @override
    def sum(self, key_mapper: Mapper[Any, float] | None = None) -> Observable[float]:
        """Add up the values, on this scheduler."""
        total = super().sum() if key_mapper is None else super().sum(key_mapper)
        return bind(total, self.scheduler)

    @override
    def switch_latest(self) -> Observable[Any]:
        """Follow the newest inner Observable, on this scheduler."""
        return bind(super().switch_latest(), self.scheduler)


class BoundConnectable(BoundObservable[_T], ConnectableObservable[_T]):
    """What `publish` and the like give on a `BoundObservable`: connectable, and bound to its scheduler."""

    def __init__(self, scheduler: SchedulerBase, source: Observable[_T], subject: SubjectBase[_T]) -> None:
        super(BoundObservable, self).__init__(source, subject)  # past our own base, to ConnectableObservable
        self._source = source
        self.scheduler = scheduler

    @override
    def _subscribe_core(self, observer: ObserverBase[_T], scheduler: SchedulerBase | None = None) -> DisposableBase:
        return self.subject.subscribe(observer, scheduler=scheduler or self.scheduler)

    @override
    def connect(self, scheduler: SchedulerBase | None = None) -> DisposableBase | None:
        """Subscribe the source, on this scheduler unless another is named."""
        return super().connect(scheduler or self.scheduler)

    @override
    def auto_connect(self, subscriber_count: int = 1) -> Observable[_T]:
        """Connect once there are so many subscribers, and stay connected."""
        return bind(super().auto_connect(subscriber_count), self.scheduler)

    @override
    def ref_count(self) -> Observable[_T]:
        """Stay connected while there are subscribers."""
        return bind(super().ref_count(), self.scheduler)


def bind(value: _T, scheduler: SchedulerBase) -> _T:
    """Bind a stock Observable, or a list of them, to a scheduler; return anything else as it is.

    Observables of other classes have their own mind, and methods of their own, so they are left alone.
    """
    if type(value) is Observable:
        return cast("_T", BoundObservable(scheduler, cast("Observable[Any]", value)))
    if type(value) is ConnectableObservable:
        connectable = cast("ConnectableObservable[Any]", value)
        source = cast("Observable[Any]", connectable.source)
        return cast("_T", BoundConnectable(scheduler, source, connectable.subject))
    if type(value) is list:
        return cast("_T", [bind(item, scheduler) for item in cast("list[Any]", value)])
    return value


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

    def take(self) -> _T:
        """Return the last value, or raise, once."""
        # Out of the attribute before it is raised: else the traceback and the error hold each other.
        error, self._error = self._error, None
        if error is not None:
            try:
                _raise(error)
            finally:
                del error
        if not self._values:
            raise SequenceContainsNoElementsError
        return cast("_T", self._value)


def _raise(error: Exception) -> None:
    cause = error.__cause__
    if isinstance(error, RunInterrupted) and isinstance(cause, KeyboardInterrupt | SystemExit):
        raise cause
    raise error


class _Awaiting(_Last[_T]):
    __slots__ = ("_loop", "woken")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._loop = loop
        self.woken = loop.create_future()

    @override
    def notify(self) -> None:
        # The future is only the bell: an error such as StopIteration cannot be put into one.
        call_on(self._loop, self._wake)

    def _wake(self) -> None:
        if not self.woken.done():
            self.woken.set_result(None)


class _Blocking(_Last[_T]):
    __slots__ = ("_bell",)

    def __init__(self) -> None:
        super().__init__()
        self._bell = threading.Event()

    @override
    def notify(self) -> None:
        self._bell.set()

    def wait(self) -> None:
        # In slices, for platforms on which Ctrl-C does not get through to a thread that waits.
        while not self._bell.wait(1.0):
            pass


async def _last(source: Observable[_T]) -> _T:
    waiting: _Awaiting[_T] = _Awaiting(asyncio.get_running_loop())
    subscription = source.subscribe(waiting)
    try:
        if not waiting.ended:
            await waiting.woken
    finally:
        subscription.dispose()
    return waiting.take()


def _forbid_blocking() -> None:
    if running_loop() is not None:
        message = (
            "run() blocks its thread until the end, and this thread runs an event loop, which would stand still: "
            "use `await` here, or call run() on a thread of its own (`await asyncio.to_thread(stream.result.run)`)"
        )
        raise WrongLoop(message)
