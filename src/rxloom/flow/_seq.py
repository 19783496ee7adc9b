"""A sequence: one node after the other, each with the output of the one before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reactivex.abc import DisposableBase
from typing_extensions import override

from rxloom.engine import PAUSED, Ctx, Err, Failure, Node, Ok
from rxloom.step_type import Step

BUDGET = 256
"""After so many nodes that complete at once, the loop gets a turn."""


class Seq(Node):
    """A trampolined, value-threading `concat`: the stack does not grow with its length.

    ```text
    contexts  --1-----------------|
    a, b      -----a(1)---b(a(1))--|
    ```
    """

    __slots__ = ("nodes",)

    def __init__(self, nodes: Sequence[Node]) -> None:
        """Make a sequence of `nodes`."""
        self.nodes = tuple(nodes)

    @override
    def start(self, ctx: Ctx, ok: Ok, err: Err) -> DisposableBase | None:
        run = _SeqRun(self.nodes, ctx, ok, err)
        # An arm or a loop's body that is a list is no sequence of top-level nodes.
        run.by_steps = ctx.execution.per_step and not ctx.scope.depth and ctx.scope.workflow.flow is self
        run.advance()
        return run

    @override
    def with_steps(self, steps: Mapping[str, Step[Any, Any, Any]]) -> Node:
        return Seq([node.with_steps(steps) for node in self.nodes])

    @override
    def describe(self) -> Mapping[str, Any]:
        return {"type": "sequence", "nodes": [node.describe() for node in self.nodes]}


class _SeqRun(DisposableBase):
    """A sequence being run: it is the `ok` of the node that runs, and the disposable of the whole."""

    __slots__ = ("_at", "_ctx", "_current", "_err", "_nodes", "_ok", "_pos", "_ready", "_running", "by_steps")

    def __init__(self, nodes: Sequence[Node], ctx: Ctx, ok: Ok, err: Err) -> None:
        self._nodes = nodes
        self._ctx = ctx
        self._ok: Ok | None = ok
        self._err: Err | None = err
        self._at = 0
        self._pos = -1
        self._current: DisposableBase | None = None
        self._ready = True
        self._running = False
        self.by_steps = False

    def __call__(self, _: Ctx) -> None:
        self._ready = True
        if not self._running:
            self.advance()

    def _fail(self, failure: Failure) -> None:
        err = self._err
        self._ok = self._err = self._current = None
        if err is not None:
            err(failure)

    def advance(self) -> None:
        """Start nodes as long as they complete at once."""
        self._running = True
        ctx = self._ctx
        nodes = self._nodes
        budget = BUDGET
        while self._ready and self._ok is not None:
            if ctx.halt is not None or self._at == len(nodes) or (self.by_steps and self._pauses()):
                self._finish()
                break
            budget -= 1
            if not budget:
                ctx.execution.soon(self._go_on)
                break
            self._ready = False
            self._pos = ctx.execution.snapshot.next_pos
            node = nodes[self._at]
            self._at += 1
            self._current = None
            current = node.start(ctx, self, self._fail)
            if self._ok is None:
                if current is not None and not self._ready:
                    current.dispose()
            elif not self._ready:
                self._current = current
        self._running = False

    def _go_on(self) -> None:
        if self._ok is not None:
            self.advance()

    def _pauses(self) -> bool:
        """With `per_step`, stop after the first node that did something."""
        ctx = self._ctx
        if not self._at or ctx.execution.snapshot.next_pos == self._pos:
            return False
        ctx.halt = PAUSED
        return True

    def _finish(self) -> None:
        ok = self._ok
        self._ok = self._err = self._current = None
        if ok is not None:
            ok(self._ctx)

    @override
    def dispose(self) -> None:
        current = self._current
        self._ok = self._err = self._current = None
        if current is not None:
            current.dispose()
