"""An asyncio event loop whose time jumps instead of passing."""

from __future__ import annotations

import asyncio
import selectors
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Executor
from functools import partial
from heapq import heappop
from pathlib import Path
from random import Random
from typing import Any, TypeVar, TypeVarTuple

from typing_extensions import override

from rxloom.errors import WrongLoop
from rxloom.scheduler import call_on, running_loop
from rxloom.testing._shuffle import shuffled

__all__ = ["Deadlock", "VirtualLoop", "virtual_run"]

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")

_EPOCH = 1_700_000_000.0
_THREADS = 1.0  # real seconds that threads nobody counts get to call in
_ASYNCIO = str(Path(asyncio.__file__).parent)
_PATIENCE = 30.0  # real seconds for sockets, and for calls on threads, to answer


class Deadlock(RuntimeError):
    """Nothing can happen any more in a loop with virtual time, and what it runs is not finished."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop with virtual time: when nothing is ready, the clock jumps to the next timer.

    `asyncio.sleep(3600)` takes no time, the order of timers is exact, and `time()` starts at zero. Sockets
    work: what is ready comes before any jump. The clock stands still while a call is out on a thread, if the
    loop knows of it: the library's own worker threads, `asyncio.to_thread` and `run_in_executor` tell it, other
    threads may with `hold` and `release`.

    When nothing is left to wait for, it raises `Deadlock`, which names the tasks that wait and where.

    With a `seed`, what is ready at the same time comes in a random order, the same one each time for the same seed:
    steps of tasks, and timers that are due at the same moment, change places. What asyncio promises is kept:
    callbacks of `call_soon` stay in order among themselves, and so do those who wait for one and the same future.
    What threads and sockets bring comes when it comes, with a seed as without.

    Args:
        epoch: seconds since 1970 at time zero, for whoever asks the library's clock for the date.
        seed: shuffles what is ready; `None` leaves it in asyncio's order.

    Example:
        >>> async def nap() -> float:
        ...     await asyncio.sleep(86400)
        ...     return asyncio.get_running_loop().time()
        >>> with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        ...     runner.run(nap())
        86400.0
    """

    _ready: deque[asyncio.Handle]
    _scheduled: list[asyncio.TimerHandle]

    def __init__(self, epoch: float = _EPOCH, *, seed: int | None = None) -> None:
        self._now = 0.0
        self._random = None if seed is None else Random(seed)  # noqa: S311 # it is to be repeatable
        self.seed = seed
        self._held = 0
        self._holding = threading.Lock()
        self._waited_for = False
        self.epoch = epoch
        super().__init__(_JumpingSelector(self))
        # A timer is due if it comes less than this after `time()`. Floats of some months are further apart than
        # the nanosecond asyncio sets here: the clock would be at the timer, and the timer for ever just ahead.
        self._clock_resolution = 1e-6

    @override
    def time(self) -> float:
        """Return the virtual seconds that have passed."""
        return self._now

    @property
    def held(self) -> bool:
        """Whether the clock has to stand still."""
        return self._held > 0

    @property
    def waited_for(self) -> bool:
        """Whether somebody waits for something to finish in this loop, rather than just let it run."""
        return self._waited_for

    def jump(self, seconds: float) -> None:
        """Move the clock."""
        # To whole nanoseconds, the resolution of the loop: a timer at 0.1 + 0.2 comes at 0.3.
        self._now = round(self._now + seconds, 9)

    def shuffle(self) -> None:
        """Put what is ready in another order, timers that are due included; nothing without a seed."""
        if self._random is None:
            return
        ready, timers = self._ready, self._scheduled
        due = self._now + self._clock_resolution
        while timers and timers[0].when() < due:  # the loop would do that next
            timer: Any = heappop(timers)
            timer._scheduled = False  # noqa: SLF001 # as the loop does
            ready.append(timer)
        if len(ready) > 1:
            taken = [ready.popleft() for _ in range(len(ready))]  # other threads may append meanwhile: behind these
            ready.extendleft(reversed(list(shuffled(taken, self._random))))

    def hold(self) -> None:
        """Let the clock stand still until `release` was called as often; on any thread."""
        with self._holding:
            self._held += 1

    def release(self) -> None:
        """Undo one `hold`; on any thread."""
        with self._holding:
            self._held -= 1
        call_on(self, _nothing)  # wakes it, if it waits for just this

    @override
    def run_in_executor(self, executor: Executor | None, func: Callable[[*_Ts], _T], *args: *_Ts) -> asyncio.Future[_T]:
        """Run a call on a thread; the clock stands still meanwhile."""
        future = super().run_in_executor(executor, func, *args)
        self.hold()
        future.add_done_callback(self._returned)
        return future

    def _returned(self, _: object) -> None:
        self.release()

    @override
    async def shutdown_default_executor(self, *args: Any, **kwargs: Any) -> None:
        """Join the threads of the default executor, in real time."""
        self.hold()
        try:
            await super().shutdown_default_executor(*args, **kwargs)
        finally:
            self.release()

    @override
    def run_until_complete(self, future: Any) -> Any:
        """Run until the future or coroutine is done.

        Raises:
            Deadlock: it never will be.
        """
        before, self._waited_for = self._waited_for, True
        try:
            return super().run_until_complete(future)
        finally:
            self._waited_for = before


def virtual_run(main: Coroutine[Any, Any, _T], *, debug: bool | None = None, seed: int | None = None) -> _T:
    """Run a coroutine like `asyncio.run`, in virtual time.

    Args:
        main: what to run.
        debug: asyncio's debug mode.
        seed: puts what is ready at the same time in another order, repeatably; see `VirtualLoop`.

    Raises:
        Deadlock: the coroutine waits for something that cannot come.
        WrongLoop: an event loop runs here already.

    Example:
        >>> virtual_run(asyncio.sleep(3600, "an hour later"))
        'an hour later'
    """
    if running_loop() is not None:
        main.close()
        raise WrongLoop(
            "this thread runs an event loop, and virtual time needs one of its own: make the test a plain `def`"
        )
    with asyncio.Runner(loop_factory=partial(VirtualLoop, seed=seed), debug=debug) as runner:
        return runner.run(main)


class _JumpingSelector(selectors.DefaultSelector):
    """A selector that moves its loop's clock where another would wait."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._virtual = loop

    @override
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = self._select(timeout)
        self._virtual.shuffle()
        return events

    def _select(self, timeout: float | None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout <= 0:
            return super().select(0)
        if self._virtual.held:
            return self._wait(_PATIENCE, "a call on another thread has not returned for so long")
        events = super().select(0)
        if events:
            return events
        if timeout is not None:
            self._virtual.jump(timeout)
            return events
        return self._wait_outside()

    def _wait_outside(self) -> list[tuple[selectors.SelectorKey, int]]:
        """Nothing is ready and no timer is set: only something from outside can help."""
        if not self._virtual.waited_for:
            return super().select(None)
        if len(self.get_map()) > 1:  # more than the loop's own pipe
            return self._wait(_PATIENCE, "no socket has been ready for so long, and no timer is set")
        if threading.active_count() > 1:
            return self._wait(_THREADS, "no timer is set, and no thread has called in for so long")
        raise Deadlock(self._explain("no timer is set, no call is out on a thread, no socket is open"))

    def _wait(self, seconds: float, reason: str) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(seconds)
        if not events:
            raise Deadlock(self._explain(f"{reason} ({seconds:g} s of real time)"))
        return events

    def _explain(self, reason: str) -> str:
        tasks = sorted(asyncio.all_tasks(self._virtual), key=lambda task: task.get_name())
        waiting = "".join(f"\n  {task.get_name()}, {_where(task)}" for task in tasks)
        seed = "" if self._virtual.seed is None else f" (seed {self._virtual.seed})"
        when = f"{self._virtual.time():g} s{seed}"
        return f"nothing can happen any more at {when}: {reason}. Waiting:{waiting or ' no task'}"


def _where(task: asyncio.Task[Any]) -> str:
    """Say what a task awaits, and at which line of code that is not asyncio's."""
    names: list[str] = []
    place = "not begun"
    for frame in _frames(task.get_coro()):
        names.append(frame.f_code.co_qualname)
        if not frame.f_code.co_filename.startswith(_ASYNCIO):
            place = f"{frame.f_code.co_filename}:{frame.f_lineno}"
    return f"in {' > '.join(names)}, {place}" if names else place


def _frames(awaited: Any) -> Iterator[Any]:
    """Go down from a coroutine through all it awaits."""
    while awaited is not None:
        frame = getattr(awaited, "cr_frame", None)
        if frame is not None:
            yield frame
        awaited = getattr(awaited, "cr_await", None)


def _nothing() -> None:
    pass
