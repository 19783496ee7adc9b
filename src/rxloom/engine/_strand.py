"""Strands: one asyncio task that runs the bodies of consecutive steps.

A task costs more than all the rest of a small step. So a step that is started by the success of another one takes
over its task, where nothing can tell: each body runs in a copy of the run's context, and steps with a timeout, Rx
operators, threads or streams, and what follows a body that raised or was cancelled, get tasks of their own.
"""

from __future__ import annotations

from asyncio import current_task, sleep
from collections.abc import Awaitable, Coroutine, Generator
from contextvars import Context
from typing import Any, Protocol

from rxloom.engine._execution import Execution
from rxloom.engine._shutdown import pass_on, thrown_away
from rxloom.engine._task import LegTask

BUDGET = 64
"""After so many bodies the loop gets a turn: bodies that wait for nothing would keep it to themselves."""


class Runner(Protocol):
    """A body that a strand can run."""

    def enter(self) -> Coroutine[Any, Any, Any] | None:
        """Begin: return the coroutine to drive, or `None` when there is nothing to do; then `returned` is called."""
        ...

    def returned(self, value: Any) -> None:
        """Take what the body returned."""
        ...

    def raised(self, error: BaseException) -> None:
        """Take what the body raised."""
        ...


class InContext:
    """Awaits a coroutine that has begun, every step of it inside a given context."""

    __slots__ = ("_context", "_coroutine", "_yielded")

    def __init__(self, coroutine: Coroutine[Any, Any, Any], context: Context, yielded: Any) -> None:
        """Go on with `coroutine`, which has just yielded `yielded` to the event loop."""
        self._coroutine = coroutine
        self._context = context
        self._yielded = yielded

    def __await__(self) -> Generator[Any, Any, Any]:
        """Drive the coroutine to its end."""
        # No bound methods are kept: a run that waits is many objects already.
        context, coroutine, yielded = self._context, self._coroutine, self._yielded
        try:
            while True:
                try:
                    answer = yield yielded
                except GeneratorExit:
                    context.run(coroutine.close)
                    raise
                except BaseException as error:  # noqa: BLE001 # the body decides what to do with it
                    yielded = context.run(coroutine.throw, error)
                else:
                    yielded = context.run(coroutine.send, answer)
        except StopIteration as stop:
            return stop.value


class Strand:
    """A task that runs bodies, one after another.

    Attributes:
        next: the body that runs next, if there is one already.
        context: the `contextvars` context of the body that runs.
        task: the task.
    """

    __slots__ = ("_execution", "_fit", "_fresh", "context", "next", "task")

    def __init__(
        self, execution: Execution, first: Runner, context: Context | None = None, task: LegTask | None = None
    ) -> None:
        """Run `first` in a task.

        Args:
            execution: the leg it belongs to.
            first: the first body, which has the context of the task to itself.
            context: that context; a copy of the run's if left out.
            task: the task, which will await `run`; a new one if left out.
        """
        self._execution = execution
        self._fresh = True
        self._fit = True  # for another body
        self.next: Runner | None = first
        self.context: Context = context or execution.context.copy()
        self.task: LegTask = task or LegTask(self.run(), execution.loop, self.context, execution.tasks)

    async def run(self) -> None:
        """Run bodies until there is none, or the task is not fit for another one."""
        budget = BUDGET
        while self._fit and (runner := self.next) is not None:
            if not budget:
                budget = BUDGET
                await self._pause()
                continue
            budget -= 1
            self.next = None
            rest = self._enter(runner)
            if rest is not None:
                await self._go_on(runner, rest)

    async def _pause(self) -> None:
        """Give the loop a turn, in which the next body may be taken back."""
        try:
            await sleep(0)
        except GeneratorExit:
            thrown_away(self._execution)
            raise
        except BaseException as error:  # noqa: BLE001 # the runner knows what it is
            runner, self.next = self.next, None
            if runner is not None:
                self._settle(runner.raised, error)

    def _enter(self, runner: Runner) -> Awaitable[Any] | None:
        """Begin a body, and return what is to be awaited of it: nothing, if it is over already."""
        try:
            coroutine = runner.enter()
            if coroutine is None:
                self._settle(runner.returned, None)
                return None
            if self._fresh:
                self._fresh = False
                return coroutine
            self.context = context = self._execution.context.copy()
            try:
                yielded = context.run(coroutine.send, None)
            except StopIteration as stop:
                value = stop.value
            else:
                return InContext(coroutine, context, yielded)
        except BaseException as error:
            if self._goes_on(runner, error):
                raise
        else:
            self._returned(runner, value)
        return None

    async def _go_on(self, runner: Runner, rest: Awaitable[Any]) -> None:
        """Await the rest of a body."""
        try:
            value = await rest
        except BaseException as error:
            if self._goes_on(runner, error):
                raise
        else:
            self._returned(runner, value)

    def _returned(self, runner: Runner, value: Any) -> None:
        """Hand over what the body returned."""
        execution = self._execution
        if self.task.shut_down:
            thrown_away(execution)  # whatever the body has made of that
        if self.task.cancelling():
            self._fit = False
            self._settle(runner.returned, value)
        else:
            execution.strand = self
            self._settle(runner.returned, value)
            execution.strand = None

    def _goes_on(self, runner: Runner, error: BaseException) -> bool:
        """Hand over what the body raised; tell whether the task has to end with it, too.

        It does so only where it is thrown away: an exception that nobody asks a task for is a cycle with its frames.
        """
        execution = self._execution
        self._fit = False
        if isinstance(error, GeneratorExit) and current_task(execution.loop) is not self.task:
            thrown_away(execution)
            return True
        pass_on(execution, error)
        self._settle(runner.raised, error)
        return False

    def _settle(self, take: Any, outcome: Any) -> None:
        try:
            # Not in the context of a body: whatever comes next must not see what that has set there.
            self._execution.context.run(take, outcome)
        except Exception as error:  # noqa: BLE001 # a defect of ours must not vanish in a task
            self._execution.crash(error)
