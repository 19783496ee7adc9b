"""What a step call does for the body in it: writing, state, results of other steps, threads."""

from __future__ import annotations

from asyncio import CancelledError, Future
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from concurrent.futures import Future as Promise
from contextvars import copy_context
from functools import partial
from inspect import isawaitable
from typing import Any, TypeVar, cast

from reactivex import Observable
from reactivex.abc import SchedulerBase

from rxloom.chunks import Custom, CustomType, StateWrite, StepOutput, Usage
from rxloom.engine._call import Call
from rxloom.engine._scope import Scope
from rxloom.engine._shutdown import ends_the_run
from rxloom.errors import RunInterrupted, WriterClosed
from rxloom.latest import Latest
from rxloom.ports.offload import Outcome
from rxloom.scheduler import ring, unheld
from rxloom.state import differing
from rxloom.values import copy_plain

T = TypeVar("T")
STALLED_AFTER = 30.0
EARLY = 0.001
"""Seconds by which a timer may seem to come early: clocks count in floats, and 30.93 - 30 is less than 0.93."""


class Services(Call):
    """A call with a body, and what the body's context asks of it."""

    __slots__ = ("_cancelled", "_stopped")

    # -- who and where -------------------------------------------------------------------------------------------

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.execution.run_id

    @property
    def workflow_id(self) -> str:
        """The id of the workflow the step is in."""
        return self.ctx.scope.workflow.id

    @property
    def resource_id(self) -> str | None:
        """Whose run it is."""
        return self.execution.snapshot.resource_id

    @property
    def iteration(self) -> int:
        """The round of a loop, or the index of an item."""
        return self.ctx.iteration if self.index is None else self.index

    @property
    def idempotency_key(self) -> str:
        """Equal for every execution of this call in one epoch."""
        execution, ctx = self.execution, self.ctx
        return f"{execution.run_id}:{execution.snapshot.epoch}:{self.path}:{ctx.scope.rounds}{ctx.iteration}"

    @property
    def init_data(self) -> Any:
        """The input of the workflow the step is in."""
        return copy_plain(self.ctx.scope.init_data)

    @property
    def scheduler(self) -> SchedulerBase:
        """The run's scheduler."""
        return self.execution.scheduler

    @property
    def runtime(self) -> Any:
        """The runtime that carries the run out."""
        return self.execution.runtime

    @property
    def runtime_context(self) -> MutableMapping[str, Any]:
        """The run's own mapping."""
        return self.execution.runtime_context

    @property
    def cancelled(self) -> Observable[str | None]:
        """Emits once when the call is asked to stop."""
        latest: Latest[str | None] | None = getattr(self, "_cancelled", None)
        if latest is None:
            latest = Latest(self.execution.scheduler)
            self._cancelled: Latest[str | None] = latest
            if self.then is not None or self.closed:
                self.tell_cancelled()
        return latest

    def tell_cancelled(self) -> None:
        """Tell whoever listens to `cancelled`."""
        latest: Latest[str | None] | None = getattr(self, "_cancelled", None)
        if latest is not None:
            latest.set(self.execution.cancel_reason)
            latest.complete()

    # -- threads -------------------------------------------------------------------------------------------------

    def on_thread(self) -> bool:
        """Tell whether the caller is on the thread of the leg."""
        return self.execution.on_thread()

    def post(self, action: Callable[[], object]) -> None:
        """Run `action` on the thread of the leg.

        Raises:
            WriterClosed: when the step is over.
        """
        self._check_open()
        self.execution.post(action)

    def blocking(self, call: Callable[[], Awaitable[Any] | None]) -> None:
        """Run `call` on the thread of the leg, and wait for it and for what it returns to await."""
        if self.on_thread():
            call()
            return
        promise: Promise[None] = Promise()

        async def finish(rest: Awaitable[Any]) -> None:
            try:
                with unheld(self.execution.loop):
                    await rest
            except BaseException as error:  # noqa: BLE001 # it belongs to the thread that waits
                promise.set_exception(error)
            else:
                promise.set_result(None)

        def run() -> None:
            try:
                rest = call()
            except BaseException as error:  # noqa: BLE001 # it belongs to the thread that waits
                promise.set_exception(error)
                return
            if rest is None or not isawaitable(rest):
                promise.set_result(None)
            else:
                self.execution.spawn(finish(rest))

        self._check_open()
        self.execution.post(run)
        promise.result()

    async def on_worker(self, work: Callable[[], T]) -> T:
        """Run `work` on a worker thread; when the step is cancelled, wait for the thread all the same."""
        execution = self.execution
        outcome: Outcome[T] | None = None
        waiter: Future[None] | None = None

        def done(found: Outcome[T]) -> None:
            nonlocal outcome
            outcome = found
            if waiter is not None:
                ring(waiter)

        handle = execution.offload.submit(work, done, context=copy_context(), loop=execution.loop, label=self.path)
        cancelled: CancelledError | None = None
        while outcome is None:
            waiter = execution.loop.create_future()
            try:
                await waiter
            except CancelledError as error:
                cancelled = error
                # Nobody waits for a thread when its step was given up, or the loop is about to end.
                if handle.cancel() or self.closed or ends_the_run(execution, error, asked=self.then is not None):
                    break
        if cancelled is not None:
            raise cancelled
        return cast("Outcome[T]", outcome).unwrap()

    # -- writing -------------------------------------------------------------------------------------------------

    def _check_open(self) -> None:
        if self.closed or self.execution.silent:
            raise WriterClosed("the step is over", step_path=self.path, run_id=self.execution.run_id)

    def write(self, value: Any) -> bool:
        """Append an output chunk, and tell whether a reader that paces writers lags too far."""
        execution = self.execution
        if self.closed or execution.silent:
            self._check_open()
        run_id = execution.run_id
        log = execution.log
        try:
            log.append(StepOutput(run_id, self.id, self.call_id, copy_plain(value), self.index))
        except RunInterrupted as taken:
            execution.interrupt(taken)
        return bool(log.pacing) and log.crowded

    def custom(self, type: str, data: Any) -> None:
        """Append a chunk of the user's own type, which the context has checked."""
        self._check_open()
        execution = self.execution
        execution.tell(Custom(execution.run_id, cast("CustomType", type), copy_plain(data)))

    def record_usage(self, usage: Usage) -> None:
        """Count tokens: told as an output of the shape that carries usage."""
        self.write({"type": "finish", "payload": {"usage": usage.wire_fields()}})

    def crowded(self) -> bool:
        """Tell whether a reader that paces writers lags too far."""
        execution = self.execution
        return not execution.silent and execution.log.crowded

    async def room(self) -> None:
        """Wait until no reader lags much, or those that do have stood still for too long."""
        execution = self.execution
        log = execution.log
        self.wait_begins()
        try:
            while log.crowded:
                now = execution.loop.time()
                oldest = log.leave_behind(now - STALLED_AFTER + EARLY)
                if oldest is None:
                    break
                waiter: Future[None] = execution.loop.create_future()

                def wake(waiter: Future[None] = waiter) -> None:
                    execution.soon(partial(ring, waiter))

                log.wait_for_room(wake)
                timer = execution.after(oldest + STALLED_AFTER - now, wake)
                try:
                    await waiter
                finally:
                    timer.dispose()
        finally:
            self.wait_ends()

    # -- results and state ---------------------------------------------------------------------------------------

    def result_of(self, step_id: str, default: Any) -> Any:
        """Return the output of a step in this workflow, or in one around it."""
        snapshot = self.execution.snapshot
        scope: Scope | None = self.ctx.scope
        while scope is not None:
            entry = snapshot.valid(scope.prefix + step_id)
            if entry is not None and entry.status in {"success", "bailed"}:
                return copy_plain(entry.output)
            scope = scope.parent
        return default

    def state(self) -> Any:
        """Return what the step sees of the state."""
        return self.ctx.scope.workflow.settings.state.present(self.execution.snapshot.state)

    def state_fields(self) -> Mapping[str, Any]:
        """Return the fields of the state that the step sees."""
        return copy_plain(self.ctx.scope.workflow.settings.state.view(self.execution.snapshot.state))

    def write_state(self, new: Any, seen: Mapping[str, Any] | None) -> None:
        """Write the fields in which `new` differs from what the step saw."""
        self._write(differing(new, self.state_fields() if seen is None else seen))

    def update_state(self, change: Callable[[Any], Mapping[str, Any]]) -> None:
        """Apply a change to the state as it is now."""
        spec = self.ctx.scope.workflow.settings.state
        self._write(spec.joined(self.execution.snapshot.state, change))

    def _write(self, changes: Mapping[str, Any]) -> None:
        self._check_open()
        fine = self.ctx.scope.workflow.settings.state.checked(changes)
        if fine:
            self.execution.note(StateWrite(fine))
