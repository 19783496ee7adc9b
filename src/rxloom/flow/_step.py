"""A step, or a nested workflow, as a node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reactivex.abc import DisposableBase
from typing_extensions import override

from rxloom.engine import Ctx, Err, Leaf, Mapped, Nested, Node, Ok, Stage, replayed
from rxloom.step_type import Step


class StepNode(Node):
    """Calls a step once.

    ```text
    contexts  --1---------|
    step      ----f(1)--|
    ```
    """

    __slots__ = ("_call", "_shown", "step")

    def __init__(self, step: Step[Any, Any, Any], *, shown: Mapping[str, Any] | None = None) -> None:
        """Make a node of `step`; `shown` is what the graph shows of it, if it is not a step like others."""
        self.step = step
        self._shown = shown
        mapped = shown is not None and shown.get("type") == "map"
        plain: type[Leaf] = Stage if step.observable_input else Mapped if mapped else Leaf
        self._call: type[Leaf | Nested] = Nested if step.kind == "workflow" else plain

    @override
    def start(self, ctx: Ctx, ok: Ok, err: Err) -> DisposableBase | None:
        entry = None
        if ctx.execution.recall is not None:
            path = ctx.scope.prefix + self.step.id
            if ctx.index is not None:
                path = f"{path}[{ctx.index}]"
            settled, entry = replayed(ctx, path, ok, err)
            if settled:
                return None
        return self._call(self.step, ctx, ok, err, entry).begin()

    @override
    def with_steps(self, steps: Mapping[str, Step[Any, Any, Any]]) -> Node:
        other = steps.get(self.step.id)
        return self if other is None else StepNode(other, shown=self._shown)

    @override
    def describe(self) -> Mapping[str, Any]:
        step: Any = self.step
        if self._shown is not None:
            return {**self._shown, **self._observing()}
        if step.kind == "workflow":
            return step.graph
        shown: dict[str, Any] = {"type": "step", "id": step.id}
        if step.description:
            shown["description"] = step.description
        if step.metadata:
            shown["metadata"] = dict(step.metadata)
        return {**shown, **self._observing()}

    def _observing(self) -> Mapping[str, Any]:
        return {"observable_input": True} if self.step.observable_input else {}
