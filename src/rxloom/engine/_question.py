"""Asking a user's function something between the steps: a condition, a delay, a callback."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from functools import lru_cache
from typing import Any

from reactivex.abc import DisposableBase
from typing_extensions import override

from rxloom.callables import check_loop, is_awaitable
from rxloom.context import StepContext
from rxloom.engine._bodiless import bodiless
from rxloom.engine._ctx import Ctx
from rxloom.engine._leaf import Leaf
from rxloom.engine._shutdown import ends_the_run, pass_on, thrown_away
from rxloom.errors import AbortSignal, DefinitionError, StepSignal, signal_in
from rxloom.step_type import Step


@lru_cache(maxsize=1024)
def _asker(id: str) -> Step[Any, Any, Any]:
    return bodiless(id)


class Question(DisposableBase):
    """A user's function being asked. It is told by no chunk; while it is open, whatever is around it waits."""

    __slots__ = ("_answered", "_ctx", "_failed", "_later", "_open", "_read", "_task", "leaf")

    def __init__(self, id: str, ctx: Ctx, answered: Callable[[Any], None], failed: Callable[[Exception], None]) -> None:
        """Make a question that is asked in the name of the node `id`."""
        self._ctx = ctx
        self._answered: Callable[[Any], None] | None = answered
        self._failed: Callable[[Exception], None] | None = failed
        self._read: Callable[[Any], Any] | None = None
        self._later: Any = None
        self._task: Any = None
        self._open = False
        # A context that can read and abort; it has no open step, so that nothing can be written or suspended.
        self.leaf: Leaf = Leaf(_asker(id), ctx, _drop, _drop)
        self.leaf.closed = True

    def ask(
        self, function: Callable[[Any, Any], Any], value: Any, *, read: Callable[[Any], Any] | None = None
    ) -> Question:
        """Call `function(value, ctx)` in a copy of the run's context, and await what it returns if need be.

        Args:
            function: the user's function.
            value: what it is asked about.
            read: what makes the answer of what the function gave; it fails like the function.
        """
        execution = self._ctx.execution
        context = execution.context.copy()
        self._read = read
        try:
            answer = context.run(function, value, StepContext(self.leaf))
            later = is_awaitable(answer)
            if later and execution.loopless:
                check_loop(answer)
            if read is not None and not later:
                answer = read(answer)
        except BaseException as error:  # noqa: BLE001 # a user's function may raise anything
            pass_on(execution, error)
            self._raised(error)
            return self
        if later:
            self._open = True
            self._ctx.parent.child_opened()
            self._later = answer
            self._task = execution.spawn(self._await(), context=context)
        else:
            self._reply(answer)
        return self

    async def _await(self) -> None:
        execution = self._ctx.execution
        awaitable: Awaitable[Any] = self._later
        self._later = None
        try:
            answer = await awaitable
            if self._read is not None:
                answer = self._read(answer)
        except GeneratorExit:
            thrown_away(execution)
            raise
        except BaseException as error:  # noqa: BLE001 # a user's function may raise anything
            self._close()
            pass_on(execution, error)
            self._raised(error)
            return
        self._close()
        try:
            self._reply(answer)
        except Exception as error:  # noqa: BLE001 # a defect of ours must not vanish in a task
            execution.crash(error)

    def _close(self) -> None:
        if self._open:
            self._open = False
            self._ctx.parent.child_closed()

    def _reply(self, answer: Any) -> None:
        answered, self._answered, self._failed = self._answered, None, None
        if answered is not None:
            answered(answer)

    def _raised(self, error: BaseException) -> None:
        execution = self._ctx.execution
        failed, self._answered, self._failed = self._failed, None, None
        if ends_the_run(execution, error, asked=failed is None) or failed is None:
            return
        signal = signal_in(error)
        if isinstance(signal, AbortSignal) and execution.leg is not None:
            execution.leg.cancel(signal.reason or f"aborted by {self.leaf.path!r}")
        elif isinstance(error, Exception) and not execution.canceling:
            failed(error)
        elif isinstance(error, StepSignal):
            failed(DefinitionError("only a step can suspend or bail", step_path=self.leaf.path))
        elif not execution.canceling:
            wrapped = RuntimeError(f"raised {error!r}")
            wrapped.__cause__ = error
            failed(wrapped)

    @override
    def dispose(self) -> None:
        self._answered = self._failed = None
        if self._task is not None:
            self._task.cancel()
        if self._later is not None:  # its task never begins
            later, self._later = self._later, None
            if isinstance(later, Coroutine):
                later.close()
            self._close()


def _drop(_: Any) -> None:
    """Take an outcome that nobody waits for."""
