"""A runtime for each test; when the test is over all its runs are checked: their chunks, the fold of their records."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import pytest

from rxloom import Runtime
from rxloom.chunks import Chunk, Private, Record, WorkflowFinish
from rxloom.memory import MemoryStore
from rxloom.ports import runtime as runtimes
from rxloom.reducer import apply, reduce
from rxloom.runtime import implicit
from rxloom.snapshot import Snapshot
from rxloom.testing import check_chunks

RecordT = TypeVar("RecordT", bound=Record)


class Ledger:
    """The runtime that workflows under test run on, and the records of their runs."""

    def __init__(self) -> None:
        self.store = MemoryStore(keep=100_000)
        self.runtime = Runtime(store=self.store)

    def run_ids(self) -> list[str]:
        """Name the runs, oldest first."""
        return [head.run_id for head in at_once(self.store.heads())]

    def records(self, run_id: str) -> Sequence[Record]:
        """Return what the store holds of a run."""
        return at_once(self.store.read(run_id))

    def private(self, run_id: str) -> list[Private]:
        """Return the records of a run that were never told."""
        return [record for record in self.records(run_id) if isinstance(record, Private)]

    def of(self, run_id: str, kind: type[RecordT]) -> list[RecordT]:
        """Return the records of one kind."""
        return [record for record in self.records(run_id) if isinstance(record, kind)]

    def problems(self) -> list[str]:
        """Check every run: the grammar of its chunks, and its status against the store's."""
        found: list[str] = []
        for run_id in self.run_ids():
            records = self.records(run_id)
            chunks: list[Chunk] = [record for record in records if not isinstance(record, Private)]
            ended = bool(chunks) and isinstance(chunks[-1], WorkflowFinish)
            found += check_chunks(chunks, complete=ended)
            head = at_once(self.store.head(run_id))
            status = rebuilt(run_id, records).status
            if ended and (head is None or head.status != status):
                found.append(f"the store says {head and head.status!r}, and its records say {status!r}")
        return found


def at_once(call: Any) -> Any:
    """Return what a coroutine function of the memory store returns: it waits for nothing."""
    try:
        call.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("the memory store waited for something")


def rebuilt(run_id: str, records: Sequence[Record]) -> Snapshot:
    """Return the fold of records alone."""
    snapshot = Snapshot(run_id)
    for record in records:
        apply(snapshot, record)
    return snapshot


def cuts(run_id: str, records: Sequence[Record]) -> Iterator[Snapshot]:
    """Give the fold after each number of records, from none to all; by `reduce`, which leaves the one before alone."""
    snapshot = Snapshot(run_id)
    yield snapshot
    for record in records:
        snapshot = reduce(snapshot, record)
        yield snapshot


def public(snapshot: Snapshot) -> dict[str, Any]:
    """Return all that a snapshot says, to compare it by."""
    names = (
        "run_id workflow_id resource_id status input state context usage leg_usage suspensions output error next_seq "
        "next_pos epoch leg active_ms started_at answers choices events event_ids leaves waiting"
    )
    return {"steps": dict(snapshot.steps), **{name: getattr(snapshot, name) for name in names.split()}}


@pytest.fixture(autouse=True)
def ledger() -> Iterator[Ledger]:
    """Let workflows without a runtime run on one of this test's own, and check all its runs at the end."""
    book = Ledger()
    runtimes.install(lambda: book.runtime)
    try:
        yield book
        problems = book.problems()
        live = [leg.execution.run_id for leg in book.runtime.registry.live.values()]
    finally:
        runtimes.install(implicit)
        asyncio.run(book.runtime.aclose(drain=0))

    assert problems == []
    assert live == []
