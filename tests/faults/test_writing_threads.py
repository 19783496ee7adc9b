"""Writing from threads: nothing is lost, each thread's order is kept, and nothing comes after the end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator
from functools import partial
from types import FrameType
from typing import Any

import pytest

from rxloom import StepContext, SyncStepContext, create_step, create_workflow
from rxloom.chunks import StepOutput
from rxloom.errors import WriterClosed
from tests.hearing import Numbers, one, seqs
from tests.play import turns

THREADS = 8
EACH = 10_000


@pytest.fixture
def _switching_between_lines() -> Generator[None]:
    """Have threads take turns at every line of what they share."""
    turn = threading.Event()

    def trace(frame: FrameType, event: str, _: object) -> Any:
        if frame.f_code.co_name == "post":
            if event == "line":
                turn.wait(0.0001)
            return trace
        return None

    before = threading.gettrace()
    threading.settrace(trace)
    yield
    threading.settrace(before)


def write_from_threads(ctx: StepContext | SyncStepContext, each: int, number: int = THREADS) -> list[threading.Thread]:
    def write(name: int) -> None:
        for at in range(each):
            ctx.write_nowait((name, at))

    threads = [threading.Thread(target=write, args=(name,)) for name in range(number)]
    for thread in threads:
        thread.start()
    return threads


def in_a_thread(each: int, ctx: SyncStepContext) -> int:
    for thread in write_from_threads(ctx, each):
        thread.join()
    return each


async def in_a_coroutine(each: int, ctx: StepContext) -> int:
    threads = write_from_threads(ctx, each)
    await asyncio.to_thread(lambda: [thread.join() for thread in threads])
    return each


def by_thread(chunks: list[Any]) -> dict[int, list[int]]:
    written: dict[int, list[int]] = {name: [] for name in range(THREADS)}
    for chunk in chunks:
        if isinstance(chunk, StepOutput):
            name, at = chunk.output
            written[name].append(at)
    return written


@pytest.mark.parametrize("body", [in_a_thread, in_a_coroutine])
async def test_eight_threads_write_ten_thousand_each_and_nothing_is_lost(body: Any) -> None:
    stream = one(body).create_run().stream_vnext(EACH)
    chunks = [chunk async for chunk in stream]

    assert seqs(chunks) == list(range(THREADS * EACH + 4))
    assert by_thread(chunks) == {name: list(range(EACH)) for name in range(THREADS)}


@pytest.mark.usefixtures("_switching_between_lines")
@pytest.mark.parametrize("_round", range(5))
async def test_writes_that_begin_at_the_same_time_are_not_forgotten(_round: int) -> None:
    stream = one(in_a_coroutine).create_run().stream_vnext(2)
    async with asyncio.timeout(10):
        chunks = [chunk async for chunk in stream]

    assert by_thread(chunks) == {name: [0, 1] for name in range(THREADS)}


async def test_blocking_and_plain_writes_of_one_thread_keep_their_order() -> None:
    def body(count: int, ctx: SyncStepContext) -> int:
        for at in range(count):
            (ctx.write if at % 3 else ctx.write_nowait)((0, at))
        return count

    stream = one(body).create_run().stream_vnext(300)
    chunks = [chunk async for chunk in stream]

    assert by_thread(chunks)[0] == list(range(300))


CONTEXTS: list[Any] = []


async def keep_context(number: int, ctx: StepContext) -> int:
    CONTEXTS.append(ctx)
    return number


def keep_sync_context(number: int, ctx: SyncStepContext) -> int:
    CONTEXTS.append(ctx)
    return number


@pytest.mark.parametrize("body", [keep_context, keep_sync_context])
@pytest.mark.parametrize("verb", ["write", "write_nowait", "custom", "writer"])
@pytest.mark.parametrize("thread", [False, True], ids=["on the loop", "on a thread"])
async def test_nothing_is_written_after_the_end(body: Any, verb: str, *, thread: bool) -> None:
    CONTEXTS.clear()
    workflow: Numbers = one(body)
    run = workflow.create_run()
    await run.start(1)
    ctx = CONTEXTS.pop()
    arguments = ("data-x", 1) if verb == "custom" else (1,)
    call = ctx.writer.on_next if verb == "writer" else getattr(ctx, verb)
    write = partial(call, *arguments)
    with pytest.raises(WriterClosed, match="step"):
        await (asyncio.to_thread(write) if thread else write())
    await turns()

    assert (await run.snapshot()).next_seq == 4


@pytest.mark.parametrize("verb", ["write", "write_nowait"])
async def test_step_that_is_over_writes_nothing_while_its_run_goes_on(verb: str) -> None:
    async def late(number: int) -> int:
        with pytest.raises(WriterClosed):
            getattr(CONTEXTS.pop(), verb)("too late")
        return number

    workflow = create_workflow("flow", input=int).then(create_step("a", keep_context)).then(create_step("b", late))
    result = await workflow.commit().create_run().start(1)

    assert result.unwrap() == 1
