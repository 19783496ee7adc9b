"""Runs of described workflows in virtual time, and what was seen of them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rxloom import MemoryStore, Runtime, Usage, WorkflowResult
from rxloom.chunks import Chunk, ItemStart, Record, StepStart, WorkflowFinish
from rxloom.snapshot import Snapshot
from rxloom.testing import check_chunks, virtual_run
from tests.properties.bodies import Stage
from tests.properties.building import built
from tests.properties.graphs import Flow


@dataclass
class Played:
    """What was seen of a run.

    Attributes:
        stage: what its bodies did.
        chunks: all chunks of all legs.
        result: of the last leg.
        status: what the stream's `status` said in the end.
        head: the status in the store.
        snapshot: the fold.
        records: what the store holds.
    """

    stage: Stage
    chunks: list[Chunk]
    result: WorkflowResult[Any]
    status: str
    head: str
    snapshot: Snapshot
    records: Sequence[Record] = field(default_factory=list[Record])

    @property
    def bodies(self) -> Counter[Any]:
        """The attempts that got their answers."""
        return Counter(self.stage.bodies)

    @property
    def starts(self) -> list[str]:
        """The paths that started, in order: steps, and items of a `for_each`."""
        found: list[str] = []
        for record in self.records:
            if isinstance(record, StepStart):
                found.append(record.payload.id)
            elif isinstance(record, ItemStart):
                found.append(record.path)
        return found

    @property
    def finish(self) -> WorkflowFinish:
        """The last chunk."""
        last = self.chunks[-1]
        assert isinstance(last, WorkflowFinish)
        return last


def play(flow: Flow, value: Any = 1, *, alone: bool = False) -> Played:
    """Run a workflow to its end; steps that would ask know the answers."""
    return virtual_run(_straight(flow, value, alone=alone))


async def _straight(flow: Flow, value: Any, *, alone: bool) -> Played:
    stage = Stage(flow)
    workflow = built(flow, stage, alone=alone)
    store = MemoryStore()
    async with Runtime(workflow, store=store) as runtime:
        run = runtime.create_run(flow.id)
        stream = run.stream_vnext(value)
        result = await stream.result
        left = still_there()
        assert left == [], left
        chunks = [chunk async for chunk in stream]
        return await seen(run, stage, store, chunks, result, await stream.status)


async def seen(
    run: Any, stage: Stage, store: MemoryStore, chunks: list[Chunk], result: WorkflowResult[Any], status: str
) -> Played:
    """Put together what was seen of a run that is over."""
    head = await store.head(run.run_id)
    assert head is not None
    records = await store.read(run.run_id)
    return Played(stage, chunks, result, status, head.status, await run.snapshot(), records)


def still_there() -> list[str]:
    """Name the tasks and timers of the loop that a run which is over may not leave behind."""
    loop: Any = asyncio.get_running_loop()
    tasks = [task for task in asyncio.all_tasks(loop) if task is not asyncio.current_task(loop)]
    timers = [timer for timer in loop._scheduled if not timer.cancelled()]
    return [repr(one) for one in (*tasks, *timers)]


def check_ending(played: Played) -> None:
    """Check that everything which tells how the run ended says the same, and that the chunks obey the grammar."""
    told = played.finish.payload
    status = told.workflow_status

    assert check_chunks(played.chunks) == []
    assert [played.result.status, played.status, played.head, played.snapshot.status] == [status] * 4
    assert played.result.usage == told.usage
    assert played.snapshot.output == told.final_workflow_result
    assert (told.error is None) == (status != "failed")
    assert +played.stage.inside == Counter()
    assert played.stage.crowded == []


def tokens(count: int) -> Usage:
    """Return the usage of so many tokens as the bodies count them."""
    return Usage(count, 0, count)
