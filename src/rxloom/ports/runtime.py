"""The runtime port: what a run needs of the runtime that carries it out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from rxloom.ports.loop import LoopPort
from rxloom.ports.store import Store


class RuntimePort(Protocol):
    """Where runs live: a store, loops and threads to run on, and who runs at the moment."""

    store: Store
    buffer: int | None
    registry: Any

    def here(self) -> LoopPort:
        """Return the running loop, or the background one where none runs."""
        ...

    def report(self, error: BaseException) -> None:
        """Report what a subscriber raised."""
        ...

    def workflow(self, id: str) -> Any:
        """Return a workflow by id.

        Raises:
            KeyError: when the runtime does not know it.
        """
        ...

    def ended(self, run_id: str) -> None:
        """Take note that the live leg of a run is over."""
        ...

    def new_run(self, workflow: Any, run_id: str | None, resource_id: str | None, on_existing: str) -> Any:
        """Make the handle of a run of `workflow`."""
        ...


_current: list[Callable[[], RuntimePort]] = []


def install(implicit: Callable[[], RuntimePort]) -> Callable[[], RuntimePort]:
    """Say which runtime carries out workflows that were given none; the package does so when it is imported.

    Returns:
        What was said before.
    """
    before = [*_current, implicit][0]
    _current[:] = [implicit]
    return before


def current() -> RuntimePort:
    """Return the runtime of workflows that were given none."""
    return _current[0]()
