"""The call of a nested workflow: its attempts run the workflow's pipeline, with chunks of its own around."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from reactivex.abc import DisposableBase
from typing_extensions import override

from rxloom.chunks import ErrorInfo
from rxloom.engine._call import Call
from rxloom.engine._ctx import Ctx, Err, Failure, Ok
from rxloom.engine._scope import Scope
from rxloom.errors import RunTimeout
from rxloom.snapshot import Entry

HOP = 16
"""A container at a depth that is a multiple of this goes through the scheduler, so that the stack stays bounded."""


class Nested(Call):
    """A call whose attempts run a pipeline."""

    __slots__ = ("_deadline", "_halted", "_info", "_inner")

    busy: bool

    def __init__(self, workflow: Any, ctx: Ctx, ok: Ok, err: Err, entry: Entry | None = None) -> None:
        """Make a call of `workflow`."""
        super().__init__(workflow, ctx, ok, err, entry)
        self.step: Any = workflow
        self._inner: DisposableBase | None = None
        self._deadline: DisposableBase | None = None
        self._info: ErrorInfo | None = None
        self._halted = False

    @override
    def run_attempt(self) -> None:
        scope = Scope(self.step, self.ctx.scope, self, self.path + ".", init_data=self.told_input)
        scope.handled = self.ctx.handled
        scope.rounds = self.ctx.scope.rounds + (f"{self.ctx.iteration}." if self.ctx.iteration else "")
        ctx = Ctx(self.execution, scope, self.attempt_input())
        self._halted = False
        self._info = None
        if self.step.timeout is not None:
            self.arm_timeout(self.step.timeout)
        limit = self.step.settings.timeout
        if limit is not None:
            self._deadline = self.execution.after(self.left_of(limit), partial(self._run_out, limit))
        if self._hops:
            self.busy = True
            self.execution.soon(partial(self._start, ctx))
        else:
            self._start(ctx)

    def _start(self, ctx: Ctx) -> None:
        self.busy = False
        if self._halted or self.closed:
            self.go_on_if_empty()
            return
        inner = self.step.flow.start(ctx, self._done, self._failed)
        if self._halted and inner is not None:
            inner.dispose()
        elif not self.closed:
            self._inner = inner

    @override
    def halt_attempt(self) -> None:
        self._halted = True
        self._stop_clock()
        inner, self._inner = self._inner, None
        if inner is None:
            return
        if self._hops:
            self.busy = True
            self.execution.soon(partial(self._halt, inner))
        else:
            inner.dispose()

    def _halt(self, inner: DisposableBase) -> None:
        inner.dispose()
        self.busy = False
        self.go_on_if_empty()

    @override
    def stop(self, then: Callable[[], None]) -> None:
        super().stop(partial(self.execution.soon, partial(self._unless_closed, then)) if self._hops else then)

    def _unless_closed(self, then: Callable[[], None]) -> None:
        if not self.closed:
            then()

    @property
    def _hops(self) -> bool:
        return (self.ctx.scope.depth + 1) % HOP == 0

    def _stop_clock(self) -> None:
        if self._deadline is not None:
            self._deadline.dispose()
            self._deadline = None

    def _run_out(self, limit: float) -> None:
        error = RunTimeout(limit, step_path=self.path, workflow_id=self.step.id)
        self.stop(partial(self.attempt_failed, error))

    def _done(self, ctx: Ctx) -> None:
        self._inner = None
        if not self._halted:
            self._when_empty(partial(self._settle, ctx))

    def _when_empty(self, settle: Callable[[], None]) -> None:
        self.when_empty(partial(self.execution.soon, settle) if self._hops else settle)

    def _settle(self, ctx: Ctx) -> None:
        if self.closed or self._halted:
            return
        self._stop_clock()
        self._disarm()
        halt = ctx.halt
        if halt is None or halt.kind == "bailed":
            self.attempt_succeeded(ctx.value)
        else:
            self.close_suspended(halt, self.execution.now())

    def _failed(self, failure: Failure) -> None:
        self._inner = None
        if not self._halted:
            self._info = failure.info
            self._when_empty(partial(self._settle_failed, failure))

    def _settle_failed(self, failure: Failure) -> None:
        if self.closed:
            return
        self._stop_clock()
        self.attempt_failed(failure.exception)

    @override
    def info(self, error: Exception) -> ErrorInfo:
        """Return what is told of `error`: it names the step inside that failed."""
        return self._info if self._info is not None else super().info(error)

    @override
    def close_failed(self, error: Exception, info: ErrorInfo | None = None) -> None:
        self._stop_clock()
        super().close_failed(error, info)
