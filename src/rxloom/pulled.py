"""Inputs that are pulled out of an iterable: one when a run may be opened with it, and not before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Iterator
from typing import Generic, Literal, TypeVar

from reactivex.abc import DisposableBase, SchedulerBase
from typing_extensions import override

from rxloom.aio import Pump
from rxloom.arriving import Arriving
from rxloom.inputs import NOTHING, Inputs, Nothing, Taker

In = TypeVar("In")


class Pulled(Inputs[In], Generic[In]):
    """Inputs out of an iterable, which is iterated on the thread of the loop."""

    __slots__ = ("_iterable", "_iterator", "_pulling", "_spent", "_taker")

    def __init__(self, limit: int, iterable: Iterable[In]) -> None:
        """Pull out of `iterable`."""
        super().__init__(limit)
        self._iterable = iterable
        self._iterator: Iterator[In] | None = None
        self._taker: Taker | None = None
        self._pulling = False
        self._spent = False

    @override
    def begin(self, taker: Taker, scheduler: SchedulerBase | None) -> None:
        self._taker = taker

    @property
    @override
    def done(self) -> bool:
        return self._spent

    @override
    def take(self) -> In | Literal[Nothing.NOTHING]:
        if self._spent or self._taken >= self._limit:
            return NOTHING
        taker = self._taker
        self._pulling = True
        try:
            if self._iterator is None:
                self._iterator = iter(self._iterable)
            item = next(self._iterator, NOTHING)
        except Exception as error:  # noqa: BLE001 # whatever it is, the subscriber is told
            item = NOTHING
            if taker is not None:
                taker.fail(error)
        finally:
            self._pulling = False
        if item is NOTHING:
            self._spent = True
        if self._spent:  # perhaps since it was closed from inside the iterator
            self.close()
            return NOTHING
        self._taken += 1
        return item

    @override
    def close(self) -> None:
        self._spent = True
        taker = self._taker
        if self._pulling or taker is None or not taker.on_thread():
            return  # whoever pulls, or lets go on the thread of the loop, does it
        iterator, self._iterator, self._taker = self._iterator, None, None
        close: Callable[[], object] | None = getattr(iterator, "close", None)
        if close is not None:
            try:
                close()
            except Exception as error:  # noqa: BLE001 # nobody is there who could be told
                taker.report("an iterable failed while it was being closed", error)


class PulledAsync(Arriving[In], Generic[In]):
    """Inputs out of an async iterable, which is iterated in a task of the loop."""

    __slots__ = ("_iterable", "_space")

    def __init__(self, limit: int, iterable: AsyncIterable[In]) -> None:
        """Pull out of `iterable`."""
        super().__init__(limit)
        self._iterable = iterable
        self._space = asyncio.Event()

    @override
    def subscribe(self, taker: Taker, scheduler: SchedulerBase | None) -> DisposableBase:
        pump = _Pump(self._iterable, self, taker.loop)
        pump.wanted = self._wanted
        pump.start()
        return pump

    @override
    def take(self) -> In | Literal[Nothing.NOTHING]:
        item = super().take()
        if item is NOTHING and self._taken < self._limit:
            self._space.set()
        return item

    async def _wanted(self) -> None:
        """Wait until an item is wanted."""
        while self._queue or self._taken >= self._limit:
            self._space.clear()
            await self._space.wait()


class _Pump(Pump[In], Generic[In]):
    """Pulls when an item is wanted, and not before."""

    __slots__ = ("wanted",)

    wanted: Callable[[], Awaitable[None]]

    @override
    async def room(self) -> None:
        await self.wanted()
