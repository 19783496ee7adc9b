"""Fan-out: children side by side, at most so many at once; errors and suspensions are values, and all settle."""

from __future__ import annotations

from abc import abstractmethod
from collections import deque
from collections.abc import Sequence
from typing import Any

from reactivex.abc import DisposableBase
from typing_extensions import override

from rxloom.engine._ctx import Ctx, Err, Failure, Halt, Ok
from rxloom.ports.node import NodePort


class Child:
    """One child of a fan-out: it is the `ok` of its node, and holds what became of it."""

    __slots__ = ("_fan", "disposable", "failure", "halt", "index", "output", "running")

    def __init__(self, fan: FanOut, index: int) -> None:
        """Make the child at `index`."""
        self._fan = fan
        self.index: int = index
        self.disposable: DisposableBase | None = None
        self.running: bool = False
        self.output: Any = None
        self.halt: Halt | None = None
        self.failure: Failure | None = None

    def __call__(self, ctx: Ctx) -> None:
        """Take the output of the child, or why it halted."""
        self.output = ctx.value
        self.halt = ctx.halt
        self._fan.settled(self)

    def fail(self, failure: Failure) -> None:
        """Take the failure of the child."""
        self.failure = failure
        self._fan.settled(self)


class FanOut(DisposableBase):
    """The children of one fan-out while they run.

    Subclasses give the children their contexts, and put the outcome together.
    """

    __slots__ = (
        "_err", "_limit", "_live", "_next", "_ok", "_pumping", "_restart", "_stopped", "_waiting", "children",
        "collect", "ctx",
    )  # fmt: skip

    def __init__(self, ctx: Ctx, ok: Ok, err: Err, *, count: int, limit: int | None, collect: bool) -> None:
        """Make a fan-out.

        Args:
            ctx: the context that is fanned out.
            ok: called with it when all children have settled.
            err: called when one failed and failures are not collected.
            count: how many children there are.
            limit: how many may run at once; `None` is all.
            collect: whether a failed child counts as `None`.
        """
        self.ctx: Ctx = ctx
        self._ok: Ok | None = ok
        self._err: Err | None = err
        self.children: list[Child | None] = [None] * count
        self._limit = count if limit is None else limit
        self.collect: bool = collect
        self._live = 0
        self._next = 0
        self._restart: deque[Child] = deque()
        self._stopped = False
        self._pumping = False
        self._waiting = 0

    # -- what subclasses say -------------------------------------------------------------------------------------

    @abstractmethod
    def node_of(self, index: int) -> NodePort:
        """Return the node of a child."""

    @abstractmethod
    def ctx_of(self, index: int) -> Ctx:
        """Return the context of a child."""

    @abstractmethod
    def outcome(self) -> Any:
        """Put the outputs together."""

    def child_settled(self, child: Child) -> None:
        """Take note that a child has settled."""

    def stops_at(self, child: Child) -> bool:
        """Tell whether no further child is started after this one."""
        del child
        return False

    def keeps_its_place(self) -> bool:
        """Tell whether a suspended child still counts as one of those that may run at once."""
        return False

    def succeeded(self, output: Any) -> None:
        """Hand the outcome on."""
        self._hand_on(output, None)

    def failed(self, failure: Failure) -> None:
        """Hand a failure on."""
        err = self._err
        self._drop()
        if err is not None:
            err(failure)

    def halted(self, halt: Halt, value: Any) -> None:
        """Hand a suspension or a bail on."""
        self._hand_on(value, halt)

    # -- running -------------------------------------------------------------------------------------------------

    def start(self) -> FanOut:
        """Start as many children as may run."""
        self.ctx.execution.fans[self] = None
        self._pump()
        return self

    def _pump(self) -> None:
        if self._pumping:
            return
        self._pumping = True
        try:
            while self._ok is not None and self._live < self._limit and (child := self._next_child()) is not None:
                self._start(child)
        finally:
            self._pumping = False
        if self._ok is not None and not self._live and not self._restart:
            self._settle()

    def _next_child(self) -> Child | None:
        if self._restart:
            return self._restart.popleft()
        if self._stopped or self._next == len(self.children) or self._live + self._waiting >= self._limit:
            return None
        child = Child(self, self._next)
        self.children[self._next] = child
        self._next += 1
        return child

    def _start(self, child: Child) -> None:
        child.running = True
        self._live += 1
        started = self.node_of(child.index).start(self.ctx_of(child.index), child, child.fail)
        if self._ok is None and child.running and started is not None:
            started.dispose()
        elif child.running:
            child.disposable = started

    def settled(self, child: Child) -> None:
        """Take a child that succeeded, failed or halted."""
        child.running = False
        child.disposable = None
        self._live -= 1
        if self._ok is None:
            return
        self.child_settled(child)
        if child.halt is not None and child.halt.kind == "bailed":
            self._bail(child)
            return
        if self.stops_at(child):
            self._stopped = True
        if child.halt is not None:
            if self.ctx.execution.has_answered(child.halt.paths):
                child.halt = None
                self._restart.append(child)
            else:
                self._waiting += self.keeps_its_place()
        self._pump()

    def _bail(self, child: Child) -> None:
        """End the workflow around: siblings that still run are cancelled."""
        halt = child.halt
        _cancel(self.children)
        if halt is not None:
            self.halted(halt, child.output)

    def rejoin(self, paths: set[str]) -> bool:
        """Start the suspended children that lead to one of `paths` again; tell whether there was one."""
        found = [
            child
            for child in self.children
            if child is not None
            and not child.running
            and child.halt is not None
            and paths.intersection(child.halt.paths)
        ]
        for child in found:
            child.halt = None
            self._waiting -= self.keeps_its_place()
            self._restart.append(child)
        if found:
            self._pump()
        return bool(found)

    # -- settling ------------------------------------------------------------------------------------------------

    def _settle(self) -> None:
        started = [child for child in self.children if child is not None]
        failures = [child.failure for child in started if child.failure is not None]
        halts = [child.halt for child in started if child.halt is not None]
        if failures and not self.collect:
            self.failed(joined(failures))
        elif halts:
            paths = tuple(path for halt in halts for path in halt.paths)
            self.halted(Halt(halts[0].kind, paths, halts[0].payload), self.ctx.value)
        else:
            self.succeeded(self.outcome())

    def _hand_on(self, value: Any, halt: Halt | None) -> None:
        ok = self._ok
        self._drop()
        if ok is not None:
            self.ctx.value = value
            self.ctx.halt = halt
            ok(self.ctx)

    def _drop(self) -> list[Child | None]:
        """Let go of everything: children and fan refer to each other."""
        self._ok = self._err = None
        self.ctx.execution.fans.pop(self, None)
        children, self.children = self.children, []
        return children

    @override
    def dispose(self) -> None:
        _cancel(self._drop())


def _cancel(children: list[Child | None]) -> None:
    for child in children:
        if child is not None and child.disposable is not None:
            disposable, child.disposable = child.disposable, None
            disposable.dispose()


def joined(failures: Sequence[Failure]) -> Failure:
    """Return the one failure, or a group of them that tells the first declared one."""
    if len(failures) == 1:
        return failures[0]
    group = ExceptionGroup(f"{len(failures)} siblings failed", [failure.exception for failure in failures])
    return Failure(group, failures[0].info)
