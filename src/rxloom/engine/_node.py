"""What every node of a workflow is: an Rx operator over contexts, written once as `start`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import partial
from typing import Any

from reactivex import Observable
from reactivex import operators as ops
from reactivex.abc import DisposableBase, ObserverBase, SchedulerBase
from reactivex.disposable import Disposable

from rxloom.engine._ctx import Ctx, Err, Ok
from rxloom.step_type import Step


class Node(ABC):
    """One node. The combinators of the engine call `start`; as an operator it fits into any `pipe` of contexts.

    ```text
    contexts  --a-------b--|
    node      ----a'------b'--|
    ```
    """

    __slots__ = ()

    @abstractmethod
    def start(self, ctx: Ctx, ok: Ok, err: Err) -> DisposableBase | None:
        """Carry `ctx` through; exactly one of `ok` and `err` is called, once, perhaps before this returns."""

    @abstractmethod
    def describe(self) -> Mapping[str, Any]:
        """Return the node as data, for the graph."""

    def with_steps(self, steps: Mapping[str, Step[Any, Any, Any]]) -> Node:
        """Return the same node with other steps in it, by id; itself, if it holds none of them."""
        del steps
        return self

    def observe(self, ctx: Ctx) -> Observable[Ctx]:
        """Return a cold Observable of the one context that comes out."""

        def subscribe(observer: ObserverBase[Ctx], _: SchedulerBase | None = None) -> DisposableBase:
            return self.start(ctx, partial(_last, observer), lambda failure: observer.on_error(failure.exception)) or (
                Disposable()
            )

        return Observable(subscribe)

    def __call__(self, source: Observable[Ctx]) -> Observable[Ctx]:
        """Be an Rx operator: each context of `source` goes through this node."""
        return source.pipe(ops.flat_map(self.observe))


def _last(observer: ObserverBase[Ctx], ctx: Ctx) -> None:
    observer.on_next(ctx)
    observer.on_completed()
