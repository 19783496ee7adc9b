"""One leg of a run being carried out: its log, its clock, its tasks, and who is open in it."""

from __future__ import annotations

import logging
from asyncio import AbstractEventLoop, current_task
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Mapping
from concurrent.futures import Future as Promise
from contextvars import Context, ContextVar
from threading import get_ident
from typing import Any, Final, Protocol

from reactivex.abc import DisposableBase, SchedulerBase

from rxloom.chunks import ContextWrite, Private, Told
from rxloom.engine._budget import Gate
from rxloom.engine._parent import Parent
from rxloom.engine._recall import Recall
from rxloom.engine._task import LegTask
from rxloom.errors import RunInterrupted
from rxloom.lock import LOCK
from rxloom.log import ChunkLog
from rxloom.ports.loop import LoopPort
from rxloom.runtime_context import RuntimeContext
from rxloom.scheduler import LoopScheduler
from rxloom.snapshot import Snapshot

logger = logging.getLogger("rxloom")

CURRENT_RUNS: ContextVar[tuple[str, ...]] = ContextVar("rxloom_current_runs", default=())
"""The runs whose steps the current code is part of, outermost first."""


ABANDONED: Final[list[Callable[[Execution], object]]] = []
"""Called with each live leg that loses its loop."""


class Fan(Protocol):
    """An open fan-out, in which a suspended child can be started again while its siblings run."""

    def rejoin(self, paths: set[str]) -> bool:
        """Start the suspended children that lead to one of `paths`; tell whether there was one."""
        ...


class Wait(Protocol):
    """A step that waits for an event."""

    def deliver(self) -> None:
        """Take the oldest event of its name."""
        ...


class LegPort(Protocol):
    """What is above the engine: the leg as a whole."""

    def cancel(self, reason: str | None = None) -> None:
        """Cancel it."""
        ...

    def interrupted(self) -> None:
        """Take note that the run was taken from this process."""
        ...


class Execution:
    """What every node and call of one leg shares.

    All of it belongs to the thread of the leg's loop; `post` is the way in from other threads.
    """

    __slots__ = (
        "__weakref__", "_calls", "_context", "_fans", "_gate", "_posted", "_prefix", "_waits", "calls",
        "cancel_reason", "canceling", "context", "immediate", "interrupted", "leg", "log", "loop", "loopless", "now",
        "offload",
        "own_loop", "per_step", "port", "recall", "root", "run_id", "runtime", "scheduler", "silent", "snapshot",
        "strand", "tasks", "thread",
    )  # fmt: skip

    def __init__(self, log: ChunkLog, port: LoopPort, context: Context) -> None:
        """Make the execution of a leg.

        Args:
            log: the run's log.
            port: the loop it runs on, with its scheduler and worker threads.
            context: the `contextvars` of whoever started the leg; each body runs in a copy.
        """
        self.log: ChunkLog = log
        self.snapshot: Snapshot = log.snapshot
        self.run_id: str = log.run_id
        self.port: LoopPort = port
        self.loop: AbstractEventLoop = port.loop
        self.scheduler: LoopScheduler = port.scheduler
        self.offload: Any = port.offload
        self.now: Callable[[], int] = port.now
        self.thread: int = get_ident()
        self.context: Context = context
        context.run(CURRENT_RUNS.set, (*context.get(CURRENT_RUNS, ()), log.run_id))
        self.root: Parent = Parent(None)
        self.tasks: set[LegTask] = set()
        self.strand: Any = None
        self._fans: dict[Fan, None] | None = None
        self._waits: dict[str, deque[Wait]] | None = None
        self.recall: Recall | None = None
        self.per_step: bool = False
        self.canceling: bool = False
        self.cancel_reason: str | None = None
        self.interrupted: bool = False
        self.silent: bool = False
        self.leg: LegPort | None = None
        self._context: RuntimeContext | None = None
        self.runtime: Any = None
        self.calls: dict[Parent, None] = {}
        self.own_loop: bool = port.own_loop
        self.immediate: bool = log.commits is None
        self.loopless: bool = port.loopless
        self._calls = 0
        self._prefix = f"{log.run_id}-{log.snapshot.leg + 1}"
        self._gate: Gate | None = None
        self._posted: list[Callable[[], object]] | None = None

    @property
    def gate(self) -> Gate:
        """The queue of bodies that wait for a slot in their budgets."""
        if self._gate is None:
            self._gate = Gate()
        return self._gate

    @property
    def fans(self) -> dict[Fan, None]:
        """The open fan-outs, outermost first."""
        if self._fans is None:
            self._fans = {}
        return self._fans

    @property
    def waits(self) -> dict[str, deque[Wait]]:
        """The steps that wait for an event, by its name, oldest first."""
        if self._waits is None:
            self._waits = {}
        return self._waits

    @property
    def runtime_context(self) -> RuntimeContext:
        """The user's own things, by key; setting one is recorded."""
        if self._context is None:
            self._context = RuntimeContext(self.snapshot.context, self._context_written)
        return self._context

    def _context_written(self, changes: Mapping[str, Any], removed: tuple[str, ...]) -> None:
        record = ContextWrite(dict(changes), removed)
        self.perform(lambda: self.note(record))

    # -- telling -------------------------------------------------------------------------------------------------

    def tell(self, chunk: Told) -> None:
        """Append a chunk to the log; a leg that is over, or was taken from this process, says nothing more."""
        if self.silent:
            return
        try:
            self.log.append(chunk)
        except RunInterrupted as taken:
            self.interrupt(taken)

    def note(self, record: Private) -> None:
        """Record something private, together with the chunk that comes next."""
        if not self.silent:
            self.log.note(record)

    def commit(self) -> None:
        """Store what was noted, where no chunk follows at once."""
        if self.silent:
            return
        try:
            self.log.commit()
        except RunInterrupted as taken:
            self.interrupt(taken)

    def settled(self, action: Callable[[], None]) -> None:
        """Call `action` when all that was told or noted so far is committed, or the run was taken; now, if it is."""
        if self.silent:
            action()
        else:
            self.log.settled(action)

    def next_call_id(self) -> str:
        """Return an id that no other step call of any run has."""
        self._calls += 1
        return f"{self._prefix}-{self._calls}"

    @property
    def recorded(self) -> bool:
        """Whether steps may be settled by what is recorded of an earlier call."""
        return self.recall is not None

    def remember(self) -> Recall:
        """Look at what is recorded from now on: the leg goes on from there."""
        if self.recall is None:
            self.recall = Recall(self.snapshot.suspensions)
        return self.recall

    def has_answered(self, paths: Iterable[str]) -> bool:
        """Tell whether one of these leaves, which were suspended in this leg, has been answered in it since."""
        recall = self.recall
        return recall is not None and any(recall.goes_on(path) for path in paths)

    # -- running -------------------------------------------------------------------------------------------------

    def spawn(self, work: Coroutine[Any, Any, None], *, context: Context | None = None) -> LegTask:
        """Run a coroutine of the engine as a task of this leg."""
        return LegTask(work, self.loop, context or self.context, self.tasks)

    def current_task(self) -> LegTask | None:
        """Return the task of this leg that runs now."""
        task = current_task(self.loop)
        return task if isinstance(task, LegTask) else None

    def soon(self, action: Callable[[], None]) -> None:
        """Run `action` in a turn of its own."""
        self.scheduler.schedule(_invoke, action)

    def after(self, seconds: float, action: Callable[[], None]) -> DisposableBase:
        """Run `action` after some seconds of the scheduler's time."""
        return self.scheduler.schedule_relative(seconds, _invoke, action)

    def on_thread(self) -> bool:
        """Tell whether the caller is on the thread of the leg."""
        return get_ident() == self.thread

    def post(self, action: Callable[[], object]) -> None:
        """Run `action` on the thread of the leg, after everything posted before it.

        Raises:
            RuntimeError: when the loop is closed.
        """
        with LOCK:
            if self._posted is not None:
                self._posted.append(action)
                return
            self._posted = [action]
            try:
                # Under the lock: what another thread tells the loop after its own post must not come before that.
                self.loop.call_soon_threadsafe(self._run_posted)
            except RuntimeError:
                self._posted = None
                raise

    def perform(self, action: Callable[[], object]) -> None:
        """Run `action` on the thread of the leg: now, if this is it; else wait until it has run.

        Raises:
            RuntimeError: when the loop is closed.
        """
        if self.on_thread():
            action()
            return
        done: Promise[None] = Promise()

        def run() -> None:
            try:
                action()
            except BaseException as error:  # noqa: BLE001 # it belongs to the thread that waits
                done.set_exception(error)
            else:
                done.set_result(None)

        self.post(run)
        done.result()

    def _run_posted(self) -> None:
        with LOCK:
            posted, self._posted = self._posted, None
        for action in posted or ():
            try:
                action()
            except Exception:
                logger.exception("rxloom: a posted action failed")

    # -- ending --------------------------------------------------------------------------------------------------

    def interrupt(self, taken: RunInterrupted) -> None:
        """Stop telling: the run was taken from this process. Its tasks are cancelled, nothing is recorded."""
        if self.silent:
            return
        self.interrupted = self.silent = True
        self.log.interrupt(taken)
        for task in [] if self.loop.is_closed() else list(self.tasks):
            task.cancel()
        if self.leg is not None:
            self.leg.interrupted()

    def abandon(self, taken: RunInterrupted) -> None:
        """Interrupt the run because the loop ends that it is bound to."""
        if not self.silent:
            for hear in ABANDONED:
                hear(self)
        self.interrupt(taken)

    def close(self) -> None:
        """Let go of the log: the leg is over.

        Whoever keeps an exception of the run keeps its frames, with them the contexts of its steps, and so this
        execution; the log holds the exception.
        """
        self.silent = True
        self.log.rest()
        del self.log

    def crash(self, error: Exception) -> None:
        """Report a defect of the engine itself, and end the streams rather than hang."""
        logger.error("rxloom: run %s was interrupted by a defect", self.run_id, exc_info=error)
        taken = RunInterrupted(f"the engine failed: {error!r}", run_id=self.run_id)
        taken.__cause__ = error
        self.interrupt(taken)


def _invoke(_: SchedulerBase, action: Callable[[], None] | None = None) -> None:
    if action is not None:
        action()
