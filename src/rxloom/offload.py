"""Threads for blocking calls: made on demand, reused, ended when idle, never in the way of an exit."""

from __future__ import annotations

import asyncio
import os
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context
from enum import Enum, auto
from itertools import count
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, TypeVar
from weakref import WeakSet

from typing_extensions import override

from rxloom.ports.offload import Call, Offload, Outcome
from rxloom.scheduler import hold, release

__all__ = ["ThreadPool"]

_T = TypeVar("_T")

_LEAVE = 1.0  # seconds an idle thread gets to be gone; it takes microseconds


class ThreadPool(Offload):
    """Run each call on a daemon thread of its own, at most so many at a time; the rest queues in order.

    `concurrent.futures` joins its threads when the interpreter exits, so that one call which does not return
    holds it for ever; and it puts exceptions into futures, where some of them hang. Neither happens here.

    A process that forks gets a pool without threads and calls in the child.

    Args:
        max_threads: how many calls run at a time.
        idle: seconds after which a thread without work ends.

    Example:
        >>> import asyncio, contextvars
        >>> async def main() -> None:
        ...     loop = asyncio.get_running_loop()
        ...     done = loop.create_future()
        ...     pool = ThreadPool()
        ...     pool.submit(lambda: 6 * 7, done.set_result, context=contextvars.copy_context(), loop=loop)
        ...     print((await done).unwrap(), pool.close())
        >>> asyncio.run(main())
        42 []
    """

    def __init__(self, max_threads: int = 40, *, idle: float = 5.0) -> None:
        if max_threads < 1:
            raise ValueError(f"max_threads must be at least 1, not {max_threads!r}")
        self._max_threads = max_threads
        self._idle = idle
        self._numbers = count(1)
        self.start_afresh()
        _POOLS.add(self)

    def start_afresh(self) -> None:
        """Forget all threads and calls: in the child of a fork there are none."""
        self._lock = threading.Lock()
        self._claimed: SimpleQueue[_Call | None] = SimpleQueue()
        self._backlog: deque[_Call] = deque()
        self._workers: set[_Worker] = set()
        self._free = 0
        self._open = 0
        self._closed = False

    @property
    @override
    def open(self) -> int:
        """How many calls are queued or running."""
        return self._open

    @override
    def submit(
        self,
        fn: Callable[[], _T],
        on_done: Callable[[Outcome[_T]], None],
        *,
        context: Context,
        loop: asyncio.AbstractEventLoop,
        label: str = "",
    ) -> Call:
        """Run `fn` on a thread; see the port for the rest.

        Raises:
            RuntimeError: closed, or no thread can be started.
        """
        call = _Call(self, fn, on_done, context, loop, label)
        with self._lock:
            if self._closed:
                raise RuntimeError("the thread pool is closed")
            call.hold()
            self._open += 1
            if self._free:
                # A thread that waits is promised to this call before it wakes, so nobody else counts on it.
                self._free -= 1
                self._claimed.put(call)
            elif len(self._workers) >= self._max_threads or not self._spawn(call):
                self._backlog.append(call)
        return call

    def _spawn(self, call: _Call) -> bool:
        worker = _Worker(self, call, f"rxloom-worker-{next(self._numbers)}")
        try:
            worker.start()
        except RuntimeError:
            if self._workers:
                return False  # the system has no more threads; those we have will come to it
            call.release()
            self._open -= 1
            raise
        self._workers.add(worker)
        return True

    def next_call(self, worker: _Worker) -> _Call | None:
        """Give a worker that is done with its call another one, or `None` if it is to end."""
        with self._lock:
            if self._backlog:
                return self._backlog.popleft()
            if self._closed:
                return None
            self._free += 1
        worker.call = None
        while True:
            with suppress(Empty):
                return self._claimed.get(timeout=self._idle)
            with self._lock:
                if self._free:
                    # Both at once: a thread that is leaving must not count as one that may still take a call.
                    self._free -= 1
                    self._workers.discard(worker)
                    return None
            # No free thread is left, so this one is promised to a call that is in the queue by now.

    def left(self, worker: _Worker) -> None:
        """Forget a worker whose thread ends."""
        with self._lock:
            self._workers.discard(worker)

    def begin(self, call: _Call) -> bool:
        """Tell whether a call may run; from here on it cannot be taken back."""
        with self._lock:
            if call.state is _State.OVER:
                return False
            call.state = _State.BEGUN
            return True

    def settle(self, call: _Call) -> None:
        """Count a call that has ended as no longer open."""
        with self._lock:
            call.state = _State.OVER
            self._open -= 1

    def take_back(self, call: _Call) -> bool:
        """Cancel a call that has not begun."""
        with self._lock:
            if call.state is not _State.QUEUED:
                return False
            call.state = _State.OVER
            self._open -= 1
            if call in self._backlog:  # else a worker has it in hand, and drops it
                self._backlog.remove(call)
        call.release()
        return True

    @override
    def close(self, *, wait: float = 0.0) -> list[str]:
        """Take no more calls and let the threads go; see the port for the rest."""
        deadline = monotonic() + wait
        with self._lock:
            self._closed = True
            backlog, self._backlog = self._backlog, deque()
            self._open -= len(backlog)
            for _ in range(self._free):
                self._claimed.put(None)
            self._free = 0
            workers = list(self._workers)
        for queued in backlog:
            queued.refuse()
        for worker in workers:
            worker.join(max(0.0, deadline - monotonic()) if worker.busy else _LEAVE)
        return [worker.label for worker in workers if worker.busy and worker.is_alive()]


_POOLS: WeakSet[ThreadPool] = WeakSet()


def _after_fork() -> None:
    for pool in list(_POOLS):
        pool.start_afresh()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class _Worker(threading.Thread):
    """A thread of the pool."""

    def __init__(self, pool: ThreadPool, call: _Call, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self._pool = pool
        self.call: _Call | None = call

    @property
    def busy(self) -> bool:
        """Whether it has a call that has not ended."""
        call = self.call
        return call is not None and call.state is not _State.OVER

    @property
    def label(self) -> str:
        """What to call what it is at."""
        return (self.call and self.call.label) or self.name

    @override
    def run(self) -> None:
        pool = self._pool
        while (call := self.call) is not None:
            if pool.begin(call):
                call.run()
            del call  # or what it held would live until the next one
            self.call = pool.next_call(self)
        pool.left(self)


class _State(Enum):
    QUEUED = auto()
    BEGUN = auto()
    OVER = auto()


class _Call:
    """One call on its way: handed over, run on a thread, reported to a loop."""

    __slots__ = ("_context", "_fn", "_loop", "_on_done", "_pool", "label", "state")

    def __init__(
        self,
        pool: ThreadPool,
        fn: Callable[[], Any],
        on_done: Callable[[Outcome[Any]], None],
        context: Context,
        loop: asyncio.AbstractEventLoop,
        label: str,
    ) -> None:
        self._pool = pool
        self._fn: Callable[[], Any] | None = fn
        self._on_done: Callable[[Outcome[Any]], None] | None = on_done
        self._context: Context | None = context
        self._loop = loop
        self.label: str = label
        self.state: _State = _State.QUEUED

    def cancel(self) -> bool:
        """Take the call back, if it has not begun."""
        return self._pool.take_back(self)

    def hold(self) -> None:
        """Make a virtual clock stand still."""
        hold(self._loop)

    def release(self) -> None:
        """Let a virtual clock go on, and drop what is not needed any more."""
        self._fn = self._on_done = self._context = None
        release(self._loop)

    def run(self) -> None:
        """Carry out the call, on the worker's thread."""
        fn, context = self._fn, self._context
        self._fn = self._context = None
        if fn is not None and context is not None:
            outcome = _outcome(fn, context)
            self._pool.settle(self)  # first, so that whoever is told finds it closed
            self._report(outcome)

    def refuse(self) -> None:
        """Report that it will not run."""
        self._report(Outcome(error=RuntimeError("the thread pool was closed before the call began")))

    def _report(self, outcome: Outcome[Any]) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits for it
            self._loop.call_soon_threadsafe(self._deliver, outcome)

    def _deliver(self, outcome: Outcome[Any]) -> None:
        on_done = self._on_done
        self.release()
        if on_done is not None:
            on_done(outcome)


def _outcome(fn: Callable[[], _T], context: Context) -> Outcome[_T]:
    # A frame of its own: the traceback refers to it, and it must not refer to the outcome.
    try:
        return Outcome(context.run(fn))
    except BaseException as error:  # noqa: BLE001  whatever it is, it belongs to the caller
        return Outcome(error=error)
