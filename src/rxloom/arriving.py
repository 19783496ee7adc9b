"""Inputs that arrive whenever an Observable emits them: what waits, and what happens to what is too much."""

from __future__ import annotations

from abc import abstractmethod
from collections import deque
from threading import RLock
from typing import Final, Generic, Literal, NamedTuple, TypeAlias, TypeVar

from reactivex import Observable
from reactivex.abc import DisposableBase, ObserverBase, SchedulerBase
from typing_extensions import override

from rxloom.errors import StreamOverflow
from rxloom.inputs import NOTHING, Inputs, Nothing, Taker
from rxloom.observable import BoundObservable

In = TypeVar("In")

OnOverflow: TypeAlias = Literal["error", "drop_oldest", "drop_newest"]

POLICIES: Final[tuple[OnOverflow, ...]] = ("error", "drop_oldest", "drop_newest")


class Backlog(NamedTuple):
    """How many inputs may wait, and what happens to one that is too much.

    Attributes:
        buffer: how many; `None` is any number.
        on_overflow: what happens then.
    """

    buffer: int | None = None
    on_overflow: OnOverflow = "error"


ANY_NUMBER: Final = Backlog()


class Arriving(Inputs[In], ObserverBase[In], Generic[In]):
    """The observer of a source. It may be told on any thread."""

    __slots__ = ("_backlog", "_ended", "_lock", "_queue", "_subscription", "_taker")

    def __init__(self, limit: int, backlog: Backlog = ANY_NUMBER) -> None:
        """Keep inputs until they are taken, as far as `backlog` allows it."""
        super().__init__(limit)
        self._backlog = backlog
        self._queue: deque[In] = deque()
        self._ended = False
        self._taker: Taker | None = None
        self._subscription: DisposableBase | None = None
        self._lock = RLock()  # a collector that runs in the middle may close this

    @override
    def begin(self, taker: Taker, scheduler: SchedulerBase | None) -> None:
        self._taker = taker
        subscription = self.subscribe(taker, scheduler)
        with self._lock:
            if not self._ended:
                self._subscription = subscription
                return
        subscription.dispose()

    @abstractmethod
    def subscribe(self, taker: Taker, scheduler: SchedulerBase | None) -> DisposableBase:
        """Have the source tell this observer."""

    # -- the source's side, on any thread ---------------------------------------------------------------------------

    @override
    def on_next(self, value: In) -> None:
        with self._lock:
            taker = self._taker
            if self._ended or taker is None:
                return
            free = max(0, self._limit - self._taken)  # so many at the head of the queue do not wait: they are next
            wanted = len(self._queue) < free
            if self._has_room(free):
                self._queue.append(value)
            elif self._backlog.on_overflow == "error":
                wanted = False
                self._refuse(taker)
        if wanted:
            taker.wake()

    def _has_room(self, free: int) -> bool:
        """Tell whether one more input may wait, after making room for it if that is the policy."""
        buffer, on_overflow = self._backlog
        if buffer is None or len(self._queue) < free + buffer:
            return True
        if on_overflow != "drop_oldest" or not buffer:
            return False
        del self._queue[free]
        return True

    def _refuse(self, taker: Taker) -> None:
        buffer = self._backlog.buffer or 0
        message = (
            f"an input came while {self._limit} runs were open and {buffer} inputs waited: raise `buffer=` or "
            '`max_concurrency=`, or say `on_overflow="drop_oldest"` or `"drop_newest"`'
        )
        self.close()
        taker.fail(StreamOverflow(buffer, message=message))

    @override
    def on_error(self, error: Exception) -> None:
        taker = self._taker
        self.close()
        if taker is not None:
            taker.fail(error)

    @override
    def on_completed(self) -> None:
        taker = self._taker
        with self._lock:
            self._ended = True
            self._subscription = None
        if taker is not None:
            taker.wake()

    # -- the side of the runs ---------------------------------------------------------------------------------------

    @property
    @override
    def done(self) -> bool:
        return self._ended and not self._queue

    @override
    def take(self) -> In | Literal[Nothing.NOTHING]:
        with self._lock:
            if self._taken >= self._limit or not self._queue:
                return NOTHING
            self._taken += 1
            return self._queue.popleft()

    @override
    def close(self) -> None:
        with self._lock:
            self._ended = True
            self._queue.clear()
            self._taker = None
            subscription, self._subscription = self._subscription, None
        if subscription is not None:
            subscription.dispose()


class Observed(Arriving[In], Generic[In]):
    """Inputs out of an Observable."""

    __slots__ = ("_source",)

    def __init__(self, limit: int, source: Observable[In], backlog: Backlog) -> None:
        """Observe `source`."""
        super().__init__(limit, backlog)
        self._source = source

    @override
    def subscribe(self, taker: Taker, scheduler: SchedulerBase | None) -> DisposableBase:
        if scheduler is None and not isinstance(self._source, BoundObservable):
            scheduler = taker.scheduler  # so that time operators in the source start no thread
        return self._source.subscribe(self, scheduler=scheduler)
