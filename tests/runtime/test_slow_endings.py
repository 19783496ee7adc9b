"""What comes while the finish of a leg is on its way into a store that takes its time."""

from __future__ import annotations

import asyncio
from typing import Any

from rxloom import Run, Runtime, Workflow, create_workflow
from rxloom.chunks import EventReceived
from rxloom.testing import check_chunks
from tests.play import adding, asking, read, told
from tests.slow_store import SlowStore
from tests.virtual import virtual


def on(store: SlowStore, workflow: Workflow[Any, Any]) -> Run[Any, Any]:
    """Make a run of a workflow whose records go to `store`."""
    return Runtime(workflow, store=store).create_run(workflow.id, run_id="run")


async def finishing(run: Run[Any, Any]) -> None:
    """Wait until the finish of the present leg is on its way into the store."""
    leg = run._control.registry.live["run"]
    for _ in range(1000):
        if leg.told:
            return
        await asyncio.sleep(0.001)
    raise AssertionError("the leg does not end")


@virtual
async def test_two_cancels_of_a_suspended_run_append_one_leg() -> None:
    run = on(SlowStore(0.1), create_workflow("wf").then(asking("ask")).commit())
    await run.start(1)
    first = asyncio.create_task(run.cancel("one"))
    await asyncio.sleep(0.05)
    leg = run._control.registry.live["run"]
    assert leg.closing  # a second cancel has nothing to end, a resume nothing to join
    await run.cancel("two")
    await first
    chunks = await read(run.observe_stream_vnext())

    assert told(chunks)[-3:] == ["start", "canceled", "canceled"]
    assert told(chunks).count("start") == 2
    assert check_chunks(chunks) == []


@virtual
async def test_an_event_that_comes_while_the_finish_is_committed_changes_nothing_of_a_run_that_ended() -> None:
    store = SlowStore(0.1)
    run = on(store, create_workflow("wf").then(adding("a")).commit())
    stream = run.stream_vnext(1)
    await asyncio.sleep(0.001)
    await finishing(run)
    await run.send_event("late", 5)
    head = await store.head("run")

    assert (await stream.result).status == "success"
    assert head is not None
    assert head.status == "success"
    assert not any(isinstance(record, EventReceived) for record in await store.read("run"))


@virtual
async def test_an_event_that_comes_while_a_suspension_is_committed_is_there_for_the_next_leg() -> None:
    store = SlowStore(0.1)
    run = on(store, create_workflow("wf").then(asking("ask")).wait_for_event("go").commit())
    run.stream_vnext(1)
    await asyncio.sleep(0.001)
    await finishing(run)
    await run.send_event("go", 5)

    assert (await run.snapshot()).status == "suspended"
    assert (await run.resume("yes")).unwrap() == 5


@virtual
async def test_a_cancel_that_comes_while_the_finish_is_committed_is_too_late() -> None:
    store = SlowStore(0.1)
    run = on(store, create_workflow("wf").then(adding("a")).commit())
    run.stream_vnext(1)
    await asyncio.sleep(0.001)
    await finishing(run)
    await run.cancel("late")
    head = await store.head("run")

    assert head is not None
    assert head.status == (await run.snapshot()).status == "success"
