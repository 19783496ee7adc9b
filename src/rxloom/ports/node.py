"""The node port: a flow operator, and what flow sees of a nested workflow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from reactivex.abc import DisposableBase

from rxloom.schema import Schema


class NodePort(Protocol):
    """One node of a workflow: an Rx operator over contexts, written once as `start`."""

    def start(self, ctx: Any, ok: Callable[[Any], None], err: Callable[[Any], None], /) -> DisposableBase | None:
        """Carry the context through this node; exactly one of `ok` and `err` is called, once, perhaps at once."""
        ...

    def describe(self) -> Mapping[str, Any]:
        """Return the node as data, for the graph."""
        ...


class WorkflowPort(Protocol):
    """What the engine and the flow operators see of a committed workflow."""

    @property
    def id(self) -> str:
        """The workflow's id."""
        ...

    @property
    def input(self) -> Schema[Any]:
        """The schema of its input."""
        ...

    @property
    def output(self) -> Schema[Any]:
        """The schema of its output."""
        ...

    @property
    def flow(self) -> NodePort:
        """Its pipeline."""
        ...

    @property
    def settings(self) -> Any:
        """State schema, retries, timeout, budget and callbacks."""
        ...
