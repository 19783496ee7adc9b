"""How a leg goes on after its first chunk: in the task of its first body."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context
from typing import Any, Protocol

from rxloom.engine import Execution, Strand, ends_the_run


class Opened(Protocol):
    """A leg whose first chunk was told."""

    @property
    def execution(self) -> Execution:
        """What its nodes and calls share."""
        ...

    @property
    def closing(self) -> bool:
        """Whether it is ending, or has ended."""
        ...


def begin(leg: Opened, action: Callable[[], None]) -> None:
    """Do `action` in a task, which the first body then has.

    Whoever started the leg has its first chunk already, and no frame of his is below what a body raises.
    """
    execution = leg.execution
    context = execution.context.copy()
    execution.spawn(_begin(leg, action, context), context=context)


async def _begin(leg: Opened, action: Callable[[], None], context: Context) -> None:
    # What follows is made in here: whoever started the leg waits for its first chunk, and not for that.
    beginning = _Beginning(leg, action)
    strand = Strand(leg.execution, beginning, context, leg.execution.current_task())
    beginning.strand = strand
    await strand.run()


class _Beginning:
    """What the first task of a leg does before the first body, which then has the task."""

    __slots__ = ("_action", "_leg", "strand")

    def __init__(self, leg: Opened, action: Callable[[], None]) -> None:
        """Make the beginning of `leg`."""
        self._leg = leg
        self._action = action
        self.strand: Strand | None = None

    def enter(self) -> None:
        """Start the pipeline, unless the leg has ended meanwhile."""
        if self._leg.closing:
            return
        execution = self._leg.execution
        execution.strand = self.strand
        try:
            self._action()
        finally:
            execution.strand = self.strand = None

    def returned(self, value: Any) -> None:
        """Take nothing: there is no body."""

    def raised(self, error: BaseException) -> None:
        """Take a defect, or the end of the loop."""
        execution = self._leg.execution
        if not ends_the_run(execution, error, asked=self._leg.closing) and isinstance(error, Exception):
            execution.crash(error)
