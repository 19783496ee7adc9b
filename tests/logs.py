"""Logs made by hand, for tests of what reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from rxloom.chunks import (
    Chunk,
    Gap,
    LegStarted,
    StepOutput,
    Told,
    Usage,
    WorkflowFinish,
    WorkflowFinishPayload,
    WorkflowStart,
    WorkflowStartPayload,
)
from rxloom.log import ChunkLog
from rxloom.memory import MemoryStore
from rxloom.ports.store import Store
from rxloom.snapshot import Snapshot


def start() -> WorkflowStart:
    """Make the first chunk of a leg."""
    return WorkflowStart("run", WorkflowStartPayload("flow"))


def output(value: Any) -> StepOutput:
    """Make what a step writes."""
    return StepOutput("run", "step", "1", value)


def finish(status: Any = "success") -> WorkflowFinish:
    """Make the last chunk of a leg."""
    return WorkflowFinish("run", WorkflowFinishPayload(status, Usage()))


def opened(*, keep: int | None = None, store: Store | None = None) -> ChunkLog:
    """Make a log whose first leg is open."""
    log = ChunkLog("run", store or MemoryStore(), Snapshot("run"), keep=keep)
    log.reopen(0)
    log.note(LegStarted("start", "flow", 0))
    log.append(start())
    return log


def filled(*values: Any, keep: int | None = None) -> ChunkLog:
    """Make a log to which values were written."""
    log = opened(keep=keep)
    for value in values:
        log.append(output(value))
    return log


def shown(chunks: Iterable[Told | Gap | Chunk]) -> list[Any]:
    """Show chunks: what was written as itself, others by their type, a gap as the range of its seqs."""
    return [_shown(chunk) for chunk in chunks]


def _shown(chunk: Chunk) -> Any:
    if isinstance(chunk, Gap):
        return range(chunk.data.from_seq, chunk.data.to_seq + 1)
    return chunk.payload.output if isinstance(chunk, StepOutput) else chunk.type.removeprefix("workflow-")


@dataclass(eq=False)
class Ear:
    """A listener."""

    keen: bool = True
    heard: list[Told] = field(default_factory=list[Told])
    ends: list[Exception | None] = field(default_factory=list[Exception | None])
    then: Callable[[Told], object] | None = None

    def push(self, chunk: Told) -> None:
        """Note a chunk."""
        self.heard.append(chunk)
        if self.then is not None:
            self.then(chunk)

    def end(self, error: Exception | None) -> None:
        """Note the end."""
        self.ends.append(error)


@dataclass(eq=False)
class Pacer:
    """A reader that paces."""

    cursor: int
    bound: int = 2
    moved: float = 0.0

    def lags(self, told: int, share: float) -> bool:
        """Tell whether it lags."""
        return told - self.cursor > self.bound * share


@dataclass(eq=False)
class Sleeper:
    """A reader that waits."""

    woken: int = 0

    def ready(self) -> None:
        """Count."""
        self.woken += 1
