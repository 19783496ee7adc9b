"""A step whose stream is listened to, item by item, while its body is carried out as ever."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator
from functools import partial
from types import CoroutineType
from typing import Any, TypeVar, cast

from reactivex import Observable
from reactivex.abc import DisposableBase, ObserverBase, SchedulerBase

from rxloom.engine._execution import Execution
from rxloom.engine._items import Items
from rxloom.step_body import Kind

T = TypeVar("T")

_GENERATORS: frozenset[Kind] = frozenset({"generator", "inline_generator"})
_AWAITED: frozenset[Kind] = frozenset({"async", "async_observable"})


class Tap:
    """Calls a step's function, and passes the items of the stream it returns on, each after it was written."""

    __slots__ = ("_execution", "_invoke", "_items", "_kind")

    def __init__(self, invoke: Callable[[Any, Any], Any], kind: Kind, execution: Execution, items: Items) -> None:
        """Tap what `invoke`, the function of a step of that kind, returns."""
        self._invoke = invoke
        self._kind = kind
        self._execution = execution
        self._items = items

    def __call__(self, value: Any, context: Any) -> Any:
        """Call the function, as the step's `invoke`."""
        take = _Taker(self._execution, self._items)
        made = self._invoke(value, context)
        if self._kind == "async_generator":
            return _async_items(made, take)
        if self._kind in _GENERATORS:
            return _sync_items(made, take)
        if self._kind in _AWAITED:
            return _awaited(made, take)
        if type(made) is CoroutineType:
            return _awaited(cast("Awaitable[Any]", made), take)
        return _observed(made, take)


class _Taker:
    """Takes the items of one attempt, from any thread."""

    __slots__ = ("_attempt", "_execution", "_items")

    def __init__(self, execution: Execution, items: Items) -> None:
        self._execution = execution
        self._items = items
        self._attempt = items.attempt

    def begin(self) -> None:
        self._do(partial(self._items.stream, self._attempt))

    def __call__(self, item: Any) -> None:
        self._do(partial(self._items.push, self._attempt, item))

    def _do(self, action: Callable[[], None]) -> None:
        if self._execution.on_thread():
            action()
        else:
            self._execution.post(action)


async def _async_items(source: AsyncIterator[T], take: _Taker) -> AsyncIterator[T]:
    take.begin()
    try:
        async for item in source:
            yield item
            take(item)
    finally:
        if isinstance(source, AsyncGenerator):
            await source.aclose()


def _sync_items(source: Iterator[T], take: _Taker) -> Iterator[T]:
    take.begin()
    try:
        for item in source:
            yield item
            take(item)
    finally:
        if isinstance(source, Generator):
            source.close()


async def _awaited(made: Awaitable[Any], take: _Taker) -> Any:
    return _observed(await made, take)


def _observed(made: Any, take: _Taker) -> Any:
    if not isinstance(made, Observable):
        return made
    source = cast("Observable[Any]", made)

    def subscribe(observer: ObserverBase[Any], scheduler: SchedulerBase | None = None) -> DisposableBase:
        def on_next(item: Any) -> None:
            observer.on_next(item)
            take(item)

        take.begin()
        return source.subscribe(on_next, observer.on_error, observer.on_completed, scheduler=scheduler)

    return Observable(subscribe)
