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

from rxloom.chunks import (
    ErrorInfo,
    ItemStart,
    StepResult,
    StepResultPayload,
    StepRetry,
    StepRetryPayload,
    StepStart,
    StepStartPayload,
    StepSuspended,
    StepSuspendedPayload,
    Suspension,
)  # fmt: skip
from rxloom.engine._ctx import BAILED, Ctx, Err, Failure, Halt, Ok
from rxloom.engine._execution import Execution
from rxloom.engine._parent import Parent
from rxloom.engine._pipe import Pipe
from rxloom.error_info import error_info
from rxloom.errors import NonRetryable, RxLoomError, StepTimeout
from rxloom.retry import Retry
from rxloom.schema import Schema, input_invalid, output_invalid
from rxloom.snapshot import Entry
from rxloom.step_type import Step
from rxloom.values import copy_plain

NO_RETRY = Retry(0)


class Call(Parent, DisposableBase):
    """A step call. Subclasses say how an attempt runs and how it is halted.

    Attributes:
        step: what is called.
        id: what its chunks call it; for an item of a `for_each` the id of the whole.
        path: its path, `each[2]` for an item.
        index: its index as an item, or `None`.
        attempt: 0-based number of the running attempt.
        waited: seconds this attempt has waited for readers, which its timeout does not count.
    """

    __slots__ = (
        "_err", "_ok", "_pipe", "_retry", "_timer", "_total_timer", "attempt", "call_id", "closed", "ctx", "entry",
        "execution", "id", "index", "input", "metadata", "path", "resume_payload", "resumed_at", "started_at", "step",
        "thread", "told_input", "waited",
    )  # fmt: skip

    def __init__(self, step: Step[Any, Any, Any], ctx: Ctx, ok: Ok, err: Err, entry: Entry | None) -> None:
        """Make a call of `step`; `entry` is the recorded suspension that it resumes from, if it does."""
        super().__init__(ctx.parent)
        self.step: Step[Any, Any, Any] = step
        self.ctx: Ctx = ctx
        self.execution: Execution = ctx.execution
        self.thread: int = ctx.execution.thread
        scope = ctx.scope
        self.id: str = scope.prefix + step.id
        self.index: int | None = ctx.index
        self.path: str = self.id if ctx.index is None else f"{self.id}[{ctx.index}]"
        self.entry: Entry | None = entry
        self._ok: Ok | None = ok
        self._err: Err | None = err
        self._pipe: Pipe | None = Pipe(self) if step.operators else None
        around = None if step.operators else scope.retries
        self._retry = step.retries or around or NO_RETRY
        self._timer: DisposableBase | None = None
        self._total_timer: DisposableBase | None = None
        self.attempt: int = 0
        self.closed: bool = False
        self.waited: float = 0.0
        self.call_id: str = ""
        self.input: Any = ctx.value
        self.told_input: Any = None
        self.started_at: int = 0
        self.resumed_at: int | None = None
        self.resume_payload: Any = None
        self.metadata: dict[str, Any] | None = {"iterationCount": ctx.iteration} if ctx.iteration else None

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
        self.arm_total()
        now = execution.now()
        entry = self.entry
        self.started_at = now
        if entry is not None:
            self.resumed_at = now
            self.started_at = entry.started_at
            self.attempt = entry.attempt
            self.resume_payload = self._newest_answer()
        self.told_input = copy_plain(self.input)
        if self.index is None:
            self.call_id = execution.next_call_id()
            execution.tell(
                StepStart(
                    execution.run_id,
                    StepStartPayload(
                        self.id, self.call_id, self.told_input, self.started_at, self.resume_payload,
                        self.resumed_at, self.metadata,
                    ),
                )
            )  # fmt: skip
        else:
            self.call_id = self.parent.call_id if isinstance(self.parent, Call) else ""
            execution.note(ItemStart(self.path, self.told_input, now))
            execution.commit()

    def _newest_answer(self) -> Any:
        answers = self.execution.snapshot.answers
        found = answers.get(self.path)
        if found is None:  # a container shows the answer to the leaf inside it
            prefixes = (self.path + ".", self.path + "[")
            found = next((given for path, given in reversed(answers.items()) if path.startswith(prefixes)), None)
        return found[-1].data if found else None

    def check_input(self) -> Exception | None:
        """Validate the input, and return what is wrong with it."""
        schema = self.step.input
        if not schema.is_any:
            try:
                self.input = schema.validate(self.input)
            except ValidationError as error:
                return input_invalid(self.ctx.scope.workflow.id, self.path, schema, self.input, error)
            except Exception as error:  # noqa: BLE001 # a user's validator may raise anything
                return error
        return None

    # -- attempts ------------------------------------------------------------------------------------------------

    def attempt_input(self) -> Any:
        """Return the input of an attempt: an equal one for each, whatever an earlier attempt did to its own."""
        return copy_plain(self.told_input) if self.attempt else self.input

    def arm_total(self) -> None:
        """Start the clock of the whole call."""
        limit = self.step.total_timeout
        if limit is not None:
            self._total_timer = self._after(limit, partial(self._expire, limit, "total_timeout"))

    def arm_timeout(self) -> None:
        """Start the clock of an attempt."""
        limit = self.step.timeout
        if limit is not None:
            self.waited = 0.0
            self._timer = self._after(limit, partial(self._attempt_expired, limit))

    def _after(self, seconds: float, action: Callable[[], None]) -> DisposableBase:
        return self.execution.after(seconds, action)

    def _attempt_expired(self, limit: float) -> None:
        if self.waited > 0:
            waited, self.waited = self.waited, 0.0
            self._timer = self._after(waited, partial(self._attempt_expired, limit))
        else:
            self._expire(limit, "timeout")

    def _expire(self, limit: float, option: Literal["timeout", "total_timeout"]) -> None:
        error = self.timed_out(limit, total=option == "total_timeout")
        if option == "total_timeout":
            self._retry = NO_RETRY
            self._leave_pipe()
            self.stop(partial(self.fail, error))
        else:
            self.stop(partial(self.attempt_failed, error))

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
        schema = self.step.attempt_output
        if (error := self._mismatch(schema, value)) is not None:
            self._pipe.failed(error)
        else:
            self._pipe.emitted(value if schema.is_any else schema.validate(value))

    def attempt_failed(self, error: Exception) -> None:
        """Take the failure of an attempt."""
        if self._pipe is None:
            self.fail(error)
        else:
            self._disarm()
            self._pipe.failed(error)

    def _mismatch(self, schema: Schema[Any], output: Any) -> Exception | None:
        if schema.is_any:
            return None
        try:
            schema.validate(output)
        except ValidationError as error:
            return output_invalid(self.ctx.scope.workflow.id, self.path, schema, output, error)
        except Exception as error:  # noqa: BLE001 # a user's validator may raise anything
            return error
        return None

    def fail(self, error: Exception) -> None:
        """Take a failed attempt: try again if that is worth it, else close as failed."""
        self._disarm()
        if self.closed:
            return
        if isinstance(error, RxLoomError) and not isinstance(error, NonRetryable):  # those are the user's own
            error.locate(step_path=self.path, workflow_id=self.ctx.scope.workflow.id)
        if self.attempt < self._retry.retries and self._retry.should_retry(error):
            self._retry_after(error)
        else:
            self.close_failed(error)

    def _retry_after(self, error: Exception) -> None:
        self.attempt += 1
        delay = self._retry.delay_before(self.attempt, random)
        self.tell_retry(error, delay)
        if delay > 0:
            self._timer = self._after(delay, self._try_again)
        else:
            self.execution.soon(self._try_again)

    def tell_retry(self, error: Exception, delay: float) -> None:
        """Tell that attempt number `attempt` comes after `delay` seconds."""
        self.execution.tell(
            StepRetry(
                self.execution.run_id,
                StepRetryPayload(
                    self.id, self.call_id, self.attempt, self.info(error), round(delay * 1000), self.index
                ),
            )
        )

    def _try_again(self) -> None:
        self._timer = None
        if self.closed or self.then is not None:
            return
        if self._pipe is not None:
            self._pipe = Pipe(self, again=True)
            self._pipe.start()
        else:
            self.run_attempt()

    @override
    def retries_after(self, error: Exception) -> bool:
        here = not self.closed and self.then is None and self.attempt < self._retry.retries
        return here and self._retry.should_retry(error)

    def info(self, error: Exception) -> ErrorInfo:
        """Return what is told of `error`."""
        return error_info(error, step_path=self.path, attempt=self.attempt)

    # -- closing -------------------------------------------------------------------------------------------------

    def succeed(self, output: Any) -> None:
        """Check the output of the call and close it."""
        schema = self.step.output
        if not schema.is_any:
            try:
                output = schema.validate(output)
            except ValidationError as error:
                self.fail(output_invalid(self.ctx.scope.workflow.id, self.path, schema, output, error))
                return
            except Exception as error:  # noqa: BLE001 # a user's validator may raise anything
                self.fail(error)
                return
        self._close("success", output=output)
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
        self.execution.note(suspension)
        self.close_suspended(Halt("suspended", (self.path,), suspension.payload), suspension.suspended_at)

    def close_suspended(self, halt: Halt, at: int) -> None:
        """Tell the suspension of this call, or of what is inside it, and hand it on."""
        if self.index is None:
            self.execution.tell(
                StepSuspended(
                    self.execution.run_id,
                    StepSuspendedPayload(
                        self.id, self.call_id, self.told_input, self.started_at, at, copy_plain(halt.payload),
                        self.resume_payload, self.resumed_at, self.metadata,
                    ),
                )
            )  # fmt: skip
        else:
            self.execution.commit()
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
        execution = self.execution
        if self.index is None:
            execution.tell(
                StepResult(
                    execution.run_id,
                    StepResultPayload(
                        self.id, self.call_id, self.told_input, self.started_at, status, execution.now(),
                        copy_plain(output), error, handled, self.resume_payload, self.resumed_at, self.metadata,
                    ),
                )
            )  # fmt: skip
        self._end()

    def _leave_pipe(self) -> None:
        if self._pipe is not None:
            self._pipe.leave()

    def _end(self) -> None:
        self.closed = True
        self._leave_pipe()
        self.execution.calls.pop(self, None)
        if self._timer is not None or self._total_timer is not None:
            self._disarm()
            if self._total_timer is not None:
                self._total_timer.dispose()
                self._total_timer = None

    def _drop(self) -> None:
        """Let go of what the call refers to, and tell the parent last: it may close now."""
        self._ok = self._err = self._pipe = None
        if self.parent is not None:
            self.parent.child_closed()

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
