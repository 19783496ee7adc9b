"""Feeds: what a stream object reads from, before, while and after its leg is there."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from copy import copy
from sys import maxsize
from threading import RLock
from typing import NamedTuple, Protocol

from reactivex.abc import DisposableBase
from typing_extensions import override

from rxloom.chunk_buffer import Ending
from rxloom.chunks import Chunk, Gap, Told, WorkflowFinish, WorkflowStart
from rxloom.errors import RxLoomError
from rxloom.lock import LOCK
from rxloom.log import ChunkLog
from rxloom.ports.loop import LoopPort
from rxloom.scheduler import LoopScheduler

BEGIN = 0.05
"""Seconds that disposing on another thread waits for a call that is about to begin; as a rule it is microseconds."""


logger: logging.Logger = logging.getLogger("rxloom")


class View(NamedTuple):
    """Which part of a run a stream shows.

    Attributes:
        first: the seq it begins with.
        end_after: it ends with the first finish at or after this seq.
        terminal: whether only a finish with a terminal status ends it.
        seamless: whether a suspension, and the start of the leg after it, are left out.
        whole: whether the tokens of all legs are counted.
    """

    first: int = 0
    end_after: int = 0
    terminal: bool = False
    seamless: bool = False
    whole: bool = False

    def ends_with(self, chunk: WorkflowFinish) -> bool:
        """Tell whether the stream ends with this finish."""
        if chunk.seq < self.end_after:
            return False
        return not (self.terminal and chunk.payload.workflow_status in {"suspended", "paused"})

    def skips(self, chunk: Chunk) -> bool:
        """Tell whether this chunk is left out."""
        if not self.seamless:
            return False
        if isinstance(chunk, WorkflowFinish):
            return not self.ends_with(chunk)
        return isinstance(chunk, WorkflowStart) and chunk.seq > self.first


class Waiter(Protocol):
    """Somebody who asked a feed before its leg was there."""

    def held(self) -> None:
        """The run waits for its turn."""
        ...

    def ready(self) -> None:
        """The feed is bound, or refused."""
        ...


class Owner(Protocol):
    """The run that a feed belongs to."""

    def report(self, error: BaseException) -> None:
        """Report what a subscriber raised."""
        ...

    def cancel_soon(self, port: LoopPort) -> None:
        """Cancel the run without waiting."""
        ...


class Feed:
    """The leg, or legs, behind a stream object: not there yet, there, or refused."""

    __slots__ = (
        "__weakref__", "_waiters", "log", "owner", "pending", "port", "refused", "run_id", "scheduler", "view",
        "workflow_id",
    )  # fmt: skip

    def __init__(self, run_id: str, workflow_id: str, scheduler: LoopScheduler, owner: Owner, view: View) -> None:
        """Make a feed whose leg is not there yet."""
        self.run_id: str = run_id
        self.workflow_id: str = workflow_id
        self.scheduler: LoopScheduler = scheduler
        self.owner: Owner = owner
        self.port: LoopPort | None = None
        self.view: View = view
        self.log: ChunkLog | None = None
        self.pending: bool = False
        self.refused: Exception | None = None
        self._waiters: tuple[Waiter, ...] | None = ()

    def report(self, error: BaseException) -> None:
        """Report what a subscriber raised."""
        self.owner.report(error)

    def cancel(self) -> None:
        """Cancel the run, if this is the stream of a call that started or continued it."""
        if self.port is not None:
            self.owner.cancel_soon(self.port)

    def hold(self) -> None:
        """Take note that the run was not started yet: its status is `pending`."""
        self.pending = True
        for waiter in self._waiters or ():
            waiter.held()

    def bind(self, log: ChunkLog, view: View) -> None:
        """Give the feed its leg; harmless when it was refused before."""
        if self.refused is None:
            self.view = view
            self.log = log
            self._wake()

    def refuse(self, error: Exception) -> None:
        """End every stream of the feed with `error`: there is no leg. Harmless when there is one."""
        if self.log is None and self.refused is None:
            self.refused = fresh(error)
            self._wake()

    def _wake(self) -> None:
        with LOCK:
            waiters, self._waiters = self._waiters, None
        for waiter in waiters or ():
            waiter.ready()

    def wait(self, waiter: Waiter) -> bool:
        """Have the waiter told when the leg is there; return False if it is, or was refused."""
        with LOCK:
            if self._waiters is None:
                return False
            self._waiters = (*self._waiters, waiter)
        if self.pending:
            waiter.held()
        return True

    @property
    def ended(self) -> bool:
        """Whether everything the stream will ever show was told."""
        log = self.log
        if log is None:
            return self.refused is not None
        return log.error is not None or self.ending is not None

    @property
    def ending(self) -> Ending | None:
        """The end of the stream, once it was told."""
        log = self.log
        if log is None:
            return None
        for ending in log.endings:
            if self.view.ends_with(ending.finish):
                return ending if ending.finish.seq < log.told else None
        return None

    def told(self) -> list[Chunk]:
        """Return what the stream has told so far; on any thread.

        Raises:
            RxLoomError: the call was refused.
        """
        if self.refused is not None:
            raise fresh(self.refused)
        if self.log is None:
            return []
        view, ending = self.view, self.ending
        chunks: list[Chunk] = []
        for chunk in self.log.slice(view.first, maxsize):
            if ending is not None and not isinstance(chunk, Gap) and chunk.seq > ending.finish.seq:
                break
            if not view.skips(chunk):
                chunks.append(chunk)
        return chunks

    def look(self) -> None:
        """Take note that somebody looks: a failure need not be logged."""
        if self.log is not None:
            ending = self.ending if self.log.endings else None
            outcome = self.log.outcome if ending is None else ending.outcome
            if outcome is not None:
                outcome.looked_at = True

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

    __slots__ = ("_joined", "_lock", "_next", "_seamless", "disposed", "feed")

    def __init__(self, feed: Feed, first: int = 0) -> None:
        """Make a cursor into `feed` that begins at seq `first`, or where the feed does."""
        self.feed: Feed = feed
        self._next = first
        self._joined = False
        self._seamless = False
        self._lock = RLock()
        self.disposed: bool = False

    # -- what subclasses do --------------------------------------------------------------------------------------

    @property
    def keen(self) -> bool:
        """Whether it is told what steps write, and not the lifecycle alone."""
        return True

    def hides(self, chunk: Chunk) -> bool:
        """Tell whether a chunk is not delivered: a seam, in a view that has none."""
        return self.feed.view.skips(chunk)

    def held(self) -> None:
        """Be told that the run waits for its turn."""

    def began(self) -> None:
        """Be told that the leg is there, before the first chunk."""

    def deliver(self, chunk: Chunk) -> None:
        """Take one chunk."""

    def finished(self, error: Exception | None) -> None:
        """Take the end."""

    def faulted(self) -> None:
        """Let go of a subscriber that raised."""

    @property
    def stopped(self) -> bool:
        """Whether it takes nothing more, though nobody could dispose it yet."""
        return False

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
        if log is None:
            self.end(feed.refused)
            return
        self._next = max(self._next, feed.view.first)
        self._seamless = feed.view.seamless
        self.guard(self.began)
        self._read(log)
        if not self.disposed:
            # Another thread may tell something between the last look and this; so it joins first, then looks again.
            self._joined = True
            log.listen(self)
            self._read(log)
            if self.disposed:
                self._leave()

    def _read(self, log: ChunkLog) -> None:
        """Take what was told so far, up to the end of the stream."""
        feed = self.feed
        while not self.disposed:
            ending = feed.ending
            if ending is not None and self._next > ending.finish.seq:
                self.end(None)
                return
            batch = log.slice(self._next)
            if not batch:
                if log.error is not None:
                    self.end(log.error)
                return
            self._take(batch)
            if self.stopped:
                self.disposed = True

    # -- being told ----------------------------------------------------------------------------------------------

    def push(self, chunk: Told) -> None:
        """Take the next chunk from the log."""
        if chunk.seq > self._next and self.keen and self.feed.log is not None:
            self._read(self.feed.log)  # another thread has just joined it, and has not read on yet
        else:
            self._take((chunk,))

    def _take(self, chunks: Sequence[Chunk]) -> None:
        lock = self._lock
        for chunk in chunks:
            with lock:
                if self.disposed:
                    return
                if type(chunk) is Gap:
                    first, last = chunk.data.from_seq, chunk.data.to_seq
                else:
                    first = last = chunk.seq
                if first >= self._next:  # else another thread took it, or the stream begins behind it
                    self._next = last + 1
                    try:
                        if not (self._seamless and self.hides(chunk)):
                            self.deliver(chunk)
                    except BaseException as error:  # noqa: BLE001 # a subscriber's fault is its own
                        self._fault(error)
            if type(chunk) is WorkflowFinish and self.feed.view.ends_with(chunk):
                self.end(None)

    def end(self, error: Exception | None) -> None:
        """Take the end of the stream."""
        with self._lock:
            if self.disposed:
                return
            self.disposed = True
            self._leave()
            told = None if error is None else fresh(error)
            try:
                self.finished(told)
            except BaseException as fault:  # noqa: BLE001 # a subscriber's fault is its own
                if fault is not told:
                    self.feed.report(fault)
                else:  # what reactivex does for a subscriber without `on_error`
                    logger.warning("a stream of run %s ended, and nobody took its error: %r", self.feed.run_id, told)

    def guard(self, call: Callable[[], None]) -> None:
        """Make a call to the subscriber, unless it was disposed; it is detached if it raises."""
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
        self.faulted()
        self.feed.report(error)

    def _leave(self) -> None:
        log = self.feed.log
        if self._joined and log is not None:
            self._joined = False
            log.forget(self)

    @override
    def dispose(self) -> None:
        """Be told nothing more.

        On another thread it waits until a call that is about to begin has begun. It does not wait for its end: the
        subscriber may want a lock which whoever disposes holds.
        """
        self.disposed = True
        if self._lock.acquire(timeout=BEGIN):
            self._lock.release()
        self._leave()


def fresh(error: Exception) -> Exception:
    """Return a copy of an error of ours: each reader gets one, so that no traceback leads back to what holds it."""
    if not isinstance(error, RxLoomError):
        return error
    again = copy(error)
    again.__cause__ = error.__cause__
    again.__suppress_context__ = error.__suppress_context__
    return again
