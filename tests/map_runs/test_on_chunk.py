"""`on_chunk`: what happens in the runs, beside what they come to."""

from __future__ import annotations

import asyncio
from collections import defaultdict

import pytest
import reactivex as rx
from reactivex.subject import Subject

from rxloom import StepContext, create_step
from rxloom.chunks import Chunk
from rxloom.errors import WorkflowFailed
from rxloom.testing import check_chunks
from tests.hearing import FAILER
from tests.map_runs.kit import Clocked, Pool, clocked, one
from tests.play import told
from tests.virtual import virtual


async def _write(number: int, ctx: StepContext) -> int:
    for n in range(number):
        await ctx.write(n)
        await asyncio.sleep(1)
    return number


WRITER = one(create_step("step", _write))


@virtual
async def test_every_chunk_of_every_run_is_told_in_the_order_of_things() -> None:
    chunks: list[Chunk] = []
    await clocked(rx.of(2, 3).pipe(WRITER.as_operator(max_concurrency=2, on_chunk=chunks.append)))
    runs: dict[str, list[Chunk]] = defaultdict(list)
    for chunk in chunks:
        runs[chunk.run_id].append(chunk)
    first, second = runs.values()

    assert told(first) == ["start", "step: running", "step > 0", "step > 1", "step: success", "success"]
    assert check_chunks(first) == check_chunks(second) == []
    assert [line for line in told(chunks) if ">" in line] == [
        "step > 0",
        "step > 0",
        "step > 1",
        "step > 1",
        "step > 2",
    ]


@virtual
async def test_chunks_of_a_run_come_before_its_outcome() -> None:
    log: list[object] = []
    operator = WRITER.as_operator(on_chunk=lambda chunk: log.append(chunk.type))
    rx.of(0, 0).pipe(operator).subscribe(log.append)
    await asyncio.sleep(1)

    lifecycle = ["workflow-start", "workflow-step-start", "workflow-step-result", "workflow-finish"]
    assert log == [*lifecycle, 0, *lifecycle, 0]


@virtual
async def test_chunks_of_a_run_that_fails_are_told_to_its_finish() -> None:
    chunks: list[Chunk] = []
    heard = await clocked(rx.of(1).pipe(FAILER.as_operator(on_chunk=chunks.append)))

    assert told(chunks) == ["start", "step: running", "step: failed", "failed"]
    assert isinstance(heard.end, WorkflowFailed)


@virtual
async def test_on_chunk_that_raises_ends_the_sequence_and_cancels_the_runs() -> None:
    pool = Pool()

    def look(chunk: Chunk) -> None:
        if chunk.type == "workflow-step-result":
            raise KeyError(chunk.type)

    operator = pool.workflow.as_operator(max_concurrency=2, on_chunk=look)
    heard = await clocked(rx.of(5.0, 1.0, 2.0).pipe(operator))
    await asyncio.sleep(9)

    assert heard.log == [(1, KeyError)]
    assert pool.canceled == [(1, 5.0)]
    assert pool.open == 0


@virtual
async def test_on_chunk_is_never_called_inside_itself() -> None:
    source: Subject[int] = Subject()
    inside = False
    wrong: list[str] = []

    def look(chunk: Chunk) -> None:
        nonlocal inside
        if inside:
            wrong.append(chunk.type)
        inside = True
        if chunk.type == "workflow-step-start" and chunk.payload.payload > 0:
            source.on_next(chunk.payload.payload - 1)
        inside = False

    heard = Clocked(source.pipe(WRITER.as_operator(max_concurrency=4, ordered=False, on_chunk=look)))
    source.on_next(3)
    await asyncio.sleep(9)

    assert wrong == []
    assert sorted(heard.items) == [0, 1, 2, 3]


@virtual
async def test_nothing_is_told_after_disposing() -> None:
    chunks: list[Chunk] = []
    heard = Clocked(rx.of(9).pipe(WRITER.as_operator(on_chunk=chunks.append)))
    await asyncio.sleep(2.5)
    heard.subscription.dispose()
    before = told(chunks)
    await asyncio.sleep(9)

    assert before == told(chunks) == ["start", "step: running", "step > 0", "step > 1", "step > 2"]
    assert heard.log == []


@virtual
async def test_disposing_inside_on_chunk_ends_it_there() -> None:
    chunks: list[Chunk] = []

    def look(chunk: Chunk) -> None:
        chunks.append(chunk)
        if chunk.type == "workflow-step-output":
            heard.subscription.dispose()

    heard = Clocked(rx.of(9).pipe(WRITER.as_operator(on_chunk=look)))
    await asyncio.sleep(9)

    assert told(chunks) == ["start", "step: running", "step > 0"]


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_what_is_to_end_the_program_does(interrupt: type[BaseException]) -> None:
    def look(_: Chunk) -> None:
        raise interrupt

    async def main() -> None:
        await clocked(rx.of(1).pipe(WRITER.as_operator(on_chunk=look)))

    with pytest.raises(interrupt):
        asyncio.run(main())
