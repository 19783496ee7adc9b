"""Parallel: all on the same input, and all settle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reactivex.abc import DisposableBase
from typing_extensions import override

from rxloom.engine import Ctx, Err, FanOut, Node, Ok
from rxloom.ports.node import NodePort
from rxloom.step_type import Step
from rxloom.values import copy_plain


class Parallel(Node):
    """Runs its arms side by side; the output is `{id: output}` in declared order.

    ```text
    contexts  --1---------------|
    a         -----2|
    b         ---------3|
    parallel  ---------{a:2,b:3}|
    ```
    """

    __slots__ = ("arms", "collect", "limit")

    def __init__(self, arms: Mapping[str, Node], *, limit: int | None = None, collect: bool = False) -> None:
        """Make a parallel of `arms` by id."""
        self.arms = dict(arms)
        self.limit = limit
        self.collect = collect

    @override
    def start(self, ctx: Ctx, ok: Ok, err: Err) -> DisposableBase | None:
        return _ParallelRun(tuple(self.arms), tuple(self.arms.values()), ctx, ok, err, self).start()

    @override
    def with_steps(self, steps: Mapping[str, Step[Any, Any, Any]]) -> Node:
        arms = {key: node.with_steps(steps) for key, node in self.arms.items()}
        return Parallel(arms, limit=self.limit, collect=self.collect)

    @override
    def describe(self) -> Mapping[str, Any]:
        nodes = [node.describe() for node in self.arms.values()]
        limit = {} if self.limit is None else {"max_concurrency": self.limit}
        return {"type": "parallel", "nodes": nodes, **limit}


class _ParallelRun(FanOut):
    __slots__ = ("_ids", "_nodes", "_value")

    def __init__(self, ids: Sequence[str], nodes: Sequence[Node], ctx: Ctx, ok: Ok, err: Err, node: Parallel) -> None:
        super().__init__(ctx, ok, err, count=len(nodes), limit=node.limit, collect=node.collect)
        self._ids = ids
        self._nodes = nodes
        self._value = ctx.value

    @override
    def node_of(self, index: int) -> NodePort:
        return self._nodes[index]

    @override
    def ctx_of(self, index: int) -> Ctx:
        fork = self.ctx.fork(copy_plain(self._value))
        fork.handled = fork.handled or self.collect
        return fork

    @override
    def outcome(self) -> dict[str, Any]:
        return {
            key: None if child is None or child.failure is not None else child.output
            for key, child in zip(self._ids, self.children, strict=True)
        }
