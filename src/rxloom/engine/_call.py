"""One step call: from its start chunk to its one result, with its attempts in between."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from functools import partial
from random import random
from typing import Any, Literal

from pydantic import ValidationError
from reactivex.abc import DisposableBase
from typing_extensions import override

from rxloom.chunks import ErrorInfo, Suspension
from rxloom.engine._ctx import BAILED, Ctx, Err, Failure, Halt, Ok
from rxloom.engine._limit import Limit
from rxloom.engine._pipe import Pipe
from rxloom.engine._telling import Telling
from rxloom.errors import NonRetryable, RxLoomError, StepTimeout
from rxloom.retry import Retry
from rxloom.schema import Schema, input_invalid, output_invalid
from rxloom.snapshot import Entry
from rxloom.step_type import Step
from rxloom.values import copy_plain, type_of

NO_RETRY = Retry(0)


class Call(Telling):
    """A step call. Subclasses say how an attempt runs and how it is halted.

    Attributes:
        closed: whether its result, or its suspension, was told.
        thread: the thread of the leg.
    """

    __slots__ = ("_err", "_ok", "_pipe", "_retried", "_retry", "_timer", "_total_timer", "_waits", "closed", "thread")

    def __init__(self, step: Step[Any, Any, Any], ctx: Ctx, ok: Ok, err: Err, entry: Entry | None) -> None:
        """Make a call of `step`; `entry` is the recorded suspension that it resumes from, if it does."""
        Telling.__init__(self, step, ctx, entry)
        self.thread: int = ctx.execution.thread
        self._ok: Ok | None = ok
        self._err: Err | None = err
        self._pipe: Pipe | None = Pipe(self) if step.operators else None
        around = None if step.operators else ctx.scope.retries
        self._retry = step.retries or around or NO_RETRY
        self._retried: int = 0 if entry is None else entry.attempt
        self._timer: DisposableBase | None = None
        self._total_timer: DisposableBase | None = None
        self.closed: bool = False
        self._waits: int = 0

    # -- how subclasses run an attempt ---------------------------------------------------------------------------

    @abstractmethod
    def run_attempt(self) -> None:
        """Start an attempt; `busy` until it is over."""

    @abstractmethod
    def halt_attempt(self) -> None:
        """Ask the running attempt to end."""

    # -- opening -------------------------------------------------------------------------------------------------

    def begin(self) -> Call:
        """Check the input, tell the start, and run the first attempt."""
        invalid = self.check_input()
        if invalid is not None:
            self.open()
            self.fail(invalid)
        elif self._pipe is not None:
            self._pipe.start()
        else:
            self.open()
            self.run_attempt()
        return self

    @property
    def opened(self) -> bool:
        """Whether the start was told."""
        return self in self.execution.calls

    def open(self) -> None:
        """Tell that the call starts, or starts again after an answer."""
        execution = self.execution
        if self.parent is not None:
            self.parent.children += 1
        execution.calls[self] = None
        if self.step.total_timeout is not None:
            self.arm_total(self.step.total_timeout)
        self.tell_start()

    def check_input(self) -> Exception | None:
        """Validate the input, and return what is wrong with it."""
        schema = self.step.input
        if not schema.is_any and type_of(self.input) is not schema.exact:
            try:
                self.input: Any = schema.validate(self.input)
            except ValidationError as error:
                return input_invalid(self.ctx.scope.workflow.id, self.path, schema, self.input, error)
        return None

    # -- attempts ------------------------------------------------------------------------------------------------

    def attempt_input(self) -> Any:
        """Return the input of an attempt: an equal one for each, whatever an earlier attempt did to its own."""
        return copy_plain(self.told_input) if self.attempt else self.input

    def arm_total(self, limit: float) -> None:
        """Start the clock of the whole call, which stood still while it was suspended."""
        self._total_timer = Limit(self.execution, self.left_of(limit), partial(self._total_expired, limit))

    def left_of(self, limit: float) -> float:
        """Return what is left of some seconds after those that the call took before it was suspended."""
        return limit if self.entry is None else max(0.0, limit - self.entry.spent_ms / 1000)

    def arm_timeout(self, limit: float) -> None:
        """Start the clock of an attempt."""
        self._timer = Limit(self.execution, limit, partial(self._attempt_expired, limit))

    def _attempt_expired(self, limit: float) -> None:
        self.stop(partial(self.attempt_failed, self.timed_out(limit)))

    def _total_expired(self, limit: float) -> None:
        self._retry = NO_RETRY
        self._leave_pipe()
        self.stop(partial(self.fail, self.timed_out(limit, total=True)))

    def wait_begins(self) -> None:
        """Let the limits stand still: the call waits for readers."""
        self._waits += 1
        if self._waits == 1:
            for limit in (self._timer, self._total_timer):
                if isinstance(limit, Limit):
                    limit.stand()

    def wait_ends(self) -> None:
        """Let the limits go on, unless there is another wait."""
        self._waits -= 1
        if not self._waits:
            for limit in (self._timer, self._total_timer):
                if isinstance(limit, Limit):
                    limit.go()

    def timed_out(self, seconds: float | None = None, *, total: bool = False, message: str = "") -> StepTimeout:
        """Return the error of a time limit."""
        workflow_id = self.ctx.scope.workflow.id
        return StepTimeout(seconds, total=total, message=message, step_path=self.path, workflow_id=workflow_id)

    def stop(self, then: Callable[[], None]) -> None:
        """End the running attempt, and do `then` when nothing of it is left."""
        if self.closed:
            return
        self._disarm()
        halting = self.then is not None
        self.then = then
        if not halting:
            self.halt_attempt()
        self.go_on_if_empty()

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.dispose()
            self._timer = None

    def attempt_succeeded(self, value: Any) -> None:
        """Take the output of an attempt: it closes the call, or goes to the operators around it."""
        if self._pipe is None:
            self.succeed(value)
            return
        value, wrong = self._checked(self.step.attempt_output, value)
        if wrong is None:
            self._pipe.emitted(value)
        else:
            self._pipe.failed(wrong)

    def attempt_failed(self, error: Exception) -> None:
        """Take the failure of an attempt."""
        if self._pipe is None:
            self.fail(error)
        else:
            self._disarm()
            self._pipe.failed(error)

    def _checked(
        self, schema: Schema[Any], output: Any, invalid: Callable[..., Exception] = output_invalid
    ) -> tuple[Any, Exception | None]:
        """Return an output in its type, and what is wrong with it; `invalid` makes the error of what does not fit."""
        if schema.is_any:
            return output, None
        try:
            return schema.validate(output), None
        except ValidationError as error:
            return output, invalid(self.ctx.scope.workflow.id, self.path, schema, output, error)
        except Exception as error:  # noqa: BLE001 # a user's validator may raise anything
            return output, error

    def fail(self, error: Exception) -> None:
        """Take a failed attempt: try again if that is worth it, else close as failed."""
        self._disarm()
        if self.closed:
            return
        if isinstance(error, RxLoomError) and not isinstance(error, NonRetryable):  # those are the user's own
            error.locate(step_path=self.path, workflow_id=self.ctx.scope.workflow.id)
        if self._retried < self._retry.retries and self._retry.should_retry(error):
            self._retry_after(error)
        else:
            self.close_failed(error)

    def _retry_after(self, error: Exception) -> None:
        self._retried += 1
        delay = self._retry.delay_before(self._retried, random)
        self.tell_retry(error, delay)
        if delay > 0:
            self._timer = self.execution.after(delay, self._try_again)
        else:
            self.execution.soon(self._try_again)

    def _try_again(self) -> None:
        self._timer = None
        if self.closed or self.then is not None:
            return
        if self._pipe is not None:
            self._pipe = Pipe(self)
            self._pipe.start()
        else:
            self.run_attempt()

    @override
    def retries_after(self, error: Exception) -> bool:
        here = not self.closed and self.then is None and self._retried < self._retry.retries
        return here and self._retry.should_retry(error)

    # -- closing -------------------------------------------------------------------------------------------------

    def succeed(self, output: Any) -> None:
        """Check the output of the call and close it."""
        schema = self.step.output
        if not schema.is_any and type_of(output) is not schema.exact:
            try:
                output = schema.validate(output)
            except ValidationError as error:
                self.fail(output_invalid(self.ctx.scope.workflow.id, self.path, schema, output, error))
                return
        self.tell_result("success", output=output)
        self._end()
        ok = self._ok
        self._drop()
        if ok is not None:
            ctx = self.ctx
            ctx.value = output
            ok(ctx)

    def bail(self, result: Any) -> None:
        """Close as bailed, and end the workflow around it with `result`."""
        self._close("bailed", output=result)
        ok = self._ok
        self._drop()
        if ok is not None:
            self.ctx.value = result
            self.ctx.halt = BAILED
            ok(self.ctx)

    def close_failed(self, error: Exception, info: ErrorInfo | None = None) -> None:
        """Close as failed and hand the failure on."""
        info = info or self.info(error)
        parent = self.parent
        handled = self.ctx.handled or (parent is not None and parent.will_retry(error))
        self._close("failed", error=info, handled=handled)
        err = self._err
        self._drop()
        if err is not None:
            err(Failure(error, info))

    def suspend(self, suspension: Suspension) -> None:
        """Close as suspended, as a leaf that waits for an answer."""
        execution = self.execution
        execution.note(suspension)
        if execution.recall is not None:
            execution.recall.asked(self.path)
        self.close_suspended(Halt("suspended", (self.path,), suspension.payload), suspension.suspended_at)

    def close_suspended(self, halt: Halt, at: int) -> None:
        """Tell the suspension of this call, or of what is inside it, and hand it on."""
        self.tell_suspended(halt, at)
        self._end()
        ok = self._ok
        self._drop()
        if ok is not None:
            self.ctx.halt = halt
            ok(self.ctx)

    def _close_canceled(self) -> None:
        self._close("canceled")
        self._drop()

    def _close(
        self,
        status: Literal["success", "failed", "bailed", "canceled"],
        *,
        output: Any = None,
        error: ErrorInfo | None = None,
        handled: bool = False,
    ) -> None:
        self.tell_result(status, output=output, error=error, handled=handled)
        self._end()

    def _leave_pipe(self) -> None:
        if self._pipe is not None:
            self._pipe.leave()

    def _end(self) -> None:
        self.closed = True
        if self._pipe is not None:
            self._pipe.leave()
        self.execution.calls.pop(self, None)
        if self._timer is not None or self._total_timer is not None:
            self._disarm()
            if self._total_timer is not None:
                self._total_timer.dispose()
                self._total_timer = None

    def _drop(self) -> None:
        """Let go of what the call refers to, and tell the parent last: it may close now."""
        self._ok = self._err = self._pipe = None
        parent = self.parent
        if parent is not None:
            parent.children -= 1
            if parent.then is not None:
                parent.go_on_if_empty()

    def abandon(self) -> None:
        """Close as canceled without waiting for a body that does not end."""
        self._ok = self._err = self.then = None
        self.busy = False
        self.children = 0
        if not self.closed:
            self._close_canceled()

    @override
    def dispose(self) -> None:
        """Cancel the call: it closes as canceled when nothing of it is left. Neither `ok` nor `err` is called."""
        self._ok = self._err = None
        self._leave_pipe()
        if self.opened:
            self.stop(self._close_canceled)
        else:
            self._end()
