"""Carrying out one leg of a run: from its start chunk through the pipeline to its finish."""

from __future__ import annotations

import logging
from asyncio import Future, get_running_loop
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from pydantic import ValidationError
from reactivex.abc import DisposableBase

from rxloom.beginning import begin
from rxloom.chunks import (
    Answer,
    ContextWrite,
    EventReceived,
    LegKind,
    LegStarted,
    WorkflowCanceled,
    WorkflowFinish,
    WorkflowFinishPayload,
    WorkflowPaused,
    WorkflowStart,
    WorkflowStartPayload,
)  # fmt: skip
from rxloom.engine import Ctx, Execution, Failure, Halt, Question, Scope
from rxloom.error_info import error_info
from rxloom.errors import RunTimeout
from rxloom.outcome import LegOutcome
from rxloom.payloads import LegStatus
from rxloom.ports.node import WorkflowPort
from rxloom.scheduler import ring
from rxloom.schema import input_invalid, output_invalid
from rxloom.settings import Callback, RunInfo
from rxloom.values import copy_plain

logger: logging.Logger = logging.getLogger("rxloom")

GRACE = 5.0
"""Seconds that a step which does not end at once is waited for, where nobody says another number."""


class Leg:
    """One leg being carried out, on the thread of its loop."""

    __slots__ = (
        "_closing", "_ctx", "_deadline", "_ended", "_failure", "_flow", "_grace", "_output", "_status",
        "_waiters", "execution", "first_seq", "on_end", "outcome", "told", "workflow",
    )  # fmt: skip

    def __init__(
        self, execution: Execution, workflow: WorkflowPort, outcome: LegOutcome, on_end: Callable[[str], None]
    ) -> None:
        """Make a leg of `workflow`; `on_end` is called once with the run's id, when it is over or taken away."""
        self.execution: Execution = execution
        self.workflow: WorkflowPort = workflow
        self.outcome: LegOutcome = outcome
        self.on_end: Callable[[str], None] | None = on_end
        self._flow: DisposableBase | None = None
        self._deadline: DisposableBase | None = None
        self._grace: DisposableBase | None = None
        self._status: LegStatus | None = None
        self._failure: Failure | None = None
        self._output: Any = None
        self._closing = self._ended = False
        self.told: bool = False
        self._waiters: list[Future[None]] | None = None
        snapshot = execution.snapshot
        self.first_seq: int = snapshot.next_seq
        scope = Scope(workflow, None, execution.root, "", init_data=snapshot.input)
        self._ctx = Ctx(execution, scope, snapshot.input)
        execution.leg = self

    # -- beginning -----------------------------------------------------------------------------------------------

    def start(
        self, value: Any, *, state: Any = None, context: Mapping[str, Any] | None = None, resource_id: str | None = None
    ) -> None:
        """Begin the first leg of a run with `value`."""
        execution = self.execution
        wrong: Exception | None = None
        fields: dict[str, Any] = {}
        try:
            value = self.workflow.input.validate(value)
            fields = self.workflow.settings.state.initial(state)
        except ValidationError as error:
            wrong = input_invalid(self.workflow.id, None, self.workflow.input, value, error)
        except Exception as error:  # noqa: BLE001 # a user's validator may raise anything
            wrong = error
        self._open("start", value=value, state=fields, resource_id=resource_id, context=context)
        if execution.canceling:
            self._end("canceled")
        elif wrong is not None:
            self._break(wrong)
        elif not execution.interrupted:
            begin(self, self._greet)

    def _greet(self) -> None:
        callback = self.workflow.settings.on_start
        if callback is None:
            self._run()
        else:
            self._ask("on_start", callback, self._info("running"), self._run, self._break)

    def resume(self, answers: Mapping[str, Any], *, context: Mapping[str, Any] | None = None) -> None:
        """Begin a leg that goes on from the records, with `answers` by path."""
        execution = self.execution
        execution.remember()
        self._open("resume", context=context, answers=answers)
        if not execution.interrupted:
            begin(self, self._run)

    def join(self, answers: Mapping[str, Any]) -> None:
        """Give answers to leaves that are suspended while this leg still runs."""
        execution = self.execution
        execution.remember()
        self._note_answers(answers)
        execution.commit()
        paths = set(answers)
        for fan in reversed(list(execution.fans)):
            fan.rejoin(paths)

    @property
    def closing(self) -> bool:
        """Whether it is ending, or has ended."""
        return self._closing or self._ended

    def cancel_at_start(self, reason: str | None) -> None:
        """Have the leg end as canceled as soon as it has begun."""
        self.execution.canceling = True
        self.execution.cancel_reason = self.outcome.reason = reason

    def receive(self, event: EventReceived) -> None:
        """Record an event, and give it to whoever waits for it."""
        execution = self.execution
        if event.event_id is not None and event.event_id in execution.snapshot.event_ids:
            return
        execution.note(replace(event, data=copy_plain(event.data)))
        execution.commit()
        waits = execution.waits.get(event.name)
        if waits:
            execution.soon(waits.popleft().deliver)

    async def wait_ended(self) -> None:
        """Wait until the leg is over."""
        if self.on_end is not None:
            waiter: Future[None] = get_running_loop().create_future()
            self._waiters = [*(self._waiters or ()), waiter]
            await waiter

    def end_canceled(self, reason: str | None) -> None:
        """Be the whole leg that cancelling a suspended run appends."""
        self._ended, self.outcome.reason = True, reason
        self._open("cancel")
        self._finish("canceled")

    def _open(
        self, kind: LegKind, *, value: Any = None, state: Mapping[str, Any] | None = None,
        resource_id: str | None = None, context: Mapping[str, Any] | None = None,
        answers: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        execution = self.execution
        execution.note(LegStarted(kind, self.workflow.id, execution.now(), value, copy_plain(state), resource_id))
        if context:
            execution.note(ContextWrite(dict(context)))
        if answers:
            self._note_answers(answers)
        execution.tell(WorkflowStart(execution.run_id, WorkflowStartPayload(self.workflow.id)))

    def _note_answers(self, answers: Mapping[str, Any]) -> None:
        execution = self.execution
        recall = execution.remember()
        for path, data in answers.items():
            asked = execution.snapshot.suspensions[path]
            execution.note(Answer(path, asked.label, asked.payload, copy_plain(data), execution.now()))
            recall.answered(path, data)

    def _run(self) -> None:
        execution = self.execution
        limit = self.workflow.settings.timeout
        if limit is not None:
            left = max(0.0, limit - execution.snapshot.active_ms / 1000)
            self._deadline = execution.after(left, partial(self._run_out, limit))
        self._go()

    def _go(self) -> None:
        """Start the pipeline: from its beginning, and past what is recorded."""
        ctx = self._ctx
        snapshot = self.execution.snapshot
        ctx.scope.init_data = snapshot.input
        ctx.value = copy_plain(snapshot.input)
        ctx.halt = None
        flow = self.workflow.flow.start(ctx, self._done, self._failed)
        if not self.closing:
            self._flow = flow

    # -- the pipeline's end --------------------------------------------------------------------------------------

    def _done(self, ctx: Ctx) -> None:
        if self._closing:
            return
        halt = ctx.halt
        if halt is None or halt.kind == "bailed":
            self._close(partial(self._succeed, ctx.value))
        else:
            self._close(partial(self._halted, halt))

    def _halted(self, halt: Halt) -> None:
        """End suspended or paused, unless somebody has answered on the way here: then go on where that leads."""
        if halt.kind == "suspended" and self.execution.has_answered(halt.paths):
            self._go()
        else:
            self._end("paused" if halt.kind == "paused" else "suspended")

    def _failed(self, failure: Failure) -> None:
        if not self._closing:
            self._close(partial(self._fail, failure))

    def _close(self, then: Callable[[], None]) -> None:
        """Go on with `then` when no call is open any more."""
        self._flow = None
        self.execution.root.when_empty(then)

    def _succeed(self, value: Any) -> None:
        schema = self.workflow.output
        try:
            self._output = schema.validate(value)
        except ValidationError as error:
            self._break(output_invalid(self.workflow.id, None, schema, value, error))
        else:
            self._end("success")

    def _fail(self, failure: Failure) -> None:
        self._failure = failure
        self.outcome.exception = failure.exception
        self._end("failed")

    def _break(self, error: Exception) -> None:
        """Fail with something that no step has failed with."""
        self._fail(Failure(error, error_info(error)))

    def _run_out(self, limit: float) -> None:
        if not self.execution.canceling:
            error = RunTimeout(limit, workflow_id=self.workflow.id, run_id=self.execution.run_id)
            self._halt(partial(self._break, error), GRACE)

    # -- cancelling ----------------------------------------------------------------------------------------------

    def cancel(self, reason: str | None = None, grace: float = GRACE) -> None:
        """Cancel the leg: everything open closes as canceled, then the run is canceled."""
        execution = self.execution
        if execution.canceling or execution.interrupted or self.on_end is None:  # whoever cancels may come too late
            return
        if self._ended:  # it has ended otherwise, and is only telling its callbacks, or being committed
            if not self.told:
                self._arm(grace)
            return
        execution.canceling = True
        execution.cancel_reason = self.outcome.reason = reason
        execution.soon(partial(self._halt, partial(self._end, "canceled"), grace))

    def _halt(self, then: Callable[[], None], grace: float) -> None:
        if self._ended or self.execution.interrupted:
            return
        self._closing = True
        self._arm(grace)
        self._stop_flow()
        self.execution.root.when_empty(then)

    def _stop_flow(self) -> None:
        flow, self._flow = self._flow, None
        if flow is not None:
            flow.dispose()

    def _arm(self, grace: float) -> None:
        """Wait for what is open no longer than the grace period."""
        if self._grace is not None:
            self._grace.dispose()
        self._grace = self.execution.after(grace, partial(self._abandon, grace))

    def _abandon(self, grace: float) -> None:
        """Close what has not ended within the grace period, and discard whatever it will return."""
        if self._ended:
            self._report("a callback", grace)
            self._stop_flow()
            self._finish(self._status or "failed")
            return
        stubborn = sorted(self.execution.calls, key=lambda call: call.path.count("."), reverse=True)  # type: ignore[attr-defined]
        for call in stubborn:
            if call.busy:
                self._report(f"step {call.path!r}", grace)  # type: ignore[attr-defined]
            call.abandon()  # type: ignore[attr-defined]
        if not self._ended:
            self._report("a condition or a callback", grace)
            root = self.execution.root
            root.children = 0
            root.go_on_if_empty()

    def _report(self, what: str, grace: float) -> None:
        logger.error("%s of run %s did not end within %g s: discarded", what, self.execution.run_id, grace)

    # -- finishing -----------------------------------------------------------------------------------------------

    def _end(self, status: LegStatus) -> None:
        if self._ended:
            return
        self._ended = True
        if self._deadline is not None:
            self._deadline.dispose()
        self._status = status
        if status == "canceled":
            self._arm(GRACE)
        settings = self.workflow.settings
        self._call_back(settings.on_finish, partial(self._then_on_error, status))

    def _then_on_error(self, status: LegStatus) -> None:
        settings = self.workflow.settings
        self._call_back(settings.on_error if status == "failed" else None, partial(self._finish, status))

    def _call_back(self, callback: Callback | None, then: Callable[[], None]) -> None:
        if callback is None:
            then()
            return

        def failed(error: Exception) -> None:
            logger.error("a callback of workflow %r raised", self.workflow.id, exc_info=error)
            then()

        self._ask("callback", callback, self._info(self._status or "failed"), then, failed)

    def _ask(
        self, name: str, callback: Callback, info: RunInfo, then: Callable[[], None],
        failed: Callable[[Exception], None],
    ) -> None:  # fmt: skip
        question = Question(name, self._ctx, lambda _: self.execution.root.when_empty(then), failed)
        self._flow = question  # before it is asked: its answer may start the pipeline at once, or end the leg
        question.ask(lambda value, _: callback(value), info)

    def _info(self, status: Any) -> RunInfo:
        snapshot = self.execution.snapshot
        return RunInfo(
            workflow_id=self.workflow.id,
            run_id=self.execution.run_id,
            resource_id=snapshot.resource_id,
            input=snapshot.input,
            state=self.workflow.settings.state.present(snapshot.state),
            status=status,
            result=self._output,
            error=self._failure.info if self._failure is not None else None,
        )

    def _finish(self, status: LegStatus) -> None:
        execution = self.execution
        if execution.interrupted:
            return
        self.told = True
        if status == "canceled":
            execution.tell(WorkflowCanceled(execution.run_id))
        elif status == "paused":
            execution.tell(WorkflowPaused(execution.run_id))
        execution.tell(
            WorkflowFinish(
                execution.run_id,
                WorkflowFinishPayload(
                    status,
                    execution.snapshot.leg_usage,
                    self._failure.info if self._failure is not None and status == "failed" else None,
                    copy_plain(self._output) if status == "success" else None,
                    execution.now(),
                ),
            )
        )
        execution.settled(self._over)

    def interrupted(self) -> None:
        """Take note that the run was taken from this process."""
        if not self.execution.loop.is_closed():
            self._stop_flow()  # or its timers would go on
        self._over()

    def _over(self) -> None:
        """Let go of everything, so that nothing of the leg is left but what the log holds."""
        if self.on_end is None:  # it was interrupted
            return
        for timer in (self._grace, self._deadline):
            if timer is not None:
                timer.dispose()
        self._ended, execution = True, self.execution
        self._flow = self._grace = self._deadline = None
        execution.leg = None
        execution.root.then = None
        execution.close()
        for waiter in self._waiters or ():
            ring(waiter)
        self._waiters, on_end, self.on_end = None, self.on_end, None
        if on_end is not None:
            on_end(execution.run_id)
