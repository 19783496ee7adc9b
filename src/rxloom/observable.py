"""Observables that know their scheduler, and can be awaited anywhere.

A stock time operator that is given no scheduler starts a thread for each timer. On a `BoundObservable` it uses
the run's scheduler instead: subscribing passes it up the chain, and whatever is piped from it is bound too.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, Self, TypeVar, cast, overload

from reactivex import ConnectableObservable, Observable
from reactivex.abc import DisposableBase, ObserverBase, SchedulerBase, SubjectBase
from reactivex.typing import Mapper, PredicateIndexed
from typing_extensions import override

from rxloom.last_value import block_for_last, last_of

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
        return last_of(self).__await__()

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
        return block_for_last(self, scheduler or self.scheduler)

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
    def exclusive(self) -> Observable[_T_co]:
        """Follow one inner Observable to its end, ignoring those that come meanwhile, on this scheduler."""
        return bind(super().exclusive(), self.scheduler)

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
