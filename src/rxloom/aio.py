"""Bridges between Observables and async iteration, which Rx has none of.

Both let go of the other side when they are left early.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from abc import abstractmethod
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator
from functools import partial
from types import TracebackType
from typing import Any, Generic, Literal, Protocol, Self, TypeAlias, TypeVar, runtime_checkable

from reactivex import Observable
from reactivex.abc import DisposableBase, ObserverBase, SchedulerBase
from typing_extensions import override

from rxloom.errors import NoEventLoop, StreamOverflow
from rxloom.observable import BoundObservable
from rxloom.scheduler import LoopScheduler, call_on, ring, running_loop

__all__ = ["ObservableIterator", "OnOverflow", "Pump", "from_async_iterable", "to_async_iterator"]

_T = TypeVar("_T")
_T_co = TypeVar("_T_co", covariant=True)

OnOverflow: TypeAlias = Literal["error", "drop_oldest"]


def to_async_iterator(
    observable: Observable[_T], *, buffer: int | None = None, on_overflow: OnOverflow = "error"
) -> ObservableIterator[_T]:
    """Iterate over any Observable with `async for`.

    It subscribes at once, not at the first pull, so that a hot source loses nothing in between. What comes
    faster than it is pulled waits in memory: `buffer` bounds how much. The source may emit on any thread.
    What `Workflow.map_async` returns can wait for its reader, and does: then nothing is bounded or dropped here.

    ```text
    source      --1--2------3--|
    async for      1  2        3  (end)
    ```

    Args:
        observable: what to iterate over. Its time operators get the running loop's scheduler, if it has none.
        buffer: how many items may wait to be pulled; `None` for any number.
        on_overflow: `"error"` unsubscribes and, after the items that waited, raises `StreamOverflow`;
            `"drop_oldest"` forgets the item that waited longest.

    Returns:
        An iterator to be used in one place at a time. Leaving it early unsubscribes: by `async with`, by
        `aclose()`, or when it is collected.

    Raises:
        NoEventLoop: called where no event loop runs.
        ValueError: the buffer is smaller than one.

    Example:
        >>> import reactivex as rx
        >>> async def main() -> None:
        ...     async for number in to_async_iterator(rx.of(1, 2)):
        ...         print(number)
        >>> asyncio.run(main())
        1
        2
    """
    if buffer is not None and buffer < 1:
        raise ValueError(f"buffer must be at least 1, or None for any number of items, not {buffer!r}")
    loop = _current_loop("to_async_iterator")
    return ObservableIterator(observable, loop, buffer, on_overflow)


def from_async_iterable(iterable: AsyncIterable[_T]) -> Observable[_T]:
    """Make an Observable of an async iterable.

    Each subscription iterates anew, in a task on the loop of its scheduler, or else on the running loop.
    Disposing it cancels the task and closes the iterator. An async generator can be iterated only once: give
    several subscribers something whose `__aiter__` starts afresh.

    ```text
    async for   1    2    3 (end)
    observable  -1----2----3-|
    ```

    Args:
        iterable: what to iterate over.

    Returns:
        A cold Observable. Subscribing without a scheduler where no loop runs is an error `NoEventLoop`.

    Example:
        >>> async def numbers():
        ...     yield 1
        ...     yield 2
        >>> async def main() -> None:
        ...     print(await from_async_iterable(numbers()))
        >>> asyncio.run(main())
        2
    """

    def subscribe(observer: ObserverBase[_T], scheduler: SchedulerBase | None = None) -> DisposableBase:
        loop = scheduler.loop if isinstance(scheduler, LoopScheduler) else _current_loop("from_async_iterable")
        pump = Pump(iterable, observer, loop)
        pump.start()
        return pump

    return Observable(subscribe)


def _current_loop(name: str) -> asyncio.AbstractEventLoop:
    loop = running_loop()
    if loop is None:
        raise NoEventLoop(f"{name} needs a running event loop: use it inside a coroutine")
    return loop


class ObservableIterator(AsyncIterator[_T_co]):
    """The async iterator that `to_async_iterator` returns.

    A class, not an async generator: it is let go of the moment it is left, and no context is held across a pull.
    """

    __slots__ = ("__weakref__", "_inbox")

    def __init__(
        self,
        observable: Observable[_T_co],
        loop: asyncio.AbstractEventLoop,
        buffer: int | None,
        on_overflow: OnOverflow,
    ) -> None:
        self._inbox: _Inbox[_T_co] = _Inbox(None if isinstance(observable, PatientSource) else buffer, on_overflow)
        # The source holds the inbox and not the iterator, so an abandoned iterator can be collected.
        weakref.finalize(self, self._inbox.close).atexit = False
        if isinstance(observable, PatientSource):
            self._inbox.take_from(observable.subscribe_patiently(self._inbox))
            return
        scheduler = None if isinstance(observable, BoundObservable) else LoopScheduler(loop)
        self._inbox.subscribed(observable.subscribe(self._inbox, scheduler=scheduler))

    @override
    def __aiter__(self) -> Self:
        return self

    @override
    async def __anext__(self) -> _T_co:
        inbox = self._inbox
        while not inbox.ready():
            await inbox.bell()
        item = inbox.take()
        inbox.took()
        return item

    async def aclose(self) -> None:
        """Unsubscribe and forget what waits; a pull under way ends the iteration."""
        self._inbox.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._inbox.close()


class Patience(DisposableBase):
    """A subscription to a source that waits."""

    @abstractmethod
    def took(self) -> None:
        """Take note that one of its items was taken."""


@runtime_checkable
class PatientSource(Protocol):
    """An Observable that can wait for whoever reads it."""

    def subscribe_patiently(self, observer: ObserverBase[Any]) -> Patience:
        """Subscribe, and wait as long as too many items were not taken."""
        ...


class _Inbox(ObserverBase[_T], Generic[_T]):
    """What came and was not pulled yet; filled on any thread, emptied on a loop."""

    __slots__ = (
        "_buffer",
        "_end",
        "_ended",
        "_items",
        "_lock",
        "_on_overflow",
        "_patience",
        "_subscription",
        "_waiter",
    )

    def __init__(self, buffer: int | None, on_overflow: OnOverflow) -> None:
        # Reentrant: a collector that runs in the middle may close another inbox, or this one.
        self._lock = threading.RLock()
        self._items: deque[_T] = deque()
        self._buffer = buffer
        self._on_overflow: OnOverflow = on_overflow
        self._ended = False
        self._end: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._subscription: DisposableBase | None = None
        self._patience: Patience | None = None

    # -- the source's side, on any thread --------------------------------------------------------------------

    def subscribed(self, subscription: DisposableBase) -> None:
        """Keep what ends the subscription; or use it, if it is over already."""
        with self._lock:
            if not self._ended:
                self._subscription = subscription
                return
        subscription.dispose()

    def take_from(self, patience: Patience) -> None:
        """Keep what ends the subscription, and wants to know of what was taken."""
        self._patience = patience
        self.subscribed(patience)

    @override
    def on_next(self, value: _T) -> None:
        with self._lock:
            if self._ended:
                return
            if self._buffer is not None and len(self._items) >= self._buffer:
                if self._on_overflow == "error":
                    self._finish(StreamOverflow(self._buffer))
                    return
                self._items.popleft()
            self._items.append(value)
            self._ring()

    @override
    def on_error(self, error: Exception) -> None:
        self._finish(error)

    @override
    def on_completed(self) -> None:
        self._finish(None)

    def close(self) -> None:
        """Unsubscribe, forget what waits, and end a pull under way."""
        with self._lock:
            self._items.clear()
            self._end = None
            self._finish(None)

    def _finish(self, error: Exception | None) -> None:
        with self._lock:
            if self._ended:
                return
            self._ended = True
            self._end = error
            subscription, self._subscription = self._subscription, None
            self._ring()
        if subscription is not None:
            subscription.dispose()

    def _ring(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is None:
            return
        call_on(waiter.get_loop(), partial(ring, waiter))

    # -- the reader's side, on its loop ----------------------------------------------------------------------

    def ready(self) -> bool:
        """Tell whether `take` has something to say."""
        return bool(self._items) or self._ended

    def take(self) -> _T:
        """Return the next item, or raise the end."""
        with self._lock:
            if self._items:
                return self._items.popleft()
            error, self._end = self._end, None
        if error is None:
            raise StopAsyncIteration
        try:
            raise error
        finally:
            del error  # else the traceback and the error hold each other

    def took(self) -> None:
        """Let a source that waits know that an item was taken."""
        if self._patience is not None:
            self._patience.took()

    def bell(self) -> asyncio.Future[None]:
        """Return a future that is done once there is something to take."""
        with self._lock:
            if self._waiter is not None and not self._waiter.done():
                raise RuntimeError("this iterator is being pulled already: use it in one place at a time")
            waiter = asyncio.get_running_loop().create_future()
            if self.ready():
                waiter.set_result(None)
            else:
                self._waiter = waiter
            return waiter


class Pump(DisposableBase, Generic[_T]):
    """One subscription to an async iterable: a task that pushes what it pulls."""

    __slots__ = ("_iterable", "_loop", "_observer", "_task")

    def __init__(
        self, iterable: AsyncIterable[_T], observer: ObserverBase[_T], loop: asyncio.AbstractEventLoop
    ) -> None:
        """Push what `iterable` gives to `observer`, on `loop`."""
        self._iterable = iterable
        self._observer: ObserverBase[_T] | None = observer  # None once disposed
        self._loop = loop
        self._task: asyncio.Task[None] | None = None

    async def room(self) -> None:
        """Wait until there is room for another item; here there always is."""

    def start(self) -> None:
        """Begin to iterate, on the loop."""
        call_on(self._loop, self._begin)

    def _begin(self) -> None:
        if self._observer is not None:
            self._task = self._loop.create_task(self._run())

    @override
    def dispose(self) -> None:
        self._observer = None
        call_on(self._loop, self._cancel)

    def _cancel(self) -> None:
        task, self._task = self._task, None
        # Disposed by the task itself, inside `on_next`, it ends as soon as that returns.
        if task is not None and task is not asyncio.current_task(self._loop):
            task.cancel()

    async def _run(self) -> None:
        error: Exception | None = None
        try:
            await self._iterate()
        except asyncio.CancelledError:
            if self._observer is None:
                return
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            # Nobody asked for it, so it is a failure of the iterable; silence would be a hang.
            error = RuntimeError("the async iterable raised CancelledError")
        except Exception as raised:  # noqa: BLE001  whatever it is, the subscriber is told
            error = raised
        self._end(error)

    async def _iterate(self) -> None:
        iterator = aiter(self._iterable)
        try:
            async for item in iterator:
                self._give(item)
                if self._observer is None:
                    break
                await self.room()
        finally:
            close = getattr(iterator, "aclose", None)
            if close is not None:
                await close()

    def _give(self, item: _T) -> None:
        observer = self._observer
        if observer is None:
            return
        try:
            observer.on_next(item)
        except Exception as error:  # noqa: BLE001  a subscriber that raises is no failure of the iterable
            self._observer = None
            self._report("a subscriber raised", error)

    def _end(self, error: Exception | None) -> None:
        observer, self._observer, self._task = self._observer, None, None
        if observer is None:
            if error is not None:
                self._report("it failed while it was being closed", error)
        elif error is None:
            observer.on_completed()
        else:
            observer.on_error(error)

    def _report(self, message: str, error: Exception) -> None:
        self._loop.call_exception_handler({"message": f"async iterable: {message}", "exception": error})
