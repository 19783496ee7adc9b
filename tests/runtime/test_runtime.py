"""The runtime: finding workflows and runs, how many may be live, closing."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from rxloom import RunInterrupted, Runtime, create_workflow
from rxloom.errors import DefinitionError, RunAlreadyStarted, RunNotFound
from tests.hearing import ASKER, FAILER, SLOW_WRITER, WAITER, WRITER, hear
from tests.play import told, turns
from tests.virtual import virtual

# -- finding -------------------------------------------------------------------------------------------------------


def test_runtime_finds_its_workflows_by_id() -> None:
    other = create_workflow("other").then(WRITER).commit()
    runtime = Runtime(WRITER, other)

    assert runtime.workflow("flow") is WRITER
    assert runtime.create_run("other").workflow_id == "other"
    with pytest.raises(KeyError, match="flow, other"):
        runtime.workflow("none")


def test_two_workflows_with_one_id_are_refused() -> None:
    with pytest.raises(DefinitionError, match="flow"):
        Runtime(WRITER, FAILER)


@pytest.mark.parametrize("option", ["buffer", "max_runs", "max_threads"])
def test_numbers_out_of_range_are_refused(option: str) -> None:
    arguments: dict[str, Any] = {option: 0}
    with pytest.raises(ValueError, match=option):
        Runtime(**arguments)


@virtual
async def test_runs_are_listed_oldest_first_and_filtered() -> None:
    runtime = Runtime(SLOW_WRITER, create_workflow("asks").then(ASKER).commit())
    for number in range(4):
        await runtime.create_run("flow", run_id=f"w{number}", resource_id="Ada" if number % 2 else None).start(1)
    await runtime.create_run("asks", run_id="a").start(1)
    everything = await runtime.list_runs()
    since = everything[2].created_at

    async def ids(*arguments: Any, **options: Any) -> list[str]:
        return [head.run_id for head in await runtime.list_runs(*arguments, **options)]

    assert await ids() == ["w0", "w1", "w2", "w3", "a"]
    assert await ids("asks") == await ids(status="suspended") == ["a"]
    assert await ids(resource_id="Ada") == ["w1", "w3"]
    assert await ids(since=since) == ["w2", "w3", "a"]
    assert await ids(until=since) == ["w0", "w1"]
    assert await ids(limit=2) == ["w0", "w1"]
    assert await ids(limit=2, cursor="w1") == ["w2", "w3"]


async def test_deleted_run_is_unknown_and_its_streams_end() -> None:
    runtime = Runtime(ASKER)
    run = runtime.create_run("flow")
    await run.start(1)
    waiting = hear(run.observe_stream_vnext(close_on_suspend=False))
    await turns()
    await runtime.delete_run(run.run_id)

    assert await runtime.list_runs() == []
    assert type(waiting.end) is RunNotFound
    with pytest.raises(RunNotFound):
        await runtime.run(run.run_id).snapshot()
    with pytest.raises(RunNotFound):
        await runtime.delete_run(run.run_id)


async def test_live_run_is_not_deleted() -> None:
    runtime = Runtime(WAITER)
    run = runtime.create_run("flow")
    run.stream_vnext(1)
    with pytest.raises(RuntimeError, match="cancel"):
        await runtime.delete_run(run.run_id)
    await run.cancel()
    await runtime.delete_run(run.run_id)


async def test_run_is_known_by_its_id() -> None:
    runtime = Runtime(ASKER)
    await runtime.create_run("flow", run_id="x").start(1)
    run = runtime.run("x")
    stream = run.resume_stream_vnext(2)

    assert (await stream).unwrap() == 3
    assert (await run.snapshot()).status == "success"


# -- one id, one execution -------------------------------------------------------------------------------------------


@virtual
async def test_starting_twice_with_one_id_is_one_execution() -> None:
    runtime = Runtime(SLOW_WRITER)
    first = runtime.create_run("flow", run_id="x").stream_vnext(2)
    second = runtime.create_run("flow", run_id="x").stream_vnext(2)
    with pytest.raises(RunAlreadyStarted):
        await second
    chunks = [chunk async for chunk in first]

    assert len(chunks) == 6


@pytest.mark.parametrize("when", ["during", "after"])
@virtual
async def test_joining_shows_the_run_that_exists(when: str) -> None:
    runtime = Runtime(SLOW_WRITER)
    first = runtime.create_run("flow", run_id="x").stream_vnext(2)
    await asyncio.sleep(1.5 if when == "during" else 9)
    run = runtime.create_run("flow", run_id="x", on_existing="join")
    joined, again = run.stream_vnext(5), run.stream_vnext(7)

    assert [chunk async for chunk in joined] == [chunk async for chunk in first]
    assert (await again).unwrap() == 2


async def test_joining_starts_what_does_not_exist() -> None:
    run = WRITER.create_run(on_existing="join")

    assert (await run.start(2)).unwrap() == 2


# -- closing ---------------------------------------------------------------------------------------------------------


@virtual
async def test_closing_waits_for_live_runs() -> None:
    async with Runtime(SLOW_WRITER) as runtime:
        stream = runtime.create_run("flow").stream_vnext(3)

    assert (await stream).status == "success"
    assert asyncio.get_running_loop().time() == 3


@virtual
async def test_closing_takes_what_does_not_end_in_time_and_leaves_nothing_behind() -> None:
    entered: list[object] = []
    late = create_workflow("late").sleep(7).map(entered.append).commit()
    runtime = Runtime(WAITER, late)
    runs = [runtime.create_run("flow"), runtime.create_run("late")]
    streams = [run.stream_vnext(1) for run in runs]
    await turns()
    await runtime.aclose(drain=5)
    closed_at = asyncio.get_running_loop().time()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    timers = [timer for timer in asyncio.get_running_loop()._scheduled if not timer.cancelled()]  # type: ignore[attr-defined]
    await asyncio.sleep(10)

    assert closed_at == 5
    assert [type(hear(stream).end) for stream in streams] == [RunInterrupted] * 2
    assert (tasks, timers, entered, runtime.registry.live) == (set(), [], [], {})
    assert [(await run.snapshot()).status for run in runs] == ["running", "waiting"]


@virtual
async def test_closed_runtime_takes_no_more_runs() -> None:
    runtime = Runtime(ASKER, max_runs=1)
    run = runtime.create_run("flow")
    await run.start(1)
    await runtime.aclose()
    await runtime.aclose()
    for stream in (runtime.create_run("flow").stream_vnext(1), run.resume_stream_vnext(1)):
        with pytest.raises(RunInterrupted, match="closed"):
            await stream


@virtual
async def test_closing_ends_the_streams_of_runs_that_wait() -> None:
    runtime = Runtime(WAITER, max_runs=1)
    first = runtime.create_run("flow").stream_vnext(1)
    pending = runtime.create_run("flow").stream_vnext(1)
    created = runtime.create_run("flow")
    observed = created.observe_stream_vnext()
    heard = [hear(stream) for stream in (first, pending, observed)]
    await turns()
    await runtime.aclose(drain=0)

    assert [type(one_heard.end) for one_heard in heard] == [RunInterrupted] * 3
    assert told(heard[1].items) == []


@virtual
async def test_closing_does_not_wait_for_ever_for_a_task_that_does_not_end(caplog: pytest.LogCaptureFixture) -> None:
    async def stubborn(_: object) -> None:
        while not gone.is_set():
            try:
                await gone.wait()
            except asyncio.CancelledError:
                continue

    gone = asyncio.Event()
    workflow = create_workflow("flow").map(stubborn).commit()
    runtime = Runtime(workflow)
    stream = runtime.create_run("flow").stream_vnext(1)
    await turns()
    await runtime.aclose(drain=0)
    gone.set()
    await turns()

    assert type(hear(stream).end) is RunInterrupted
    assert asyncio.get_running_loop().time() == 1
    assert ["do not end" in record.message for record in caplog.records if record.levelno >= logging.ERROR] == [True]
