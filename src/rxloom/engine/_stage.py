"""The call of a step that is fed with an Observable, or whose items feed the step after it, or both."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

from typing_extensions import override

from rxloom.chunks import Emitted, ErrorInfo
from rxloom.engine._ctx import Ctx, Err, Failure, Halt, Ok
from rxloom.engine._items import Items, ItemsInput, spread
from rxloom.engine._leaf import Leaf
from rxloom.engine._pipe import Pipe
from rxloom.engine._shutdown import ends_the_run, pass_on
from rxloom.engine._tap import Tap
from rxloom.errors import StepFailed, signal_in
from rxloom.snapshot import Entry
from rxloom.step_type import Step, invoked_by
from rxloom.values import copy_plain


class Stage(Leaf):
    """A call in a pipeline of steps that overlap.

    It runs an attempt only when there is something to begin with, and lets go of its slot when its source is tried
    again: so a budget of one body is enough for any number of stages.

    Attributes:
        source: the items it is fed with, if the step takes an Observable.
        sink: the items it produces, if the step after it is fed with them.
    """

    __slots__ = ("_fed", "_resting", "sink", "source")

    def __init__(self, step: Step[Any, Any, Any], ctx: Ctx, ok: Ok, err: Err, entry: Entry | None = None) -> None:
        """Make a call of `step`; without `between`, the items of its input are those of the value it gets."""
        super().__init__(step, ctx, ok, err, entry)
        self.source: Items | None = Items.of(ctx.value) if step.observable_input else None
        self.sink: Items | None = None
        self._fed: ItemsInput | None = None
        self._resting = False

    def between(self, source: Items | None, sink: Items | None) -> Stage:
        """Take the items of the step before, and give those of this one to the step after."""
        if source is not None:
            self.source = source
            source.reader = self
        if sink is not None:
            self.sink = sink
            sink.restart(None)
            step = self.step
            tap = Tap(step.invoke, step.kind, self.execution, sink)
            self.step: Step[Any, Any, Any] = invoked_by(step, tap)
        return self

    # -- the input -----------------------------------------------------------------------------------------------

    @override
    def check_input(self) -> Exception | None:
        return None if self.source is not None else super().check_input()  # each item is checked when it is told

    @override
    def tell_start(self) -> None:
        super().tell_start()
        if self.source is not None:
            self.input = self._feed(self.source)

    @override
    def attempt_input(self) -> Any:
        if self.source is None:
            return super().attempt_input()
        return self._feed(self.source) if self.attempt else self.input

    def _feed(self, source: Items) -> ItemsInput:
        self._starve()
        self._fed = ItemsInput(self, source)
        return self._fed

    def _starve(self) -> None:
        """End the subscriptions of an attempt that is over."""
        fed, self._fed = self._fed, None
        if fed is not None:
            fed.close()

    def fault(self, error: BaseException) -> None:
        """Take what a subscriber to the input raised: the attempt ends with it."""
        pass_on(self.execution, error)
        asked = self.then is not None
        if not (ends_the_run(self.execution, error, asked=asked) or asked or self.closed):
            self.stop(partial(self._faulted, error))

    def _faulted(self, error: BaseException) -> None:
        signal = signal_in(error, self)
        if signal is not None:
            self.signalled(signal)
        else:
            self.attempt_failed(error if isinstance(error, Exception) else self._as_failure(error))

    # -- attempts ------------------------------------------------------------------------------------------------

    @override
    def run_attempt(self) -> None:
        source = self.source
        if source is None or source.begun:
            super().run_attempt()
        elif source.error is not None:
            self.fail(source.error)
        else:
            self._resting = True

    @override
    def halt_attempt(self) -> None:
        self._resting = False
        if self._fed is not None:
            self._fed.release_threads(StepFailed("the step was asked to stop", step_path=self.path))
        super().halt_attempt()

    @override
    def attempt_failed(self, error: Exception) -> None:
        if self._in_vain:
            self._leave_pipe()
            self.fail(error)
        else:
            super().attempt_failed(error)

    @property
    def _in_vain(self) -> bool:
        """Whether the step before has failed for good."""
        return self.source is not None and self.source.error is not None

    @override
    def fail(self, error: Exception) -> None:
        if not self._in_vain or self.closed:
            super().fail(error)
            return
        # The run fails with the step before; what that does to this one is no second failure.
        self._disarm()
        self._close("canceled")
        err = self._err
        self._drop()
        if err is not None:
            err(Failure(error, self.info(error)))

    # -- what becomes of the step before -------------------------------------------------------------------------

    def source_began(self) -> None:
        """Go on: there is something to begin with."""
        if self._resting:
            self._resting = False
            self.run_attempt()

    def source_restarted(self, error: Exception) -> None:
        """Begin anew, with the items of the next attempt: those seen so far are void."""
        # Operators around it may need a turn to subscribe: before that it has seen nothing.
        if self.opened and self.then is None and not self._resting:
            self._leave_pipe()
            self.stop(partial(self._begin_anew, error))

    def _begin_anew(self, error: Exception) -> None:
        self._starve()
        self.tell_retry(error, 0)
        if self.step.operators:
            self._pipe = Pipe(self)
            self._pipe.start()
        else:
            self.run_attempt()

    def source_failed(self) -> None:
        """Take the failure of the step before: a running attempt hears of it from its input."""
        if self._resting:
            self._resting = False
            self.run_attempt()

    def suspend_with(self, halt: Halt) -> None:
        """Suspend, because the step before is suspended: it begins anew when that goes on."""
        if not self.closed:
            if not self.opened:
                self.open()
            self._leave_pipe()
            self.stop(lambda: self.close_suspended(halt, self.execution.now()))

    # -- what becomes of this one --------------------------------------------------------------------------------

    @override
    def tell_retry(self, error: Exception, delay: float) -> None:
        super().tell_retry(error, delay)
        if self.sink is not None:
            self.sink.restart(error)

    @override
    def tell_result(
        self,
        status: Literal["success", "failed", "bailed", "canceled"],
        *,
        output: Any = None,
        error: ErrorInfo | None = None,
        handled: bool = False,
    ) -> None:
        sink = self.sink
        if status == "success" and sink is not None and sink.streamed and not self._says(output, sink):
            self.execution.note(Emitted(self.path, copy_plain(sink.values)))
        super().tell_result(status, output=output, error=error, handled=handled)

    def _says(self, output: Any, sink: Items) -> bool:
        """Tell whether the output says what the items were, so that they need not be recorded besides."""
        plain = self.step.collect in (list, tuple) and not self.step.operators
        return plain and isinstance(output, (list, tuple)) and len(spread(output)) == len(sink.values)

    @override
    def _end(self) -> None:
        super()._end()
        self._starve()
        self.input: Any = None
        if self.source is not None:
            self.source.drop()
