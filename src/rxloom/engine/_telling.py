"""What a step call says: its chunks, and the private records of an item, which has none of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from reactivex.abc import DisposableBase

from rxloom.chunks import (
    ErrorInfo,
    ItemEnd,
    ItemStart,
    StepResult,
    StepResultPayload,
    StepRetry,
    StepRetryPayload,
    StepStart,
    StepStartPayload,
    StepSuspended,
    StepSuspendedPayload,
)
from rxloom.engine._ctx import Ctx, Halt
from rxloom.engine._execution import Execution
from rxloom.engine._parent import Parent
from rxloom.error_info import error_info
from rxloom.snapshot import Entry
from rxloom.step_type import Step
from rxloom.values import copy_plain


class Telling(Parent, DisposableBase):
    """A step call as far as it is told.

    Attributes:
        step: what is called.
        id: what its chunks call it; for an item of a `for_each` the id of the whole.
        path: its path, `each[2]` for an item.
        index: its index as an item, or `None`.
        attempt: 0-based number of the running attempt.
    """

    __slots__ = (
        "attempt", "call_id", "ctx", "entry", "execution", "id", "index", "input", "metadata", "path", "resume_payload",
        "resumed_at", "started_at", "step", "told_input",
    )  # fmt: skip

    def __init__(self, step: Step[Any, Any, Any], ctx: Ctx, entry: Entry | None) -> None:
        """Make what is told of a call of `step`; `entry` is the recorded suspension it resumes from, if it does."""
        # What `Parent.__init__` does: to call it costs more than to do it, for each call anew.
        self.parent: Parent | None = ctx.parent
        self.children: int = 0
        self.busy: bool = False
        self.then: Callable[[], None] | None = None
        self.step: Step[Any, Any, Any] = step
        self.ctx: Ctx = ctx
        self.execution: Execution = ctx.execution
        self.id: str = ctx.scope.prefix + step.id
        self.index: int | None = ctx.index
        self.path: str = self.id if ctx.index is None else f"{self.id}[{ctx.index}]"
        self.entry: Entry | None = entry
        self.attempt: int = 0
        self.call_id: str = ""
        self.input: Any = ctx.value
        self.told_input: Any = None
        self.started_at: int = 0
        self.resumed_at: int | None = None
        self.resume_payload: Any = None
        self.metadata: dict[str, Any] | None = {"iterationCount": ctx.iteration} if ctx.iteration else None

    def tell_start(self) -> None:
        """Tell that the call starts, or starts again after an answer."""
        execution = self.execution
        now = execution.now()
        entry = self.entry
        self.started_at = now
        if entry is not None:
            self.resumed_at = now
            self.started_at = entry.started_at
            self.attempt = entry.attempt
            self.resume_payload = self._recalled()
        self.told_input = copy_plain(self.input)
        if self.index is not None:
            self.call_id = self.parent.call_id if isinstance(self.parent, Telling) else ""
            execution.note(ItemStart(self.path, self.told_input, now))
            execution.commit()
            return
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

    def _recalled(self) -> Any:
        """Use the newest answer to this call, or, of a container, look at the one to a leaf inside."""
        recall = self.execution.remember()
        recall.entered(self.path)
        return recall.newest(self.path)

    def tell_retry(self, error: Exception, delay: float) -> None:
        """Tell that the attempt failed with `error`, and that another one comes after `delay` seconds."""
        info = self.info(error)
        self.attempt += 1
        self.execution.tell(
            StepRetry(
                self.execution.run_id,
                StepRetryPayload(self.id, self.call_id, self.attempt, info, round(delay * 1000), self.index),
            )
        )

    def tell_suspended(self, halt: Halt, at: int) -> None:
        """Tell the suspension of this call, or of what is inside it."""
        if self.index is not None:
            self.execution.commit()
            return
        self.execution.tell(
            StepSuspended(
                self.execution.run_id,
                StepSuspendedPayload(
                    self.id, self.call_id, self.told_input, self.started_at, at, copy_plain(halt.payload),
                    self.resume_payload, self.resumed_at, self.metadata,
                ),
            )
        )  # fmt: skip

    def tell_result(
        self,
        status: Literal["success", "failed", "bailed", "canceled"],
        *,
        output: Any = None,
        error: ErrorInfo | None = None,
        handled: bool = False,
    ) -> None:
        """Tell how the call ended; of an item the `for_each` around it tells."""
        execution = self.execution
        if self.index is not None:
            execution.note(ItemEnd(self.path, execution.now(), error, status == "canceled"))
            return
        execution.tell(
            StepResult(
                execution.run_id,
                StepResultPayload(
                    self.id, self.call_id, self.told_input, self.started_at, status, execution.now(),
                    copy_plain(output), error, handled, self.resume_payload, self.resumed_at, self.metadata,
                ),
            )
        )  # fmt: skip

    def info(self, error: Exception) -> ErrorInfo:
        """Return what is told of `error`."""
        return error_info(error, step_path=self.path, attempt=self.attempt)
