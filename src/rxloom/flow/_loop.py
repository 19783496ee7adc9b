"""Loops: the body first, then the condition; the output feeds the next round."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from reactivex.abc import DisposableBase
from typing_extensions import override

from rxloom.callables import Adapter
from rxloom.chunks import Choice
from rxloom.engine import Ctx, Err, Failure, Node, Ok, Question
from rxloom.error_info import error_info
from rxloom.step_type import Step
from rxloom.values import copy_plain

BUDGET = 256
"""After so many rounds that complete at once, the loop gets a turn."""


class Rule(NamedTuple):
    """Whether a loop goes on after a round.

    Attributes:
        kind: whether it goes on while the condition holds, or until it does.
        condition: asked after each round, `(output, ctx)`.
        name: the condition's name, for the graph.
        max_iterations: the loop ends after so many rounds, whatever the condition says.
    """

    kind: Literal["while", "until"]
    condition: Adapter
    name: str
    max_iterations: int | None = None

    def ends(self, rounds: int, *, holds: bool) -> bool:
        """Tell whether the loop ends after so many rounds, given whether the condition holds."""
        return holds != (self.kind == "while") or rounds == self.max_iterations


class Loop(Node):
    """Runs a body again and again: `while` the condition holds, or `until` it does.

    ```text
    contexts     --1----------------|
    body (x + 1) ----2--3--4|
    until x > 3  ----------4|
    ```
    """

    __slots__ = ("body", "first", "id", "rule")

    def __init__(self, id: str, body: Node, rule: Rule, *, first: str) -> None:
        """Make a loop.

        Args:
            id: what its end is recorded under.
            body: what a round runs.
            rule: says whether there is another round.
            first: id of the first step of the body, whose record says how far a loop had got.
        """
        self.id = id
        self.body = body
        self.rule = rule
        self.first = first

    @override
    def start(self, ctx: Ctx, ok: Ok, err: Err) -> DisposableBase | None:
        run = _LoopRun(self, ctx, ok, err)
        run.begin()
        return run

    @override
    def with_steps(self, steps: Mapping[str, Step[Any, Any, Any]]) -> Node:
        return Loop(self.id, self.body.with_steps(steps), self.rule, first=self.first)

    @override
    def describe(self) -> Mapping[str, Any]:
        rule = self.rule
        limit = {} if rule.max_iterations is None else {"max_iterations": rule.max_iterations}
        shown = {"type": "loop", "kind": f"do_{rule.kind}", "condition": rule.name}
        return {**shown, "node": self.body.describe(), **limit}


class _LoopRun(DisposableBase):
    """A loop being run: it is the `ok` of its body, and the disposable of the whole."""

    __slots__ = ("_ctx", "_current", "_ended", "_err", "_loop", "_ok", "_outer", "_ready", "_round", "_running")

    def __init__(self, loop: Loop, ctx: Ctx, ok: Ok, err: Err) -> None:
        self._loop = loop
        self._ctx = ctx
        self._outer = ctx.iteration
        self._ok: Ok | None = ok
        self._err: Err | None = err
        self._current: DisposableBase | None = None
        self._round = 0
        self._ready = True
        self._running = False
        self._ended: int | None = None

    @property
    def _key(self) -> str:
        return f"{self._ctx.scope.prefix}{self._loop.id}"

    def begin(self) -> None:
        """Start with round 1, or where the records say that the loop had got."""
        ctx = self._ctx
        if ctx.execution.recorded:
            snapshot = ctx.execution.snapshot
            entry = snapshot.valid(ctx.scope.prefix + self._loop.first)
            if entry is not None and entry.iteration > 0:
                self._round = entry.iteration - 1
                ctx.value = copy_plain(entry.input)
                ended = snapshot.decided(self._key)
                self._ended = ended[0] if ended is not None else None
        self._advance()

    def __call__(self, ctx: Ctx) -> None:
        """Take the output of a round."""
        if self._ok is None:
            return
        if ctx.halt is not None or (self._ended is not None and self._round >= self._ended):
            self._finish()
        else:
            value = copy_plain(ctx.value)
            self._current = Question(self._loop.id, ctx, self._answered, self._failed)
            self._current.ask(self._loop.rule.condition, value, read=bool)

    def _answered(self, answer: bool) -> None:  # noqa: FBT001 # a callback
        if self._ok is None:
            return
        if self._loop.rule.ends(self._round, holds=answer):
            self._ctx.execution.note(Choice(self._key, (self._round,)))
            self._finish()
            return
        self._ready = True
        if not self._running:
            self._advance()

    def _advance(self) -> None:
        self._running = True
        budget = BUDGET
        ctx = self._ctx
        while self._ready and self._ok is not None:
            budget -= 1
            if not budget:
                ctx.execution.soon(self._go_on)
                break
            self._ready = False
            self._round += 1
            ctx.iteration = self._round
            self._current = None
            current = self._loop.body.start(ctx, self, self._body_failed)
            if self._ok is None:
                if current is not None and not self._ready:
                    current.dispose()
            elif not self._ready and self._current is None:
                self._current = current
        self._running = False

    def _go_on(self) -> None:
        if self._ok is not None:
            self._advance()

    def _finish(self) -> None:
        ok = self._ok
        self._drop()
        if ok is not None:
            ok(self._ctx)

    def _failed(self, error: Exception) -> None:
        self._body_failed(Failure(error, error_info(error)))

    def _body_failed(self, failure: Failure) -> None:
        err = self._err
        self._drop()
        if err is not None:
            err(failure)

    def _drop(self) -> None:
        self._ok = self._err = self._current = None
        self._ctx.iteration = self._outer

    @override
    def dispose(self) -> None:
        current = self._current
        self._drop()
        if current is not None:
            current.dispose()
