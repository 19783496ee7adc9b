"""The call of a plain step: its attempts run a body."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Coroutine
from dataclasses import replace
from functools import partial
from types import CoroutineType
from typing import Any, cast

from reactivex import Observable
from typing_extensions import override

from rxloom.chunks import Answer, Suspension
from rxloom.context import StepContext, SyncStepContext
from rxloom.engine._bodies import awaited, body_of, folded
from rxloom.engine._ctx import Ctx, Err, Ok
from rxloom.engine._services import Services
from rxloom.engine._shutdown import ends_the_run
from rxloom.engine._strand import Strand
from rxloom.errors import (
    AbortSignal,
    BailSignal,
    NoEventLoop,
    SignalSwallowed,
    StepFailed,
    StepSignal,
    SuspendMismatch,
    SuspendSignal,
    signal_in,
)  # fmt: skip
from rxloom.schema import suspend_invalid
from rxloom.snapshot import Entry
from rxloom.step_type import Step
from rxloom.values import copy_plain, type_of

FUSABLE = frozenset({"async", "inline"})
LOOPLESS = frozenset({"inline", "inline_generator", "observable", "operator"})
"""The kinds of steps that need neither an event loop nor a thread."""


class Leaf(Services):
    """A call whose attempts run the body of a step."""

    __slots__ = ("_answers", "_entered", "_queued", "_strand", "_used", "context", "signal", "touched")

    busy: bool

    def __init__(self, step: Step[Any, Any, Any], ctx: Ctx, ok: Ok, err: Err, entry: Entry | None = None) -> None:
        """Make a call of `step`."""
        Services.__init__(self, step, ctx, ok, err, entry)
        self._strand: Strand | None = None
        self._entered = False
        self._queued = False
        self._answers: list[Answer] | None = None
        self._used: tuple[int, ...] = ()
        self.touched: bool = False
        self.signal: StepSignal | None = None
        self.context: StepContext | None = None

    # -- running -------------------------------------------------------------------------------------------------

    @override
    def run_attempt(self) -> None:
        budgets = self.ctx.scope.budgets
        if budgets and not self.execution.gate.enter(budgets, self._admitted):
            self._queued = True
            return
        self._go()

    def _admitted(self) -> None:
        self._queued = False
        self._go()

    def _committed(self, attempt: int) -> None:
        """Go on, unless the call was halted while its start was on its way into the store."""
        if self.busy and self._strand is None and attempt == self.attempt and not self.execution.silent:
            self._go(committed=True)

    def _go(self, *, committed: bool = False) -> None:
        self.busy = True
        execution, step = self.execution, self.step
        if not (committed or execution.immediate):
            execution.settled(partial(self._committed, self.attempt))
            return
        if execution.loopless and self.needs_loop:
            self._leave()
            self.close_failed(self._without_loop())
            return
        if step.timeout is not None:
            self.arm_timeout(step.timeout)
        # Nothing can tell that the body of a plain step runs in the task of the body before.
        plain = step.kind in FUSABLE and step.timeout is None and step.total_timeout is None and not step.operators
        strand = execution.strand
        if strand is not None and strand.next is None and plain:
            strand.next = self
            self._strand = strand
        else:
            self._strand = Strand(execution, self)

    @property
    def needs_loop(self) -> bool:
        """Whether the body cannot be carried out by a scheduler that is no loop's."""
        return self.step.kind not in LOOPLESS

    def _without_loop(self) -> NoEventLoop:
        return NoEventLoop(
            "a coroutine or a worker thread needs an event loop, and this runtime has a scheduler in its place: use a "
            "plain function with `inline=True`, one that returns an Observable, or Rx operators",
            step_path=self.path,
            workflow_id=self.workflow_id,
        )

    @override
    def halt_attempt(self) -> None:
        self.tell_cancelled()
        if self._queued:
            self._queued = False
            self.execution.gate.give_up(self._admitted)
        elif self.busy and self._strand is None:  # its start is on its way into the store
            self._leave()
        elif self.busy and self._entered and self._strand is not None:
            self._strand.task.cancel()
        # Else its task is about to enter it. The call stays open until then: no task outlives the run.

    @override
    def abandon(self) -> None:
        strand = self._strand
        super().abandon()
        if strand is not None and self._entered:
            strand.task.cancel()  # once more, for one that waits for a thread

    def enter(self) -> Coroutine[Any, Any, Any] | None:
        """Begin the body in a copy of the run's context, unless it was halted before that."""
        if self.then is not None or not self.busy or self.execution.canceling:
            return None
        self._entered = True
        self.signal = None
        self.touched = False
        self._used = ()
        given = None if self.execution.recall is None else self.execution.snapshot.answers.get(self.path)
        self._answers = None if given is None else [_own(answer) for answer in given]
        self.context = context = StepContext(self)
        step = self.step
        if step.kind == "async":  # the commonest kind, without a detour
            body = step.invoke(self.attempt_input() if self.attempt else self.input, context)
            return body if type_of(body) is CoroutineType else awaited(body)
        return body_of(step, self.attempt_input(), context, partial(SyncStepContext, self))

    def _leave(self) -> None:
        self.busy = self._entered = False
        self._strand = self.context = self.signal = None  # context and signal refer to this call
        if self._timer is not None:
            self._disarm()
        budgets = self.ctx.scope.budgets
        if budgets:
            self.execution.gate.leave(budgets)

    # -- outcomes ------------------------------------------------------------------------------------------------

    def returned(self, value: Any) -> None:
        """Take what the body returned."""
        strand, context, signal, entered = self._strand, self.context, self.signal, self._entered
        self._leave()
        if self.then is not None:
            self.go_on_if_empty()
        elif self.closed or not entered:  # the run is being cancelled: whoever halts the call closes it
            return
        elif signal is not None:
            self.fail(
                SignalSwallowed(
                    f"the body caught {type(signal).__name__} and went on: let it pass, or raise it again",
                    step_path=self.path,
                    workflow_id=self.ctx.scope.workflow.id,
                )
            )
        elif self.step.attempt_output.is_any and isinstance(value, Observable):
            self._subscribe(cast("Observable[Any]", value), context, strand)
        elif self.step.operators:
            self.attempt_succeeded(value)
        else:
            self.succeed(value)

    def _subscribe(self, source: Observable[Any], context: StepContext | None, strand: Strand | None) -> None:
        """Go on with the Observable that the function returned: its items are outputs, their fold is the output."""
        self.busy = self._entered = True
        self.context = context
        variables = None if strand is None else strand.context
        self._strand = Strand(self.execution, _Folding(self, source), variables)

    def raised(self, error: BaseException) -> None:
        """Take what the body raised."""
        self._leave()
        execution = self.execution
        if ends_the_run(execution, error, asked=self.then is not None) or self.then is not None:
            self.go_on_if_empty()
        elif self.closed:
            return
        elif (signal := signal_in(error, self)) is not None:
            self.signalled(signal)
        elif isinstance(error, Exception):
            self.attempt_failed(error)
        else:
            self.attempt_failed(self._as_failure(error))

    def _as_failure(self, error: BaseException) -> Exception:
        what = (
            "was cancelled by something else than its run" if isinstance(error, CancelledError) else f"raised {error!r}"
        )
        failed = StepFailed(f"the body {what}", step_path=self.path, workflow_id=self.ctx.scope.workflow.id)
        failed.__cause__ = error
        return failed

    def signalled(self, signal: StepSignal) -> None:
        """Take the signal that the body ended with."""
        match signal:
            case SuspendSignal():
                self._suspended(signal)
            case BailSignal():
                self.bail(signal.result)
            case AbortSignal():
                reason = signal.reason or f"aborted by step {self.path!r}"
                if self.execution.leg is not None:
                    self.execution.leg.cancel(reason)
                self.dispose()
            case _:
                self.attempt_failed(self._as_failure(signal))

    def _suspended(self, signal: SuspendSignal) -> None:
        payload, wrong = self._checked(self.step.suspend, copy_plain(signal.payload), suspend_invalid)
        if wrong is not None:
            self.attempt_failed(wrong)
            return
        mismatches = self._mismatches()
        if mismatches > 1:
            self.fail(
                SuspendMismatch(
                    "the step suspended twice with another question than the one that was answered: give the "
                    "suspension a `label`, or ask with an equal payload",
                    step_path=self.path,
                    workflow_id=self.ctx.scope.workflow.id,
                )
            )
            return
        self.suspend(Suspension(self.path, signal.label, payload, self.execution.now(), mismatches))

    # -- answers -------------------------------------------------------------------------------------------------

    @property
    def answers(self) -> list[Answer]:
        """What was answered to this call so far, oldest first."""
        return self._answers or []

    def answer_to(self, payload: Any, label: str | None) -> Answer | None:
        """Return the answer to this suspension, once per entry and answer."""
        if label is None and self.answers:
            payload, _ = self._checked(self.step.suspend, payload)  # as it was when it was asked
        for at, answer in enumerate(self.answers):
            if (
                at not in self._used
                and answer.label == label
                and (label is not None or _equal(answer.payload, payload))
            ):
                self._used = (*self._used, at)
                return answer
        return None

    def _mismatches(self) -> int:
        """Count how often in a row the newest answer met another question."""
        newest = len(self.answers) - 1
        if newest < 0 or self.touched or newest in self._used:
            return 0
        entry = self.execution.snapshot.entries.get(self.path)
        return 1 if entry is None else entry.mismatches + 1


class Mapped(Leaf):
    """The call of a `map`, whose body only calls a user's function."""

    __slots__ = ()

    @property
    @override
    def needs_loop(self) -> bool:
        return False  # the function may be a plain one


class _Folding:
    """The second part of a body that returned an Observable."""

    __slots__ = ("_leaf", "_source")

    def __init__(self, leaf: Leaf, source: Observable[Any]) -> None:
        self._leaf = leaf
        self._source = source

    def enter(self) -> Coroutine[Any, Any, Any] | None:
        return folded(self._leaf.step, self._source, self._leaf.context)

    def returned(self, value: Any) -> None:
        self._leaf.returned(value)

    def raised(self, error: BaseException) -> None:
        self._leaf.raised(error)


def _own(answer: Answer) -> Answer:
    """Return an answer that the body may change without changing what is recorded."""
    return replace(answer, payload=copy_plain(answer.payload), data=copy_plain(answer.data))


def _equal(left: Any, right: Any) -> bool:
    try:
        # What is unequal to itself, a NaN say, is told by what it looks like.
        return bool(left == right) or repr(left) == repr(right)
    except Exception:  # noqa: BLE001 # a user's `__eq__` may do anything; what cannot be compared is not equal
        return False
