"""The context that goes down the pipeline, and what it can carry instead of a plain value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from rxloom.chunks import ErrorInfo
from rxloom.engine._execution import Execution
from rxloom.engine._parent import Parent
from rxloom.engine._scope import Scope


class Halt(NamedTuple):
    """Why a sequence stops early without having failed.

    Attributes:
        kind: `suspended` (at `paths`), `bailed` (the value is the workflow's result) or `paused` (`per_step`).
        paths: the suspended leaves.
        payload: what the first of them asks.
    """

    kind: Literal["suspended", "bailed", "paused"]
    paths: tuple[str, ...] = ()
    payload: Any = None


BAILED: Final = Halt("bailed")
PAUSED: Final = Halt("paused")


class Failure(NamedTuple):
    """A failure on its way up: the live exception, and what is told of it."""

    exception: Exception
    info: ErrorInfo


class Ctx:
    """A value on its way through a workflow.

    It belongs to whom it was handed: a node changes `value` and `halt` in place and hands the same context on.

    Attributes:
        execution: the leg.
        scope: the workflow it is in.
        value: the output of the node before.
        halt: set when the sequence is to stop.
        iteration: round of the loop around it, from 1; 0 outside.
        index: index of the `for_each` item it is, or `None`.
        parent: the call whose children the calls made of it are.
        handled: whether a failure is collected by a fan-out around it.
    """

    __slots__ = ("execution", "halt", "handled", "index", "iteration", "parent", "scope", "value")

    def __init__(self, execution: Execution, scope: Scope, value: Any) -> None:
        """Make a context at the start of `scope`."""
        self.execution: Execution = execution
        self.scope: Scope = scope
        self.value: Any = value
        self.halt: Halt | None = None
        self.iteration: int = 0
        self.index: int | None = None
        self.parent: Parent = scope.call
        self.handled: bool = scope.handled

    def fork(self, value: Any) -> Ctx:
        """Return a context for a branch of its own."""
        fork = Ctx(self.execution, self.scope, value)
        fork.iteration = self.iteration
        fork.parent = self.parent
        fork.handled = self.handled
        return fork


Ok: TypeAlias = Callable[[Ctx], None]
Err: TypeAlias = Callable[[Failure], None]
