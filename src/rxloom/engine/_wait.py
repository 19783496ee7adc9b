"""A step that waits: no body runs, and no slot of a budget is held."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from reactivex.abc import DisposableBase
from typing_extensions import override

from rxloom.chunks import StepWaiting, StepWaitingPayload
from rxloom.engine._call import Call
from rxloom.values import copy_plain


class Waiting(Call):
    """The call of a sleep or of a wait for an event: it opens with `workflow-step-waiting`."""

    __slots__ = ("event", "until")

    @abstractmethod
    def wait(self) -> DisposableBase | None:
        """Begin to wait; whatever wakes it calls `succeed` or `fail`."""

    @override
    def tell_start(self) -> None:
        execution = self.execution
        self.started_at: int = execution.now()
        self.told_input: Any = copy_plain(self.input)
        self.call_id: str = execution.next_call_id()
        execution.tell(
            StepWaiting(
                execution.run_id,
                StepWaitingPayload(
                    self.id, self.call_id, self.told_input, self.started_at,
                    getattr(self, "until", None), getattr(self, "event", None),
                ),
            )
        )  # fmt: skip

    @override
    def run_attempt(self) -> None:
        self._timer = self.wait()

    @override
    def halt_attempt(self) -> None:
        """Stop waiting; the timer is disposed already."""
