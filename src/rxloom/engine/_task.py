"""Tasks of a leg: they know whether the end of their loop cancelled them."""

from __future__ import annotations

from asyncio import AbstractEventLoop, Task
from collections.abc import Coroutine
from contextvars import Context
from typing import Any

from typing_extensions import override

from rxloom.scheduler import running_loop


class LegTask(Task[None]):
    """A task of a leg.

    Attributes:
        shut_down: whether it was cancelled from outside of any running loop, as `asyncio.run` does at its end.
    """

    __slots__ = ("_siblings", "shut_down")

    def __init__(
        self, work: Coroutine[Any, Any, None], loop: AbstractEventLoop, context: Context, siblings: set[LegTask]
    ) -> None:
        """Start a task; it begins at the next turn of the loop, whatever the loop makes other tasks of.

        Args:
            work: what it does.
            loop: where.
            context: its `contextvars` context.
            siblings: the tasks of the leg, of which it is one until it is done.
        """
        super().__init__(work, loop=loop, context=context)
        self._siblings = siblings
        self.shut_down: bool = False
        siblings.add(self)
        self.add_done_callback(LegTask._forget)

    def _forget(self) -> None:
        self._siblings.discard(self)

    @override
    def cancel(self, msg: Any | None = None) -> bool:
        if running_loop() is None:
            self.shut_down = True
        return super().cancel(msg)
