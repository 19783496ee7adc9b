"""What the operators over chunks are made of.

Such an operator looks at one chunk at a time, and makes something of it or leaves it out. It subscribes its source
once per subscription, starts no thread, and keeps the scheduler of a source that has one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum, auto
from typing import Any, Final, Generic, TypeAlias, TypeGuard, TypeVar

from reactivex import Observable
from reactivex.abc import DisposableBase, ObserverBase, SchedulerBase
from typing_extensions import override

from rxloom.chunks import Chunk, StepResult, StepStart, StepSuspended, StepWaiting
from rxloom.observable import BoundObservable
from rxloom.wire_form import Envelope

__all__ = ["LEFT_OUT", "ChunkOperator", "LeftOut", "bound_like", "chosen", "folded", "time_of"]

_T = TypeVar("_T")


class LeftOut(Enum):
    """What stands for a chunk of which nothing is told."""

    LEFT_OUT = auto()


LEFT_OUT: Final = LeftOut.LEFT_OUT
ChunkOperator: TypeAlias = Callable[[Observable[Chunk]], Observable[_T]]
Look: TypeAlias = Callable[[Chunk], _T | LeftOut]


def chosen(name: str, look: Look[_T]) -> ChunkOperator[_T]:
    """Make an operator of a function that makes something of a chunk, or leaves it out.

    Args:
        name: the operator's, for its messages.
        look: what it does; whatever it raises is an error of the sequence.
    """
    return _Operator(name, _Same(look))


def folded(name: str, begin: Callable[[], Look[_T]]) -> ChunkOperator[_T]:
    """Make an operator that remembers: `begin` gives each subscription a function of its own.

    Args:
        name: the operator's, for its messages.
        begin: makes what `chosen` is given.
    """
    return _Operator(name, begin)


def bound_like(source: Observable[Any], made: Observable[_T]) -> Observable[_T]:
    """Give an Observable the scheduler of its source, if that has one."""
    return BoundObservable(source.scheduler, made) if isinstance(source, BoundObservable) else made


def time_of(chunk: Chunk) -> int | None:
    """Return when a chunk was told, in epoch milliseconds, if it says so."""
    match chunk:
        case StepStart():
            return chunk.payload.resumed_at or chunk.payload.started_at
        case StepResult():
            return chunk.payload.ended_at
        case StepSuspended():
            return chunk.payload.suspended_at
        case StepWaiting():
            return chunk.payload.started_at
        case _:
            return None


class _Same(Generic[_T]):
    """Gives every subscription the same function."""

    __slots__ = ("_look",)

    def __init__(self, look: Look[_T]) -> None:
        self._look = look

    def __call__(self) -> Look[_T]:
        return self._look


class _Operator(Generic[_T]):
    __slots__ = ("_begin", "_name")

    def __init__(self, name: str, begin: Callable[[], Look[_T]]) -> None:
        self._name = name
        self._begin = begin

    def __call__(self, source: Observable[Chunk]) -> Observable[_T]:
        return bound_like(source, Observable(_Subscribe(self._name, source, self._begin)))

    @override
    def __repr__(self) -> str:
        return f"<rxloom operator {self._name}>"


class _Subscribe(Generic[_T]):
    __slots__ = ("_begin", "_name", "_source")

    def __init__(self, name: str, source: Observable[Chunk], begin: Callable[[], Look[_T]]) -> None:
        self._name = name
        self._source = source
        self._begin = begin

    def __call__(self, observer: ObserverBase[_T], scheduler: SchedulerBase | None = None) -> DisposableBase:
        return self._source.subscribe(_Looking(self._name, observer, self._begin()), scheduler=scheduler)


class _Looking(ObserverBase[Any], Generic[_T]):
    """Tells an observer what is made of the chunks; the end, whichever it is, passes."""

    __slots__ = ("_look", "_name", "_observer")

    def __init__(self, name: str, observer: ObserverBase[_T], look: Look[_T]) -> None:
        self._name = name
        self._observer: ObserverBase[_T] = observer
        self._look: Look[_T] = look

    @override
    def on_next(self, value: Any) -> None:
        if not _is_chunk(value):
            self._observer.on_error(_no_chunk(self._name, value))
            return
        try:
            made = self._look(value)
        except Exception as error:  # noqa: BLE001 # what is made of a chunk: an error of the sequence
            self._observer.on_error(error)
            return
        if made is not LEFT_OUT:
            self._observer.on_next(made)

    @override
    def on_error(self, error: Exception) -> None:
        self._observer.on_error(error)

    @override
    def on_completed(self) -> None:
        self._observer.on_completed()


def _is_chunk(value: object) -> TypeGuard[Chunk]:
    return isinstance(value, Envelope)


def _no_chunk(name: str, value: object) -> TypeError:
    if isinstance(value, Mapping):
        return TypeError(
            f"{name}() takes chunks, and got a dict; chunks that came over the wire are made by "
            f"`ops.map(chunk_from_wire)` before it: {value!r:.80}"
        )
    return TypeError(f"{name}() takes chunks, and got {value!r:.80}")
