"""Overlap: steps in a row, each fed with the items of the one before while that still produces them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reactivex.abc import DisposableBase
from typing_extensions import override

from rxloom.engine import Child, Ctx, Err, Failure, FanOut, Halt, Items, Nested, Node, Ok, Stage, replayed, spread
from rxloom.errors import StepFailed
from rxloom.step_type import Step


class Overlap(Node):
    """Runs steps as a pipeline: each begins with the first item of the one before.

    The outcome is that of the steps one after the other; only the time is another one.

    ```text
    contexts  --1----------------|
    a         ----a--b--c|           its items
    b         -----A--B--C-D|        takes an Observable
    overlap   --------------[A,B,C,D]|
    ```
    """

    __slots__ = ("nodes", "steps")

    def __init__(self, steps: Sequence[Step[Any, Any, Any]], nodes: Sequence[Node]) -> None:
        """Make a pipeline of `steps`, of which each but the first takes an Observable; `nodes` describe them."""
        self.steps = tuple(steps)
        self.nodes = tuple(nodes)

    @override
    def start(self, ctx: Ctx, ok: Ok, err: Err) -> DisposableBase | None:
        return _Pipeline(self.steps, ctx, ok, err).start()

    @override
    def with_steps(self, steps: Mapping[str, Step[Any, Any, Any]]) -> Node:
        if steps.keys().isdisjoint(step.id for step in self.steps):
            return self
        return Overlap(
            [steps.get(step.id, step) for step in self.steps], [node.with_steps(steps) for node in self.nodes]
        )

    @override
    def describe(self) -> Mapping[str, Any]:
        return {"type": "overlap", "nodes": [node.describe() for node in self.nodes]}


class _Pipeline(FanOut):
    """The steps while they run: a fan-out whose children start one after the other, and wait for those before."""

    __slots__ = ("_items", "_stages", "_steps")

    def __init__(self, steps: Sequence[Step[Any, Any, Any]], ctx: Ctx, ok: Ok, err: Err) -> None:
        super().__init__(ctx, ok, err, count=len(steps), limit=None, collect=False)
        self._steps = steps
        self._items = [Items(self._pump) for _ in steps[1:]]
        self._stages: dict[int, Stage] = {}

    # -- starting ------------------------------------------------------------------------------------------------

    @override
    def _next_child(self) -> Child | None:
        if not self._restart and self._next and not self._may_begin(self._next):
            return None
        return super()._next_child()

    def _may_begin(self, index: int) -> bool:
        if index == len(self._steps) or self._items[index - 1].complete:
            return True
        if self._steps[index].kind == "workflow":  # in place of a step: it takes a value
            return False
        if self._items[index - 1].begun:
            return True
        # Who was answered while a step before it still waits uses the answer, and waits with that one.
        recall, prefix = self.ctx.execution.recall, self.ctx.scope.prefix
        return recall is not None and any(recall.goes_on(prefix + step.id) for step in self._steps[index:])

    @override
    def node_of(self, index: int) -> Node:
        return _Place(self, index)

    @override
    def ctx_of(self, index: int) -> Ctx:
        if not index:
            return self.ctx.fork(self.ctx.value)
        before = self.children[index - 1]
        # What the start tells as the input is what is known by then: the output of the step before, if it has one.
        return self.ctx.fork(before.output if before is not None and self._items[index - 1].complete else None)

    def begin(self, index: int, ctx: Ctx, ok: Ok, err: Err) -> DisposableBase | None:
        """Start one step, or settle it from the records."""
        step = self._steps[index]
        entry = None
        if ctx.execution.recorded:
            settled, entry = replayed(ctx, ctx.scope.prefix + step.id, ok, err)
            if settled:
                return None
        if step.kind == "workflow":
            return Nested(step, ctx, ok, err, entry).begin()
        stage = Stage(step, ctx, ok, err, entry)
        self._stages[index] = stage
        stage.between(
            self._items[index - 1] if index else None, self._items[index] if index < len(self._items) else None
        )
        stage.begin()
        before = self.children[index - 1] if index else None
        if before is not None and not before.running and before.halt is not None:
            stage.suspend_with(before.halt)
        return stage

    # -- settling ------------------------------------------------------------------------------------------------

    @override
    def child_settled(self, child: Child) -> None:
        stage = self._stages.pop(child.index, None)
        before = self.children[child.index - 1] if child.index else None
        in_vain = any(one is not None and one.failure is not None for one in self.children[: child.index])
        if before is not None and child.halt is not None and not in_vain and self._goes_on(child.halt, before):
            child.halt = None
            self._restart.append(child)
        elif child.index < len(self._items):
            self._pass_on(child, stage)
        if in_vain:
            child.failure = None  # the run fails once, with the step that failed first in the row

    def _goes_on(self, halt: Halt, before: Child) -> bool:
        """Tell whether a step was suspended with the one before, which was answered meanwhile."""
        if halt.kind != "suspended":
            return False
        own = self.ctx.scope.prefix + self._steps[before.index + 1].id
        return before.halt is None and own not in halt.paths

    def _pass_on(self, child: Child, stage: Stage | None) -> None:
        """Tell the step after what became of this one."""
        items = self._items[child.index]
        after = self._stages.get(child.index + 1)
        if child.failure is not None:
            self._fail_after(child.index, child.failure)
        elif child.halt is None:
            items.finish(self._recorded(child) if stage is None or not items.streamed else None)
        elif child.halt.kind == "suspended" and after is not None:
            after.suspend_with(child.halt)

    def _fail_after(self, index: int, failure: Failure) -> None:
        for later in self.children[index + 1 :]:
            if later is not None:
                later.failure = None
        path = self.ctx.scope.prefix + self._steps[index].id
        error = StepFailed(
            f"the step before it, {path!r}, failed: {failure.exception!r}",
            step_path=self.ctx.scope.prefix + self._steps[index + 1].id, workflow_id=self.ctx.scope.workflow.id,
        )  # fmt: skip
        error.__cause__ = failure.exception
        self._items[index].fail(error)

    def _recorded(self, child: Child) -> list[Any]:
        """Return the items of a step that has ended: those it emitted, else those of its output."""
        entry = self.ctx.execution.snapshot.valid(self.ctx.scope.prefix + self._steps[child.index].id)
        if entry is not None and entry.emitted is not None:
            return list(entry.emitted)
        return spread(child.output)

    @override
    def outcome(self) -> Any:
        last = self.children[-1]
        return None if last is None else last.output

    @override
    def _drop(self) -> list[Child | None]:
        for items in self._items:
            items.drop()
        self._stages.clear()
        return super()._drop()


class _Place(Node):
    """One step in its place in a pipeline."""

    __slots__ = ("_index", "_pipeline")

    def __init__(self, pipeline: _Pipeline, index: int) -> None:
        self._pipeline = pipeline
        self._index = index

    @override
    def start(self, ctx: Ctx, ok: Ok, err: Err) -> DisposableBase | None:
        return self._pipeline.begin(self._index, ctx, ok, err)

    @override
    def describe(self) -> Mapping[str, Any]:
        return {}
