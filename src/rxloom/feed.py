"""Feeds: what a stream object reads from, before, while and after its leg is there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import Lock, RLock
from typing import NamedTuple, Protocol

from reactivex.abc import DisposableBase
from typing_extensions import override

from rxloom.chunks import Chunk, Gap, Told, WorkflowFinish, WorkflowStart
from rxloom.log import ChunkLog
from rxloom.outcome import LegOutcome
from rxloom.scheduler import LoopScheduler
from rxloom.snapshot import TERMINAL

Report = Callable[[BaseException], None]


class View(NamedTuple):
    """Which part of a run a stream shows.

    Attributes:
        first: the seq it begins with.
        end_after: it ends with the first finish at or after this seq.
        terminal: whether only a finish with a terminal status ends it.
        seamless: whether a suspension, and the start of the leg after it, are left out.
    """

    first: int = 0
    end_after: int = 0
    terminal: bool = False
    seamless: bool = False

    def ends_with(self, chunk: WorkflowFinish) -> bool:
        """Tell whether the stream ends with this finish."""
        if chunk.seq < self.end_after:
            return False
        status = chunk.payload.workflow_status
        return status in TERMINAL or status == "tripwire" or not (self.terminal and status in {"suspended", "paused"})

    def skips(self, chunk: Chunk) -> bool:
        """Tell whether this chunk is left out."""
        if not self.seamless:
            return False
        if isinstance(chunk, WorkflowFinish):
            return not self.ends_with(chunk)
        return isinstance(chunk, WorkflowStart) and chunk.seq > self.first


class Waiter(Protocol):
    """Somebody who asked a feed before its leg was there."""

    def ready(self) -> None:
        """The feed is bound, or refused."""
        ...


class Feed:
    """The leg, or legs, behind a stream object: not there yet, there, or refused."""

    __slots__ = (
        "__weakref__", "_lock", "_waiters", "cancel", "keep", "log", "outcome", "refused", "report", "run_id",
        "scheduler", "view", "workflow_id",
    )  # fmt: skip

    def __init__(self, run_id: str, workflow_id: str, scheduler: LoopScheduler, report: Report, view: View) -> None:
        """Make a feed whose leg is not there yet."""
        self.run_id: str = run_id
        self.workflow_id: str = workflow_id
        self.scheduler: LoopScheduler = scheduler
        self.report: Report = report
        self.view: View = view
        self.log: ChunkLog | None = None
        self.outcome: LegOutcome | None = None
        self.refused: Exception | None = None
        self.keep: object = None
        self.cancel: Callable[[], None] | None = None
        self._waiters: list[Waiter] | None = []
        self._lock = Lock()

    def bind(self, log: ChunkLog, outcome: LegOutcome | None, view: View | None = None) -> None:
        """Give the feed its leg."""
        self.outcome = outcome
        self.view = view or self.view._replace(first=log.snapshot.next_seq, end_after=log.snapshot.next_seq)
        self.log = log
        self._wake()

    def refuse(self, error: Exception) -> None:
        """End every stream of the feed with `error`: there is no leg."""
        self.refused = error
        self._wake()

    def _wake(self) -> None:
        with self._lock:
            waiters, self._waiters = self._waiters, None
        for waiter in waiters or ():
            waiter.ready()

    def wait(self, waiter: Waiter) -> bool:
        """Have the waiter told when the leg is there; return False if it is, or was refused."""
        with self._lock:
            if self._waiters is None:
                return False
            self._waiters.append(waiter)
            return True

    @property
    def ended(self) -> bool:
        """Whether everything the stream will ever show was told."""
        if self.refused is not None:
            return True
        log = self.log
        if log is None:
            return False
        return log.error is not None or self.last_seq is not None

    @property
    def last_seq(self) -> int | None:
        """The seq of the chunk that ends the stream, once it was told."""
        log = self.log
        if log is None:
            return None
        finish = next((chunk for chunk in log.finishes if self.view.ends_with(chunk)), None)
        return finish.seq if finish is not None and finish.seq < log.told else None

    @property
    def result_outcome(self) -> LegOutcome:
        """The outcome of the leg with which the stream ended."""
        log = self.log
        if log is None or (self.outcome is None and log.outcome is None):
            raise RuntimeError("the leg has not ended")
        if self.outcome is not None and not self.view.terminal:
            return self.outcome
        return log.outcome or self.outcome  # type: ignore[return-value]

    def on_thread(self) -> bool:
        """Tell whether the caller may read and be told directly: on the loop's thread, or when no loop runs there."""
        loop = self.scheduler.loop
        return self.scheduler.on_loop() or not loop.is_running()

    def hop(self, action: Callable[[], None]) -> None:
        """Run `action` on the thread of the loop; here and now when that loop is closed."""
        try:
            self.scheduler.loop.call_soon_threadsafe(action)
        except RuntimeError:
            action()


class Cursor(DisposableBase):
    """A reader that is told: it catches up with what was told, then joins the listeners of the log.

    Calls to it never overlap, and none begins after `dispose` has returned, whoever calls that.
    """

    __slots__ = ("_joined", "_lock", "_next", "disposed", "feed")

    def __init__(self, feed: Feed, first: int = 0) -> None:
        """Make a cursor into `feed` that begins at seq `first`, or where the feed does."""
        self.feed: Feed = feed
        self._next = first
        self._joined = False
        self._lock = RLock()
        self.disposed: bool = False

    # -- what subclasses do --------------------------------------------------------------------------------------

    @property
    def keen(self) -> bool:
        """Whether it is told what steps write, and not the lifecycle alone."""
        return True

    def began(self) -> None:
        """Be told that the leg is there, before the first chunk."""

    def deliver(self, chunk: Chunk) -> None:
        """Take one chunk."""

    def finished(self, error: Exception | None) -> None:
        """Take the end."""

    # -- joining -------------------------------------------------------------------------------------------------

    def attach(self) -> None:
        """Begin, as soon as the leg is there; on the thread of the run, unless all is told already."""
        if not self.feed.wait(self):
            self.ready()

    def ready(self) -> None:
        """Begin: the leg is there, or was refused."""
        if self.feed.on_thread() or self.feed.ended:
            self._catch_up()
        else:
            self.feed.hop(self._catch_up)

    def _catch_up(self) -> None:
        feed = self.feed
        log = feed.log
        if feed.refused is not None or log is None:
            self.end(feed.refused)
            return
        self._next = max(self._next, feed.view.first)
        self._guard(self.began)
        while not self.disposed and (batch := log.slice(self._next)):
            for chunk in batch:
                self._take(chunk)
        if not self.disposed:
            self._join(log)

    def _join(self, log: ChunkLog) -> None:
        """End, or be told what comes: everything told so far was taken."""
        last = self.feed.last_seq
        if log.error is not None:
            self.end(log.error)
        elif last is not None and self._next > last:
            self.end(None)
        else:
            self._joined = True
            log.listen(self)

    # -- being told ----------------------------------------------------------------------------------------------

    def push(self, chunk: Told) -> None:
        """Take the next chunk from the log."""
        if chunk.seq >= self._next:
            self._take(chunk)

    def _take(self, chunk: Chunk) -> None:
        if self.disposed:
            return
        self._next = chunk.data.to_seq + 1 if isinstance(chunk, Gap) else chunk.seq + 1
        view = self.feed.view
        if not (view.seamless and view.skips(chunk)):
            with self._lock:
                if self.disposed:
                    return
                try:
                    self.deliver(chunk)
                except BaseException as error:  # noqa: BLE001 # a subscriber's fault is its own
                    self._fault(error)
        if type(chunk) is WorkflowFinish and view.ends_with(chunk):
            self.end(None)

    def end(self, error: Exception | None) -> None:
        """Take the end of the stream."""
        with self._lock:
            if self.disposed:
                return
            self.disposed = True
            self._leave()
            try:
                self.finished(error)
            except BaseException as fault:  # noqa: BLE001 # a subscriber's fault is its own
                self.feed.report(fault)

    def _guard(self, call: Callable[[], None]) -> None:
        with self._lock:
            if self.disposed:
                return
            try:
                call()
            except BaseException as error:  # noqa: BLE001 # a subscriber's fault is its own
                self._fault(error)

    def _fault(self, error: BaseException) -> None:
        self.disposed = True
        self._leave()
        self.feed.report(error)
        if isinstance(error, (KeyboardInterrupt, SystemExit)) and self.feed.scheduler.on_loop():
            asyncio.get_running_loop().call_soon(_raise, error)

    def _leave(self) -> None:
        log = self.feed.log
        if self._joined and log is not None:
            self._joined = False
            log.forget(self)

    @override
    def dispose(self) -> None:
        """Be told nothing more; waits for a call that is being made on another thread."""
        with self._lock:
            self.disposed = True
        self._leave()


def _raise(error: BaseException) -> None:
    raise error
