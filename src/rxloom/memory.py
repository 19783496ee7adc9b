"""The store that lives in the process: no I/O, every append is committed at once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from typing import ClassVar

from rxloom.chunks import LegStarted, Record, StepOutput, WorkflowFinish, WorkflowStart
from rxloom.errors import OwnershipLost, RunNotFound
from rxloom.ports.store import Head
from rxloom.snapshot import TERMINAL, RunStatus
from rxloom.weak import WeakMap

_SEAMS = frozenset[type]({WorkflowStart, WorkflowFinish})


class _Shelf:
    """The records of one run."""

    __slots__ = (
        "__weakref__", "created_at", "fence", "kept", "next_pos", "number", "outputs", "records", "resource_id",
        "run_id", "status", "updated_at", "workflow_id",
    )  # fmt: skip

    def __init__(self, run_id: str, first: LegStarted, number: int) -> None:
        self.run_id = run_id
        self.workflow_id = first.workflow_id
        self.resource_id = first.resource_id
        self.created_at = self.updated_at = first.at
        self.status: RunStatus = "running"
        self.number = number
        self.fence = 0
        self.next_pos = 0
        self.kept: list[tuple[int, Record]] | None = None
        self.records: list[Record] = []
        self.outputs = 0

    def head(self) -> Head:
        return Head(
            self.run_id, self.workflow_id, self.resource_id, self.status,
            self.created_at, self.updated_at, self.fence, self.next_pos,
        )  # fmt: skip

    def keep(self, outputs: int) -> None:
        """Count one more output, and at times drop all but the newest ones."""
        self.outputs += 1
        if self.outputs > 2 * outputs + 64:
            self._trim(outputs)

    def _trim(self, keep: int) -> None:
        """Drop written outputs but the newest `keep`; everything else stays, at its position."""
        drop = self.outputs - keep
        first = self.next_pos - len(self.records)
        cut = 0
        kept: list[tuple[int, Record]] = []
        while drop > 0:
            record = self.records[cut]
            if type(record) is StepOutput:
                drop -= 1
            else:
                kept.append((first + cut, record))
            cut += 1
        if self.kept is None:
            self.kept = kept
        else:
            self.kept += kept
        del self.records[:cut]
        self.outputs = keep

    def read(self, pos: int) -> list[Record]:
        first = self.next_pos - len(self.records)
        older = [record for at, record in self.kept or () if at >= pos]
        return older + self.records[max(0, pos - first) :]


class MemoryStore:
    """Keep the records of runs in memory, by reference.

    Runs that are live, suspended or paused are always kept; of those that ended, the newest `keep`, and any that a
    `Run` or stream still refers to.

    >>> import asyncio
    >>> asyncio.run(MemoryStore().head("nobody")) is None
    True
    """

    immediate: ClassVar[bool] = True
    """What was appended is committed."""

    __slots__ = ("_ended", "_keep", "_numbers", "_shelves", "_weak")

    def __init__(self, keep: int = 1000) -> None:
        """Make an empty store.

        Args:
            keep: how many ended runs to keep; 0 keeps only those that something still refers to.

        Raises:
            ValueError: when `keep` is negative.
        """
        if keep < 0:
            raise ValueError(f"keep must not be negative, got {keep}")
        self._keep = keep
        self._numbers = count()
        self._shelves: dict[str, _Shelf] = {}
        self._ended: OrderedDict[str, None] = OrderedDict()
        self._weak: WeakMap[_Shelf] = WeakMap()

    def append(
        self, run_id: str, fence: int, pos: int, records: Sequence[Record], keep_outputs: int | None = None, /
    ) -> None:
        """Append `records` at `pos`; committed when this returns.

        Raises:
            OwnershipLost: when another owner holds the run, or has appended at `pos`; nothing was changed.
        """
        shelf = self._shelves.get(run_id)
        if shelf is None or shelf.fence != fence or shelf.next_pos != pos:
            shelf = self._admit(run_id, fence, pos, records)
        shelf.next_pos = pos + len(records)
        shelf.records += records
        last = records[-1]
        if type(last) is StepOutput:
            if keep_outputs is not None:
                shelf.keep(keep_outputs)
        elif type(last) in _SEAMS:
            if isinstance(last, WorkflowFinish):
                self._end_leg(shelf, last)
            else:
                shelf.status = "running"

    def _admit(self, run_id: str, fence: int, pos: int, records: Sequence[Record]) -> _Shelf:
        """Return the shelf for an append that is a run's first, or the first after it had ended; else refuse."""
        shelf = self._find(run_id)
        if shelf is None:
            first = records[0]
            if pos != 0 or fence != 0 or not isinstance(first, LegStarted):
                raise OwnershipLost(f"run {run_id!r} is not in the store any more")
            shelf = _Shelf(run_id, first, next(self._numbers))
        elif shelf.fence != fence or shelf.next_pos != pos:
            raise OwnershipLost(f"run {run_id!r} was taken or changed by another owner")
        self._shelves[run_id] = shelf
        return shelf

    def _find(self, run_id: str) -> _Shelf | None:
        return self._shelves.get(run_id) or self._weak.get(run_id)

    def _end_leg(self, shelf: _Shelf, finish: WorkflowFinish) -> None:
        shelf.status = finish.payload.run_status
        shelf.updated_at = finish.payload.ended_at
        if shelf.status in TERMINAL:
            self._weak[shelf.run_id] = shelf
            self._ended[shelf.run_id] = None
            while len(self._ended) > self._keep:
                with suppress(KeyError):  # another thread was faster
                    self._shelves.pop(self._ended.popitem(last=False)[0], None)

    def _shelf(self, run_id: str) -> _Shelf:
        shelf = self._find(run_id)
        if shelf is None:
            raise RunNotFound(f"the store knows no run {run_id!r}")
        return shelf

    async def read(self, run_id: str, pos: int = 0) -> Sequence[Record]:
        """Return the records from `pos` on, without the outputs that were dropped.

        Raises:
            RunNotFound: when the store knows no such run.
        """
        return self._shelf(run_id).read(pos)

    async def take(self, run_id: str) -> Head:
        """Raise the run's fence and return its head.

        Raises:
            RunNotFound: when the store knows no such run.
        """
        shelf = self._shelf(run_id)
        shelf.fence += 1
        return shelf.head()

    async def head(self, run_id: str) -> Head | None:
        """Return the head row, or `None` for an unknown run."""
        shelf = self._find(run_id)
        return shelf.head() if shelf is not None else None

    async def heads(self) -> Sequence[Head]:
        """Return all head rows, oldest first."""
        shelves = {**dict(self._weak.items()), **self._shelves}
        oldest_first = sorted(shelves.values(), key=lambda shelf: (shelf.created_at, shelf.number))
        return [shelf.head() for shelf in oldest_first]

    async def delete(self, run_id: str) -> None:
        """Forget the run.

        Raises:
            RunNotFound: when the store knows no such run.
        """
        self._shelf(run_id)
        self._shelves.pop(run_id, None)
        self._ended.pop(run_id, None)
        self._weak.pop(run_id)

    def pin(self, run_id: str) -> object:
        """Return the run's records as a token that keeps them."""
        return self._find(run_id)
