"""Who may be live: at most so many runs at once; the others wait their turn, first come first served."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from threading import Lock

from rxloom.errors import RunInterrupted
from rxloom.ports.loop import LoopPort


class Turn:
    """A leg that wants to be live."""

    __slots__ = ("begin", "begun", "port", "refuse", "slow")

    def __init__(
        self, port: LoopPort, begin: Callable[[], None], refuse: Callable[[Exception], None], *, slow: bool = False
    ) -> None:
        """Make a turn.

        Args:
            port: the loop on which it begins.
            begin: begins.
            refuse: called instead when its turn never comes.
            slow: whether the leg is not live yet when `begin` returns; then whoever made this calls `leave`.
        """
        self.port: LoopPort = port
        self.begin: Callable[[], None] = begin
        self.refuse: Callable[[Exception], None] = refuse
        self.slow: bool = slow
        self.begun: bool = False


class Admission:
    """Lets in who may be live. Its methods may be called from any thread.

    Attributes:
        open: whether everybody is let in at once, so that nobody needs a turn.
    """

    __slots__ = ("_closed", "_limit", "_live", "_lock", "_queue", "_starting", "open")

    def __init__(self, limit: int | None, live: Callable[[], int]) -> None:
        """Let in up to `limit`, or any number; `live` counts those that are live."""
        self.open: bool = limit is None
        self._limit = limit
        self._live = live
        self._queue: deque[Turn] = deque()
        self._starting = 0
        self._closed = False
        self._lock = Lock()

    def enter(self, turn: Turn) -> bool:
        """Begin now, on this thread, or queue; tell whether it has begun.

        Raises:
            RunInterrupted: when nobody is let in any more.
        """
        with self._lock:
            if self._closed:
                raise RunInterrupted("the runtime is closed")
            if self._queue or self._full():
                self._queue.append(turn)
                return False
            self._count(turn)
        self._begin(turn)
        return True

    def hurry(self, turn: Turn) -> None:
        """Let in one that waits, out of turn; it will not be live for long."""
        with self._lock:
            if turn not in self._queue:
                return
            self._queue.remove(turn)
            self._count(turn)
        self._begin(turn)

    def leave(self, turn: Turn) -> None:
        """Take note that it is live, and counted as such, or does not want to be any more."""
        self._uncount(turn)
        self.next()

    def next(self) -> None:
        """Let in who may come now."""
        while (turn := self._first()) is not None:
            if turn.port.loop.is_closed():
                self._uncount(turn)
                turn.refuse(RunInterrupted("its loop was closed before it was its turn"))
            elif turn.port.is_here():
                turn.begin()
                if not turn.slow:
                    self._uncount(turn)
            else:
                turn.port.call(partial(self._begin, turn))

    def drop(self, port: LoopPort | None, error: RunInterrupted) -> None:
        """Refuse those that wait for their turn on a loop, or, without one, all, and let nobody in any more."""
        with self._lock:
            if port is None:
                self._closed, self.open = True, False
            gone = [turn for turn in self._queue if port is None or turn.port is port]
            self._queue = deque(turn for turn in self._queue if turn not in gone)
        for turn in gone:
            turn.port.call(partial(turn.refuse, error))

    def _begin(self, turn: Turn) -> None:
        try:
            turn.begin()
        finally:
            if not turn.slow:
                self.leave(turn)

    def _first(self) -> Turn | None:
        if self._limit is None:
            return None
        with self._lock:
            if not self._queue or self._full():
                return None
            turn = self._queue.popleft()
            self._count(turn)
            return turn

    def _full(self) -> bool:
        return self._limit is not None and self._live() + self._starting >= self._limit

    def _count(self, turn: Turn) -> None:
        turn.begun = True
        self._starting += 1

    def _uncount(self, turn: Turn) -> None:
        with self._lock:
            if turn.begun:
                turn.begun = False
                self._starting -= 1
            elif turn in self._queue:
                self._queue.remove(turn)
