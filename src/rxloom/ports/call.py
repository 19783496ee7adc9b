"""The call port: what the context of a step body needs of the step call it belongs to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Protocol, TypeVar

from reactivex import Observable
from reactivex.abc import SchedulerBase

from rxloom.chunks import Answer, Usage
from rxloom.errors import StepSignal

T = TypeVar("T")


class CallPort(Protocol):
    """What a context needs of the step call it belongs to; the engine's `Leaf` is one."""

    path: str
    id: str
    attempt: int
    thread: int
    touched: bool
    signal: StepSignal | None

    @property
    def run_id(self) -> str:
        """The run."""
        ...

    @property
    def workflow_id(self) -> str:
        """The workflow the step is in."""
        ...

    @property
    def resource_id(self) -> str | None:
        """Whose run it is."""
        ...

    @property
    def iteration(self) -> int:
        """Round or index."""
        ...

    @property
    def idempotency_key(self) -> str:
        """Equal for every execution."""
        ...

    @property
    def init_data(self) -> Any:
        """The workflow's input."""
        ...

    @property
    def scheduler(self) -> SchedulerBase:
        """The run's scheduler."""
        ...

    @property
    def cancelled(self) -> Observable[str | None]:
        """Emits when asked to stop."""
        ...

    @property
    def runtime(self) -> Any:
        """The runtime."""
        ...

    @property
    def runtime_context(self) -> MutableMapping[str, Any]:
        """The user's own things."""
        ...

    @property
    def answers(self) -> list[Answer]:
        """Answers so far, oldest first."""
        ...

    def answer_to(self, payload: Any, label: str | None) -> Answer | None:
        """Find the answer to a suspension."""
        ...

    def on_thread(self) -> bool:
        """Tell whether this is the run's thread."""
        ...

    def post(self, action: Callable[[], object]) -> None:
        """Run on the run's thread."""
        ...

    def write(self, value: Any) -> bool:
        """Append an output, and tell whether a pacing reader lags."""
        ...

    def custom(self, type: str, data: Any) -> None:
        """Append a custom chunk."""
        ...

    def crowded(self) -> bool:
        """Tell whether a pacing reader lags."""
        ...

    async def room(self) -> None:
        """Wait for pacing readers."""
        ...

    def result_of(self, step_id: str, default: Any) -> Any:
        """Find an output."""
        ...

    def state(self) -> Any:
        """What the step sees of the state."""
        ...

    def state_fields(self) -> Mapping[str, Any]:
        """The same as fields."""
        ...

    def write_state(self, new: Any, seen: Mapping[str, Any] | None) -> None:
        """Write what differs."""
        ...

    def update_state(self, change: Callable[[Any], Mapping[str, Any]]) -> None:
        """Apply a change."""
        ...

    def record_usage(self, usage: Usage) -> None:
        """Count tokens."""
        ...

    async def on_worker(self, work: Callable[[], T]) -> T:
        """Run on a worker thread."""
        ...

    def blocking(self, call: Callable[[], Awaitable[Any] | None]) -> None:
        """Run on the run's thread and wait."""
        ...
