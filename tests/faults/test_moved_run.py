"""A run that goes on in another loop than it began in: whoever watches it, on whatever thread, misses nothing."""

from __future__ import annotations

import asyncio
import threading

import pytest
from reactivex import operators as ops

from rxloom import Run, StepContext, WorkflowStream
from rxloom.chunks import Chunk
from tests.hearing import Heard, Numbers, eventually, hear, one, seqs

WRITES = 3000


async def ask_then_write(count: int, ctx: StepContext) -> int:
    await ctx.suspend("go?")
    for number in range(count):
        ctx.write_nowait(number)
        if number % 10 == 0:
            await asyncio.sleep(0)
    return count


MOVING: Numbers = one(ask_then_write)


async def _suspended() -> tuple[Run[int, int], WorkflowStream[int]]:
    run = MOVING.create_run()
    stream = run.stream_vnext(WRITES, close_on_suspend=False)
    await stream.status.pipe(ops.filter(lambda status: status == "suspended"), ops.first())
    return run, stream


def all_told(heard: list[Heard[Chunk]]) -> bool:
    return all(one_heard.end is not None for one_heard in heard)


@pytest.mark.parametrize("_round", range(5))
def test_who_subscribes_while_it_runs_elsewhere_misses_and_repeats_nothing(_round: int) -> None:
    run, stream = asyncio.run(_suspended())
    early = hear(stream)
    resumed = run.resume_stream_vnext("go")  # on the background loop: the first one is closed
    late: list[Heard[Chunk]] = []
    while len(late) < 200 and not (late and late[-1].end):
        late.append(hear(stream))
    resumed.run()
    final = stream.run()
    eventually(lambda: all_told([early, *late]))

    assert final.unwrap() == WRITES
    everything = seqs(early.items)
    assert len(everything) == WRITES + 6
    assert {one_heard.end for one_heard in [early, *late]} == {"completed"}
    assert [one_heard.wrong for one_heard in late if one_heard.wrong] == []
    assert [at for at, one_heard in enumerate(late) if seqs(one_heard.items) != everything] == []


def test_who_iterates_on_yet_another_loop_misses_nothing() -> None:
    run, stream = asyncio.run(_suspended())
    read: list[list[Chunk]] = []

    async def iterate() -> None:
        read.append([chunk async for chunk in stream])

    readers = [threading.Thread(target=asyncio.run, args=(iterate(),)) for _ in range(3)]
    for reader in readers:
        reader.start()
    result = run.resume_stream_vnext("go").run()
    for reader in readers:
        reader.join()

    assert result.unwrap() == WRITES
    assert [seqs(chunks) == seqs(read[0]) for chunks in read] == [True] * 3
    assert len(read[0]) == WRITES + 6
