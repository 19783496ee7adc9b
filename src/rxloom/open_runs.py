"""The runs that one subscription has open: never more than so many, and their outcomes told one after another."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextvars import copy_context
from threading import RLock
from typing import Any, Final, NamedTuple

from reactivex.abc import ObserverBase, SchedulerBase
from reactivex.observer import Observer
from typing_extensions import override

from rxloom.aio import Patience
from rxloom.chunks import Chunk
from rxloom.control import Control, Opening, Ticket
from rxloom.errors import RunInterrupted
from rxloom.feed import BEGIN
from rxloom.inner_run import InnerRun
from rxloom.inputs import NOTHING, Inputs
from rxloom.outcome import LegOutcome
from rxloom.ports import runtime as runtimes
from rxloom.ports.node import WorkflowPort
from rxloom.run_ids import new_run_id
from rxloom.scheduler import call_on
from rxloom.values import copy_plain

TURN = 256
"""After so many things to do the loop gets a turn: what is done at once would keep it to itself."""

logger: logging.Logger = logging.getLogger("rxloom")

_NOBODY: Final[Observer[Any]] = Observer()


class Terms(NamedTuple):
    """How the runs of a subscription are carried out.

    Attributes:
        limit: how many may be open at once.
        ordered: whether their outcomes are told in the order of the inputs.
        materialize: whether every outcome is told as a `WorkflowResult`, instead of outputs and one error.
        on_chunk: told every chunk of every run.
    """

    limit: int = 1
    ordered: bool = True
    materialize: bool = False
    on_chunk: Callable[[Chunk], object] | None = None


class OpenRuns(Patience):
    """One subscription: the runs it has open, and what it has still to tell its observer.

    Everything happens on the thread of the loop it was made on, one thing after another: an observer or `on_chunk`
    that causes something else finds it done when it has returned. Every method that says so may be called from any
    thread.
    """

    __slots__ = (
        "_awake", "_busy", "_chunks", "_error", "_inputs", "_line", "_lock", "_observer", "_open",
        "_over", "_patient", "_port", "_runtime", "_variables", "_workflow", "terms",
    )  # fmt: skip

    def __init__(
        self,
        workflow: WorkflowPort,
        terms: Terms,
        inputs: Inputs[Any],
        observer: ObserverBase[Any],
        *,
        patient: bool = False,
    ) -> None:
        """Make a subscription without a run.

        Args:
            workflow: what is run.
            terms: how.
            inputs: what with.
            observer: who is told.
            patient: whether a run counts as open until the observer says by `took` that it has its outcome.
        """
        self._runtime = runtimes.current()
        self._port = self._runtime.here()
        self._variables = copy_context()
        self._workflow = workflow
        self._terms = terms
        self._inputs = inputs
        self._observer = observer
        self._patient = patient
        self._open: dict[InnerRun, None] = {}
        self._line: deque[InnerRun] = deque()  # in the order in which they are told
        self._chunks: deque[Chunk] = deque()
        self._error: Exception | None = None
        self._over = False
        self._busy = False
        self._awake = False
        self._lock = RLock()  # a collector that runs in the middle may dispose this

    def begin(self, scheduler: SchedulerBase | None) -> None:
        """Begin to take inputs."""
        self._inputs.begin(self, scheduler)
        self.wake()

    @property
    def scheduler(self) -> SchedulerBase:
        """The scheduler of the loop."""
        return self._port.scheduler

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop."""
        return self._port.loop

    def on_thread(self) -> bool:
        """Tell whether the caller is on the thread of the loop."""
        return self._port.is_here()

    def report(self, message: str, error: Exception) -> None:
        """Report what nobody else is told of."""
        self.loop.call_exception_handler({"message": message, "exception": error})

    # -- from any thread -----------------------------------------------------------------------------------------

    def wake(self) -> None:
        """Look whether there is something to do."""
        if self._port.scheduler.on_loop():
            self._go_on()
        elif not self._awake:
            self._awake = True
            try:
                self._port.loop.call_soon_threadsafe(self._woken)
            except RuntimeError:  # the loop is closed
                self._finish(RunInterrupted("the loop ended before the source did", workflow_id=self._workflow.id))

    def fail(self, error: Exception) -> None:
        """End with an error, at once; harmless after the first one."""
        with self._lock:
            if self._error is None:
                self._error = error
        self.wake()

    @override
    def dispose(self) -> None:
        """Tell nothing more, cancel the open runs, and let go of the source."""
        self._over = True
        if self._lock.acquire(timeout=BEGIN):  # a call that is about to begin has begun; see `Cursor.dispose`
            self._lock.release()
        self._inputs.close()
        call_on(self._port.loop, self._let_go)

    # -- what the runs tell ---------------------------------------------------------------------------------------

    @property
    def keen(self) -> bool:
        """Whether it is told every chunk."""
        return self._terms.on_chunk is not None

    def told(self, chunk: Chunk) -> None:
        """Take a chunk of a run."""
        self._chunks.append(chunk)
        self._go_on()

    def settled(self, run: InnerRun) -> None:
        """Take note that a run has ended."""
        self._open.pop(run, None)
        if not self._terms.ordered:
            self._line.append(run)
        elif run.outcome is not None and not self._has_value(run.outcome):
            self._give_up_after(run)
        self._go_on()

    def lost(self, run: InnerRun, error: Exception) -> None:
        """Take note that a run was taken from this process."""
        self._open.pop(run, None)
        self.fail(error)

    @override
    def took(self) -> None:
        self._inputs.freed()
        self._go_on()

    def _has_value(self, outcome: LegOutcome) -> bool:
        return self._terms.materialize or outcome.snapshot.status == "success"

    def _give_up_after(self, failed: InnerRun) -> None:
        """Cancel what comes after a run whose failure will be the end, and start nothing more."""
        self._inputs.close()
        while self._line[-1] is not failed:
            self._cancel(self._line.pop())

    # -- doing one thing after another ----------------------------------------------------------------------------

    def _woken(self) -> None:
        self._awake = False
        self._go_on()

    def _go_on(self) -> None:
        """Do what there is to do, unless somebody further up the stack is at it."""
        if not self._busy and not self._over:
            self._busy = True
            try:
                self._variables.run(self._take_turn)
            except Exception as error:  # noqa: BLE001 # whoever is further up the stack has no part in it
                self._finish(error)
            except BaseException as error:  # noqa: BLE001 # what is to end the program
                self._fault(error)
            finally:
                self._busy = False

    def _take_turn(self) -> None:
        for _ in range(TURN):
            if self._over or not self._do_one():
                return
        self._port.loop.call_soon(self._go_on)

    def _do_one(self) -> bool:
        """Do the next thing; tell whether there was one."""
        line = self._line
        if self._chunks:
            self._tell_chunk(self._chunks.popleft())
        elif line and line[0].outcome is not None:
            self._tell(line.popleft().outcome)
        elif self._error is not None:
            self._finish(self._error)
        elif (given := self._inputs.take()) is not NOTHING:
            self._start(given)
        elif self._error is None and self._inputs.done and not self._open and not line:
            self._finish(None)
        else:
            return self._error is not None  # the iterator may just have raised it
        return True

    def _start(self, value: Any) -> None:
        port = self._port
        control = Control(self._runtime, self._workflow, new_run_id())
        run = InnerRun(self, control, port)
        self._open[run] = None
        if self._terms.ordered:
            self._line.append(run)
        control.start(Opening(copy_plain(value)), Ticket(port, run, copy_context()))

    # -- telling --------------------------------------------------------------------------------------------------

    def _tell_chunk(self, chunk: Chunk) -> None:
        with self._lock:
            if self._over or self._terms.on_chunk is None:
                return
            try:
                self._terms.on_chunk(chunk)
            except Exception as error:  # noqa: BLE001 # as with any function that is given to an operator
                self._finish(error)
            except BaseException as error:  # noqa: BLE001 # what is to end the program
                self._fault(error)

    def _tell(self, outcome: LegOutcome | None) -> None:
        if outcome is None:
            return
        if not self._patient:
            self._inputs.freed()
        if not self._has_value(outcome):
            self._finish(_failure_of(outcome))
            return
        value = outcome.result if self._terms.materialize else outcome.snapshot.output
        with self._lock:
            if self._over:
                return
            try:
                self._observer.on_next(value)
            except BaseException as error:  # noqa: BLE001 # an observer's fault is its own
                self._fault(error)

    def _fault(self, error: BaseException) -> None:
        self._over = True
        self._let_go()
        self._runtime.report(error)

    def _finish(self, error: Exception | None) -> None:
        """Tell the end."""
        with self._lock:
            if self._over:
                return
            self._over = True
            observer = self._observer
            self._let_go()
            try:
                if error is None:
                    observer.on_completed()
                else:
                    observer.on_error(error)
            except BaseException as fault:  # noqa: BLE001 # an observer's fault is its own
                if fault is not error:
                    self._runtime.report(fault)
                else:  # what reactivex does for a subscriber without `on_error`
                    logger.warning(
                        "runs of workflow %r ended, and nobody took their error: %r", self._workflow.id, error
                    )

    # -- letting go -----------------------------------------------------------------------------------------------

    def _let_go(self) -> None:
        """Cancel what is open, and keep nothing."""
        self._inputs.close()
        self._observer = _NOBODY
        self._error = None
        self._line.clear()
        self._chunks.clear()
        for run in tuple(self._open):
            self._cancel(run)

    def _cancel(self, run: InnerRun) -> None:
        self._open.pop(run, None)
        if run.leave() is not None:
            run.cancel()


def _failure_of(outcome: LegOutcome) -> Exception:
    """Return what `unwrap` raises of a run that did not succeed."""
    try:
        outcome.result.unwrap()
    except Exception as error:  # noqa: BLE001 # it is wanted
        return error.with_traceback(None)
    raise AssertionError(outcome)  # pragma: no cover # it was looked at before
