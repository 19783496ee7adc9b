"""`WorkflowStream`: the hot Observable of a run's chunks, and the streams derived from its one fold."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from typing import Any, Generic, TypeVar

from reactivex import Observable
from reactivex.abc import DisposableBase, ObserverBase, SchedulerBase
from reactivex.observer import Observer
from typing_extensions import override

from rxloom.chunk_buffer import Ending
from rxloom.chunks import Chunk, Usage
from rxloom.context import Done
from rxloom.feed import Cursor, Feed
from rxloom.last_value import last_told
from rxloom.marbles import Scale, svg
from rxloom.observable import BoundObservable
from rxloom.reader import ChunkIterator, OnOverflow
from rxloom.results import WorkflowResult
from rxloom.snapshot import RunStatus, Snapshot

Out = TypeVar("Out")
T = TypeVar("T")


_NOBODY: Observer[Any] = Observer()


class _Subscriber(Cursor, Generic[T]):
    """A cursor that tells an observer."""

    __slots__ = ("_observer",)

    def __init__(self, feed: Feed, observer: ObserverBase[T]) -> None:
        super().__init__(feed)
        self._observer: ObserverBase[T] = observer

    @override
    def finished(self, error: Exception | None) -> None:
        self.feed.look()
        if error is None:
            self._observer.on_completed()
        else:
            self._observer.on_error(error)

    @override
    def faulted(self) -> None:
        self._observer = _NOBODY  # the one that raised refers to this, and nobody disposes it


class _Subscription(_Subscriber[Chunk]):
    """A subscriber of the chunks."""

    __slots__ = ()

    @override
    def began(self) -> None:
        self.feed.look()

    @override
    def deliver(self, chunk: Chunk) -> None:
        self._observer.on_next(chunk)

    @property
    @override
    def stopped(self) -> bool:
        return getattr(self._observer, "is_stopped", False)


class _Follower(_Subscriber[T]):
    """A subscriber of what `project` makes of the snapshot: the value now, then each change."""

    __slots__ = ("_distinct", "_project", "_told", "_value")

    def __init__(
        self, feed: Feed, observer: ObserverBase[T], project: Callable[[Snapshot], T], *, distinct: bool
    ) -> None:
        super().__init__(feed, observer)
        self._project = project
        self._distinct = distinct
        self._told = False
        self._value: T | None = None

    @property
    @override
    def keen(self) -> bool:
        return self._project is not _status

    @override
    def hides(self, chunk: Chunk) -> bool:
        return False  # the status changes at a seam, too

    def tell(self, value: T) -> None:
        if self._told and self._distinct and value == self._value:
            return
        self._told = True
        self._value = value
        self._observer.on_next(value)

    @override
    def held(self) -> None:
        feed = self.feed
        if not self._told:
            self.guard(lambda: self.tell(self._project(Snapshot(feed.run_id, feed.workflow_id))))

    @override
    def began(self) -> None:
        feed = self.feed
        log = feed.log
        ending = feed.ending
        if ending is not None:
            ending.outcome.looked_at = True
            self._next = ending.finish.seq + 1
            self.tell(self._project(ending.outcome.snapshot))
        elif log is not None:
            self._next = log.told
            self.tell(self._project(log.seen))

    @override
    def deliver(self, chunk: Chunk) -> None:
        log = self.feed.log
        if log is not None:
            self.tell(self._project(log.seen))


class _Ending(_Subscriber[Any]):
    """A subscriber of the result."""

    __slots__ = ("_make",)

    def __init__(self, feed: Feed, observer: ObserverBase[Any], make: Callable[[WorkflowResult[Any]], Any]) -> None:
        super().__init__(feed, observer)
        self._make = make

    @property
    @override
    def keen(self) -> bool:
        return False

    @override
    def began(self) -> None:
        feed = self.feed
        feed.look()
        ending = feed.ending
        if ending is not None:
            self._next = ending.finish.seq + 1
        elif feed.log is not None:
            self._next = feed.log.told

    @override
    def finished(self, error: Exception | None) -> None:
        ending = self.feed.ending
        if error is None and ending is not None:
            try:
                value = self._make(ending.outcome.result)
            except Exception as failure:  # noqa: BLE001 # an unsuccessful result, as an error of `output`
                self._observer.on_error(failure)
                return
            self._observer.on_next(value)
            self._observer.on_completed()
        elif error is not None:
            self._observer.on_error(error)


class _Derived(BoundObservable[T]):
    """An Observable each of whose subscriptions is a cursor of its own."""

    def __init__(
        self, feed: Feed, cursor: Callable[[ObserverBase[T]], Cursor], final: Callable[[Ending], T] | None = None
    ) -> None:
        super().__init__(feed.scheduler)
        self._feed = feed
        self._cursor = cursor
        self._final = final

    @override
    def _subscribe_core(self, observer: ObserverBase[T], scheduler: SchedulerBase | None = None) -> DisposableBase:
        cursor = self._cursor(observer)
        cursor.attach()
        return cursor

    @override
    def __await__(self) -> Generator[Any, None, T]:
        ending = self._feed.ending if self._final is not None else None
        if ending is not None and self._final is not None:
            ending.outcome.looked_at = True
            return Done(self._final(ending)).__await__()
        # Past `subscribe`: its trampoline costs more than all the rest, and a cursor needs none.
        told: Coroutine[Any, Any, T] = last_told(self._subscribe_core)
        return told.__await__()


def _derived(
    feed: Feed, cursor: Callable[[ObserverBase[T]], Cursor], final: Callable[[Ending], T] | None = None
) -> Observable[T]:
    # A function infers `T`; `_Derived[T](...)` would do so at run time, for 2 µs a stream.
    return _Derived(feed, cursor, final)


class WorkflowStream(BoundObservable[Chunk], Generic[Out]):
    """The chunks of a run, as a hot Observable and as an async iterator.

    Every subscriber, whenever it joins, sees the same sequence, from the first chunk to the finish. A run that fails
    is no error of the stream: it completes after `workflow-finish`, and the failure is in the `result`. `on_error`
    means a refused call, `RunInterrupted` or `StreamOverflow`.

    ```text
    run         --s--o--o--r--f|
    subscriber  --s--o--o--r--f|
    late one            soo-r--f|
    status      p-r-----------s|
    result      --------------R|
    ```

    Attributes:
        run_id: the id of the run.
        workflow_id: the id of its workflow.
        scheduler: the run's Rx scheduler; time operators on the stream use it unless another is named.
    """

    def __init__(self, feed: Feed) -> None:
        """Wrap a feed. Streams are made by `Run`."""
        super().__init__(feed.scheduler)
        self._feed = feed

    @property
    def run_id(self) -> str:
        """The id of the run."""
        return self._feed.run_id

    @property
    def workflow_id(self) -> str:
        """The id of the workflow."""
        return self._feed.workflow_id

    @override
    def _subscribe_core(self, observer: ObserverBase[Chunk], scheduler: SchedulerBase | None = None) -> DisposableBase:
        subscription = _Subscription(self._feed, observer)
        subscription.attach()
        return subscription

    @property
    def status(self) -> Observable[RunStatus]:
        """The status of the run: the present one on subscribing, then each change; `await` gives the final one."""
        feed = self._feed
        return _derived(feed, lambda observer: _Follower(feed, observer, _status, distinct=True), _status_of)

    @property
    def usage(self) -> Observable[Usage]:
        """Running totals of the tokens counted; `await` gives the total."""
        feed = self._feed
        project = _whole_usage if feed.view.whole else _leg_usage
        return _derived(feed, lambda observer: _Follower(feed, observer, project, distinct=True))

    @property
    def result(self) -> Observable[WorkflowResult[Out]]:
        """The result, once: `Success`, `Failed`, `Suspended`, `Canceled` or `Paused`."""
        feed = self._feed
        return _derived(feed, lambda observer: _Ending(feed, observer, lambda result: result), _result_of)

    @property
    def output(self) -> Observable[Out]:
        """The output on success; else an error: `WorkflowFailed`, `-Canceled`, `-Suspended` or `-Paused`."""
        feed = self._feed
        return _derived(feed, lambda observer: _Ending(feed, observer, lambda result: result.unwrap()))

    @property
    def snapshots(self) -> Observable[Snapshot]:
        """The fold as it is now, then after each chunk."""
        feed = self._feed
        return _derived(feed, lambda observer: _Follower(feed, observer, Snapshot.copy, distinct=False))

    def cancel_on_dispose(self) -> Observable[Chunk]:
        """Return the same chunks as an Observable that cancels the run if it is disposed before its end."""
        return _CancelOnDispose(self, self._feed)

    def aiter(self, *, from_seq: int = 0, buffer: int | None = None, on_overflow: OnOverflow = "wait") -> ChunkIterator:
        """Iterate over the chunks.

        Args:
            from_seq: the seq to begin with.
            buffer: how many chunks this reader may lag behind; `None` is any number.
            on_overflow: what happens beyond that. `wait`: each step's `await ctx.write` waits for this reader, from
                its first pull until it is closed, collected, or has stood still for 30 seconds. `drop_oldest`: a
                `Gap` stands for what was dropped. `error`: the iteration ends with `StreamOverflow`.

        Raises:
            ValueError: when an option is out of range.
        """
        return ChunkIterator(self._feed, from_seq=from_seq, buffer=buffer, on_overflow=on_overflow)

    def told(self) -> list[Chunk]:
        """Return the chunks told so far, without waiting for more; on any thread.

        Raises:
            RxLoomError: the call was refused.
        """
        self._feed.look()
        return self._feed.told()

    def _repr_svg_(self) -> str | None:
        """Show what was told so far in a notebook, as a marble diagram."""
        if self._feed.refused is not None:
            return None
        chunks = self.told()
        return svg(chunks, None, Scale()) if chunks else None

    def __aiter__(self) -> ChunkIterator:
        """Iterate over all chunks, without a bound."""
        return ChunkIterator(self._feed)

    @override
    def __await__(self) -> Generator[Any, None, WorkflowResult[Out]]:  # type: ignore[override]
        """Wait for the result."""
        return self.result.__await__()

    @override
    def run(self, scheduler: SchedulerBase | None = None) -> WorkflowResult[Out]:  # type: ignore[override]
        """Block until the result is there, and return it.

        Raises:
            WrongLoop: under a running event loop; `await` it there.
        """
        return self.result.run()

    @override
    def __repr__(self) -> str:
        return f"WorkflowStream(workflow_id={self.workflow_id!r}, run_id={self.run_id!r})"


class _CancelOnDispose(BoundObservable[Chunk]):
    """The chunks of a stream; disposing early cancels the run."""

    def __init__(self, stream: WorkflowStream[Any], feed: Feed) -> None:
        super().__init__(feed.scheduler)
        self._stream = stream
        self._feed = feed

    @override
    def _subscribe_core(self, observer: ObserverBase[Chunk], scheduler: SchedulerBase | None = None) -> DisposableBase:
        return _Canceling(self._feed, observer).begin()


class _Canceling(_Subscription):
    __slots__ = ("_over",)

    def begin(self) -> DisposableBase:
        self._over = False
        self.attach()
        return self

    @override
    def finished(self, error: Exception | None) -> None:
        self._over = True
        super().finished(error)

    @override
    def dispose(self) -> None:
        over = self._over
        self._over = True
        super().dispose()
        if not over:
            self.feed.cancel()


def _result_of(ending: Ending) -> WorkflowResult[Any]:
    return ending.outcome.result


def _status_of(ending: Ending) -> RunStatus:
    return ending.outcome.result.status


def _status(snapshot: Snapshot) -> RunStatus:
    return snapshot.status


def _leg_usage(snapshot: Snapshot) -> Usage:
    return snapshot.leg_usage


def _whole_usage(snapshot: Snapshot) -> Usage:
    return snapshot.usage
