"""`smooth`: text at a steady pace."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from datetime import timedelta
from enum import Enum, auto
from threading import Lock
from typing import Any

from reactivex import Observable
from reactivex.abc import DisposableBase, ObserverBase, SchedulerBase
from reactivex.disposable import SingleAssignmentDisposable
from typing_extensions import override

from rxloom.chunk_operator import bound_like
from rxloom.errors import NoEventLoop
from rxloom.scheduler import LoopScheduler, running_loop

__all__ = ["smooth"]


def smooth(
    interval: float | timedelta, *, max_pieces: int = 20, scheduler: SchedulerBase | None = None
) -> Callable[[Observable[str]], Observable[str]]:
    """Pace text: take it in the bursts in which it comes, and tell it in small pieces, one per interval.

    ```text
    text                    --"abcd"-----------------"ef"|
    smooth(1 dash, …)       --"a"-"b"-"c"-"d"--------"e"-("f"|)
    smooth(…, max_pieces=2) --"ab"-"cd"--------------"e"-("f"|)
    ```

    No text is lost or changed: what comes out, joined, is what went in. The first piece of a burst is told at once.
    Pieces are as small as they may be, down to one character, and grow with the backlog, so that any text is out
    `max_pieces` intervals after it came at the latest, however fast it comes. When the source completes, the rest is
    told at the same pace, then the end; when it fails, the rest is told at once, in one piece, then the error.

    It keeps time on the scheduler of the run, so that it starts no thread, and costs nothing in virtual time.

    Args:
        interval: the time between two pieces, in seconds.
        max_pieces: how many pieces the backlog is at most worth: `interval * max_pieces` is the longest delay.
        scheduler: for the pace, instead of the one of the source or of the running event loop.

    Returns:
        An operator from strings to strings.

    Raises:
        ValueError: `interval` is not more than 0, or `max_pieces` less than 1.
        TypeError: one of them is no number. An item that is no string is this error of the sequence.
        NoEventLoop: there is no scheduler to keep time on; as an error of the sequence.

    Example:
        >>> from rxloom import StepContext, create_workflow, step
        >>> from rxloom.operators import text
        >>> from rxloom.testing import virtual_run
        >>> @step
        ... async def speak(words: str, ctx: StepContext) -> None:
        ...     await ctx.write(words)
        >>> speaking = create_workflow("speaking", input=str).then(speak).commit()
        >>> async def main() -> None:
        ...     stream = speaking.create_run().stream_vnext("All at once.")
        ...     await stream.pipe(text(), smooth(0.1, max_pieces=4)).do_action(print)
        >>> virtual_run(main())
        All
         at
         on
        ce.
    """
    return _Smooth(_seconds(interval), _pieces(max_pieces), scheduler)


def _seconds(interval: float | timedelta) -> float:
    seconds = interval.total_seconds() if isinstance(interval, timedelta) else interval
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):  # pyright: ignore[reportUnnecessaryIsInstance] # untyped callers
        raise TypeError(f"smooth() takes seconds or a timedelta; got {interval!r:.80}")
    if not 0 < seconds < math.inf:
        raise ValueError(f"the interval of smooth() is more than 0 seconds; got {interval!r}")
    return seconds


def _pieces(number: int) -> int:
    if isinstance(number, bool) or not isinstance(number, int):  # pyright: ignore[reportUnnecessaryIsInstance] # untyped callers
        raise TypeError(f"max_pieces is a whole number; got {number!r:.80}")
    if number < 1:
        raise ValueError(f"max_pieces is at least 1; got {number}")
    return number


class _Smooth:
    __slots__ = ("_interval", "_pieces", "_scheduler")

    def __init__(self, interval: float, pieces: int, scheduler: SchedulerBase | None) -> None:
        self._interval = interval
        self._pieces = pieces
        self._scheduler = scheduler

    def __call__(self, source: Observable[str]) -> Observable[str]:
        return bound_like(source, Observable(_Subscribe(self, source)))

    def begin(
        self, source: Observable[str], observer: ObserverBase[str], scheduler: SchedulerBase | None
    ) -> DisposableBase:
        clock = self._scheduler or scheduler
        if clock is None:
            loop = running_loop()
            if loop is None:
                raise NoEventLoop("smooth() has no clock here: pipe it from a run's stream, or name a `scheduler=`")
            clock = LoopScheduler(loop)
        pacer = _Pacer(observer, clock, self._interval, self._pieces)
        pacer.source.disposable = source.subscribe(pacer, scheduler=scheduler)
        return pacer


class _Subscribe:
    __slots__ = ("_smooth", "_source")

    def __init__(self, smooth: _Smooth, source: Observable[str]) -> None:
        self._smooth = smooth
        self._source = source

    def __call__(self, observer: ObserverBase[str], scheduler: SchedulerBase | None = None) -> DisposableBase:
        return self._smooth.begin(self._source, observer, scheduler)


class _Completed(Enum):
    COMPLETED = auto()


class _Backlog:
    """Text that is still to be told, and how much of it the next piece is."""

    __slots__ = ("_first", "_pace", "_parts", "_pieces", "size")

    def __init__(self, pieces: int) -> None:
        self._pieces = pieces
        self._parts: deque[str] = deque()
        self._first = 0  # where in the first part
        self._pace = 0
        self.size = 0

    def add(self, text: str) -> None:
        self._parts.append(text)
        self.size += len(text)
        # It never falls while there is a backlog: then what came before is out in time, too.
        self._pace = max(self._pace, -(-self.size // self._pieces))

    def piece(self) -> str:
        return self._take(min(self._pace, self.size))

    def rest(self) -> str:
        return self._take(self.size)

    def _take(self, wanted: int) -> str:
        self.size -= wanted
        if not self.size:
            self._pace = 0
        taken: list[str] = []
        while wanted:
            part = self._parts[0]
            taken.append(part[self._first : self._first + wanted])
            wanted -= len(taken[-1])
            self._first += len(taken[-1])
            if self._first == len(part):
                self._parts.popleft()
                self._first = 0
        return "".join(taken)


class _Pacer(ObserverBase[str], DisposableBase):
    """Takes text from any thread, and tells it on the scheduler: one action at a time, so that no two calls overlap."""

    __slots__ = (
        "_backlog", "_clock", "_end", "_interval", "_lock", "_observer", "_state", "_timer", "_turn", "source",
    )  # fmt: skip

    def __init__(self, observer: ObserverBase[str], clock: SchedulerBase, interval: float, pieces: int) -> None:
        self._observer: ObserverBase[str] | None = observer
        self._clock = clock
        self._interval = interval
        self._lock = Lock()
        self._backlog = _Backlog(pieces)
        self._end: Exception | _Completed | None = None
        self._state: _State = _State.IDLE
        self._turn = 0
        self._timer = SingleAssignmentDisposable()
        self.source = SingleAssignmentDisposable()

    # -- from the source -----------------------------------------------------------------------------------------

    @override
    def on_next(self, value: str) -> None:
        if not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance] # untyped sources
            self.on_error(TypeError(f"smooth() takes text, and got {value!r:.80}; put `text()` before it"))
            return
        with self._lock:
            if not value or self._end is not None or self._observer is None:
                return
            self._backlog.add(value)
            turn = self._next_turn() if self._state is _State.IDLE else None
        self._arm(turn)

    @override
    def on_error(self, error: Exception) -> None:
        self._ended(error)

    @override
    def on_completed(self) -> None:
        self._ended(_Completed.COMPLETED)

    def _ended(self, end: Exception | _Completed) -> None:
        with self._lock:
            if self._end is not None or self._observer is None:
                return
            self._end = end
            paced = self._backlog.size > 0 and end is _Completed.COMPLETED and self._state is not _State.IDLE
            # One that is just being told looks for the end itself.
            turn = None if paced or self._state is _State.TELLING else self._next_turn()
        self._arm(turn)

    # -- on the scheduler ----------------------------------------------------------------------------------------

    def _next_turn(self) -> int:
        """Take the next turn; one that was armed before is none any more. With the lock."""
        self._state = _State.ARMED
        self._turn += 1
        return self._turn

    def _arm(self, turn: int | None, seconds: float = 0.0) -> None:
        holder = SingleAssignmentDisposable()  # in place before it is scheduled: the action may run at once
        with self._lock:
            wanted = self._observer
            if turn != self._turn or wanted is None:
                return  # none is wanted, or another thread has taken the turn after this one
            before, self._timer = self._timer, holder
        before.dispose()
        try:
            holder.disposable = self._clock.schedule_relative(seconds, self._tell, turn)
        except Exception as error:
            observer, rest = self._observer, self._backlog.rest()
            if observer is None:  # what a subscriber raised in an action that ran at once
                raise
            if rest:  # the clock keeps no time, as that of a loop that is closed; no text is lost for that
                observer.on_next(rest)
            self._finish(observer, error)

    def _tell(self, _: SchedulerBase, turn: Any = None) -> None:
        with self._lock:
            observer = self._observer
            if observer is None or turn != self._turn or self._state is not _State.ARMED:
                return
            self._state = _State.TELLING
            piece = self._backlog.rest() if isinstance(self._end, Exception) else self._backlog.piece()
        try:
            if piece:
                observer.on_next(piece)
            self._go_on(rests=bool(piece))
        except BaseException:
            self.dispose()  # else the source would fill a backlog that nobody takes from
            raise

    def _go_on(self, *, rests: bool) -> None:
        """Decide what comes after a piece, or after a rest in which none came."""
        with self._lock:
            observer, end, turn = self._observer, self._end, None
            if observer is None:
                return
            over = end is not None and not self._backlog.size
            if not over and (rests or self._backlog.size):
                turn = self._next_turn()
            self._state = _State.IDLE if turn is None else _State.ARMED
        if over:
            self._finish(observer, end)
        elif isinstance(end, Exception):
            self._arm(turn)
        else:
            self._arm(turn, self._interval)

    def _finish(self, observer: ObserverBase[str], end: Exception | _Completed | None) -> None:
        self._observer = None
        if isinstance(end, Exception):
            observer.on_error(end)
        else:
            observer.on_completed()

    @override
    def dispose(self) -> None:
        with self._lock:
            self._observer = None
            self._backlog.rest()
            timer = self._timer
        timer.dispose()
        self.source.dispose()


class _State(Enum):
    IDLE = auto()
    ARMED = auto()
    TELLING = auto()
