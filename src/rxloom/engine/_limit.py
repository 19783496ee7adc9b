"""Time limits that stand still while their call waits for readers."""

from __future__ import annotations

from collections.abc import Callable

from reactivex.abc import DisposableBase
from typing_extensions import override

from rxloom.engine._execution import Execution


class Limit(DisposableBase):
    """Calls back after some seconds, unless it is disposed; those in which it stands still do not count."""

    __slots__ = ("_execution", "_expired", "_left", "_since", "_timer")

    def __init__(self, execution: Execution, seconds: float, expired: Callable[[], None]) -> None:
        """Start a limit of `seconds`, after which `expired` is called."""
        self._execution = execution
        self._expired: Callable[[], None] | None = expired
        self._left = seconds
        self._since = 0.0
        self._timer: DisposableBase | None = None
        self.go()

    def go(self) -> None:
        """Let its time pass."""
        if self._expired is not None and self._timer is None:
            self._since = self._execution.loop.time()
            self._timer = self._execution.after(self._left, self._expired)

    def stand(self) -> None:
        """Let no time pass for it."""
        if self._timer is not None:
            self._timer.dispose()
            self._timer = None
            self._left = max(0.0, self._left - (self._execution.loop.time() - self._since))

    @override
    def dispose(self) -> None:
        self._expired = None
        if self._timer is not None:
            self._timer.dispose()
            self._timer = None
