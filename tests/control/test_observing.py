"""Observing a run: from any seq, before it starts, while it runs, after its end, from any handle."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from rxloom import MemoryStore, RunInterrupted, Runtime, StepContext
from rxloom.errors import RunNotFound
from tests.hearing import ASKER, FAILER, SLOW_WRITER, WRITER, Numbers, hear, one, seqs
from tests.play import told, turns
from tests.virtual import virtual


async def ask_twice(number: int, ctx: StepContext) -> int:
    first = await ctx.suspend("first", label="first")
    second = await ctx.suspend("second", label="second")
    return number + first + second


TWICE: Numbers = one(ask_twice)


@virtual
async def test_observer_gets_the_history_then_what_is_told() -> None:
    runtime = Runtime(SLOW_WRITER)
    run = runtime.create_run("flow")
    stream = run.stream_vnext(3)
    observers = [hear(run.observe_stream_vnext())]
    for _ in range(4):
        await asyncio.sleep(0.9)
        observers.append(hear(runtime.run(run.run_id).observe_stream_vnext()))
    chunks = [chunk async for chunk in stream]
    await turns()
    observers.append(hear(run.observe_stream_vnext()))
    await turns()

    assert [heard.items == chunks for heard in observers] == [True] * 6
    assert {heard.end for heard in observers} == {"completed"}


@pytest.mark.parametrize("from_seq", range(11))
@pytest.mark.parametrize("when", ["before", "during", "after"])
@virtual
async def test_observer_begins_at_any_seq_and_folds_from_the_start(from_seq: int, when: str) -> None:
    run = SLOW_WRITER.create_run()
    observed = run.observe_stream_vnext(from_seq=from_seq) if when == "before" else None
    stream = run.stream_vnext(3)
    await asyncio.sleep(0 if when == "before" else 1.5 if when == "during" else 9)
    observed = observed or run.observe_stream_vnext(from_seq=from_seq)
    chunks = [chunk async for chunk in observed]
    await stream

    assert seqs(chunks) == list(range(from_seq, 7))
    assert (await observed).unwrap() == 3
    assert await observed.status == "success"


async def test_observer_of_a_run_that_is_not_started_sees_it_pending() -> None:
    run = WRITER.create_run()
    observed = run.observe_stream_vnext()
    chunks, status = hear(observed), hear(observed.status)
    await turns()
    before = (list(status.items), (await run.snapshot()).status)
    run.stream_vnext(1)
    await observed

    assert before == (["pending"], "pending")
    assert status.items == ["pending", "running", "success"]
    assert told(chunks.items)[0] == "start"


async def test_observer_of_a_run_that_nobody_can_start_any_more_is_told() -> None:
    observed = hear(WRITER.create_run().observe_stream_vnext())
    await turns()
    gc.collect()
    await turns()

    assert type(observed.end) is RunNotFound


async def test_seq_below_zero_is_refused_at_the_call() -> None:
    with pytest.raises(ValueError, match="from_seq"):
        WRITER.create_run().observe_stream_vnext(from_seq=-1)


# -- over several legs ---------------------------------------------------------------------------------------------


async def test_observer_of_a_suspended_run_ends_with_its_last_leg() -> None:
    run = TWICE.create_run()
    await run.start(1)
    observed = run.observe_stream_vnext()

    assert told([chunk async for chunk in observed]) == ["start", "step: running", "step: suspended", "suspended"]
    assert (await observed).status == "suspended"


async def test_observer_that_waits_over_suspensions_sees_all_legs() -> None:
    run = TWICE.create_run()
    observed = hear(run.observe_stream_vnext(close_on_suspend=False))
    result = run.observe_stream_vnext(close_on_suspend=False)
    await run.start(1)
    await run.resume(2)
    await run.resume(3)
    await turns()

    assert observed.end == "completed"
    assert seqs(observed.items) == list(range(12))
    assert [line for line in told(observed.items) if line in {"start", "suspended", "success"}] == [
        "start", "suspended", "start", "suspended", "start", "success",
    ]  # fmt: skip
    assert (await result).unwrap() == 6


@pytest.mark.parametrize("from_seq", range(13))
async def test_observer_of_all_legs_begins_at_any_seq(from_seq: int) -> None:
    run = TWICE.create_run()
    await run.start(1)
    await run.resume(2)
    await run.resume(3)
    observed = run.observe_stream_vnext(from_seq=from_seq)

    assert seqs([chunk async for chunk in observed]) == list(range(from_seq, 12))
    assert (await observed.usage) == (await run.snapshot()).usage


async def test_observer_of_a_suspended_run_is_not_lost_though_nobody_else_refers_to_it() -> None:
    runtime = Runtime(TWICE)
    run = runtime.create_run("flow", run_id="x")
    await run.start(1)
    heard = hear(run.observe_stream_vnext(close_on_suspend=False))
    await turns()
    del run
    gc.collect()
    await runtime.run("x").resume(2)
    gc.collect()
    await runtime.run("x").resume(3)
    await turns()

    assert heard.end == "completed"
    assert seqs(heard.items) == list(range(12))


async def test_observer_of_a_suspended_run_is_told_that_the_runtime_was_closed() -> None:
    runtime = Runtime(TWICE)
    run = runtime.create_run("flow")
    first = run.stream_vnext(1)
    await first
    heard = hear(run.observe_stream_vnext(close_on_suspend=False))
    await turns()
    await runtime.aclose()

    assert type(heard.end) is RunInterrupted
    assert (await first).status == "suspended"


# -- from what the store keeps -------------------------------------------------------------------------------------


@pytest.mark.parametrize("workflow", [WRITER, FAILER, ASKER], ids=["success", "failed", "suspended"])
async def test_observer_of_a_run_that_only_the_store_knows_sees_the_same(
    workflow: Any, caplog: pytest.LogCaptureFixture
) -> None:
    runtime = Runtime(workflow)
    run = runtime.create_run("flow", run_id="x")
    stream = run.stream_vnext(2)
    chunks = [chunk async for chunk in stream]
    result = await stream
    del run, stream
    gc.collect()
    known = runtime.registry.logs.get("x")
    observed = runtime.run("x").observe_stream_vnext()

    assert known is None
    assert [chunk async for chunk in observed] == chunks
    assert (await observed).status == result.status
    assert await observed.status == result.status
    del observed
    gc.collect()
    assert caplog.records == []  # whoever started it has seen how it ended


async def test_store_keeps_the_newest_runs_that_ended_and_all_that_have_not() -> None:
    runtime = Runtime(WRITER, store=MemoryStore(keep=2))
    asks = Runtime(ASKER, store=runtime.store)
    await asks.create_run("flow", run_id="asks").start(1)
    for number in range(5):
        await runtime.create_run("flow", run_id=f"{number}").start(1)
    gc.collect()

    assert [head.run_id for head in await runtime.list_runs()] == ["asks", "3", "4"]
    with pytest.raises(RunNotFound):
        await runtime.run("0").snapshot()
    assert (await asks.run("asks").resume(1)).status == "success"


async def test_run_that_somebody_refers_to_is_kept() -> None:
    runtime = Runtime(WRITER, store=MemoryStore(keep=0))
    run = runtime.create_run("flow")
    stream = run.stream_vnext(3)
    await stream
    await runtime.create_run("flow").start(1)
    gc.collect()

    assert [head.run_id for head in await runtime.list_runs()] == [run.run_id]
    assert len([chunk async for chunk in runtime.run(run.run_id).observe_stream_vnext()]) == 7
