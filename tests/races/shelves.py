"""A store that takes its time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from typing_extensions import override

from rxloom import MemoryStore
from rxloom.chunks import Record
from rxloom.ports.store import Head
from tests.races.stage import Stage


class Shelves(MemoryStore):
    """A store that takes some turns to answer, as one outside of the process does."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(keep=100)
        self._stage = stage

    async def _turns(self) -> None:
        for _ in range(self._stage.random.choice((0, 0, 1, 2))):
            await asyncio.sleep(0)

    @override
    async def read(self, run_id: str, pos: int = 0) -> Sequence[Record]:
        await self._turns()
        return await super().read(run_id, pos)

    @override
    async def take(self, run_id: str) -> Head:
        await self._turns()
        head = await super().take(run_id)
        await self._turns()
        return head

    @override
    async def head(self, run_id: str) -> Head | None:
        await self._turns()
        return await super().head(run_id)


class SlowShelves(Shelves):
    """A store that takes its time to commit, too."""

    immediate: ClassVar[bool] = False

    @override
    async def append(  # type: ignore[override]
        self, run_id: str, fence: int, pos: int, records: Sequence[Record], keep_outputs: int | None = None, /
    ) -> None:
        await self._turns()
        await asyncio.sleep(self._stage.random.choice((0, 0, 0, 0.25)))
        super().append(run_id, fence, pos, records, keep_outputs)
        await self._turns()
