"""The loop port: where a leg runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from rxloom.scheduler import LoopScheduler


class LoopPort(Protocol):
    """An event loop, its Rx scheduler and the worker threads beside it."""

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop."""
        ...

    @property
    def scheduler(self) -> LoopScheduler:
        """The loop's one scheduler."""
        ...

    @property
    def own_loop(self) -> bool:
        """Whether the loop is a background one of ours, which no KeyboardInterrupt may reach."""
        ...

    @property
    def offload(self) -> Any:
        """The worker threads."""
        ...

    @property
    def loopless(self) -> bool:
        """Whether a scheduler stands in for a loop, so that no coroutine and no thread can be waited for."""
        ...

    def is_here(self) -> bool:
        """Tell whether what belongs to the loop may be touched from here."""
        ...

    def settle(self) -> None:
        """Carry out what is ready, where nobody else does."""
        ...

    def call(self, action: Callable[[], None]) -> None:
        """Run `action` on the thread of the loop: now, if this is it."""
        ...

    @property
    def now(self) -> Callable[[], int]:
        """What returns epoch milliseconds by the loop's clock."""
        ...
