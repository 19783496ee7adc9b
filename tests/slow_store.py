"""A store that takes its time, on the clock of the loop: what a disk or a network does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import ClassVar

from typing_extensions import override

from rxloom.chunks import Record
from rxloom.memory import MemoryStore

CREATED: list[SlowStore] = []


class SlowStore(MemoryStore):
    """Commits after some seconds; `before` may raise what a store raises, or look at what is committed.

    Attributes:
        seconds: how long an append takes.
        batches: the records of each append that was committed.
        before: called with the records just before they are committed.
        after: called when they are.
    """

    immediate: ClassVar[bool] = False

    def __init__(self, seconds: float = 0.01, *, keep: int = 1000) -> None:
        """Make an empty store."""
        super().__init__(keep)
        self.seconds = seconds
        self.batches: list[list[Record]] = []
        self.before: Callable[[Sequence[Record]], object] = lambda _: None
        self.after: Callable[[Sequence[Record]], object] = lambda _: None

    @override
    async def append(  # type: ignore[override]
        self, run_id: str, fence: int, pos: int, records: Sequence[Record], keep_outputs: int | None = None, /
    ) -> None:
        await asyncio.sleep(self.seconds)
        self.before(records)
        super().append(run_id, fence, pos, records, keep_outputs)
        self.batches.append(list(records))
        self.after(records)
