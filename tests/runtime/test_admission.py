"""How many runs may be live at once, and how the others wait their turn."""

from __future__ import annotations

import asyncio
from typing import Any

from rxloom import RunInfo, Runtime, WorkflowStream, create_workflow
from rxloom.errors import RunAlreadyStarted
from tests.hearing import ASKER, SLOW_WRITER, WAITER, WRITER, hear
from tests.play import turns
from tests.virtual import virtual


@virtual
async def test_runs_over_the_limit_are_pending_and_come_in_order() -> None:
    runtime = Runtime(SLOW_WRITER, max_runs=2)
    runs = [runtime.create_run("flow") for _ in range(5)]
    streams = [run.stream_vnext(2) for run in runs]
    statuses = [hear(stream.status) for stream in streams]
    order: list[int] = []
    for number, stream in enumerate(streams):
        hear(stream, then=lambda chunk, number=number: order.append(number) if chunk.type == "workflow-start" else None)
    await turns()
    pending = [(await run.snapshot()).status for run in runs]
    await asyncio.gather(*streams)

    assert pending == ["running", "running", "pending", "pending", "pending"]
    assert [heard.items[0] for heard in statuses] == pending
    assert [heard.items[-2:] for heard in statuses] == [["running", "success"]] * 5
    assert order == [0, 1, 2, 3, 4]
    assert asyncio.get_running_loop().time() == 6


@virtual
async def test_refused_and_failed_starts_do_not_keep_others_waiting() -> None:
    runtime = Runtime(SLOW_WRITER, max_runs=1)
    first = runtime.create_run("flow", run_id="x").stream_vnext(1)
    refused = runtime.create_run("flow", run_id="x").stream_vnext(1)
    invalid: list[WorkflowStream[Any]] = [runtime.create_run("flow").stream_vnext("no number") for _ in range(2000)]
    last = runtime.create_run("flow").stream_vnext(1)
    await last

    assert type(hear(refused).end) is RunAlreadyStarted
    assert {(await stream).status for stream in invalid} == {"failed"}
    assert (await first).status == "success"


@virtual
async def test_pending_run_is_cancelled_at_once() -> None:
    runtime = Runtime(WAITER, max_runs=1)
    first, second = runtime.create_run("flow"), runtime.create_run("flow")
    streams = [first.stream_vnext(1), second.stream_vnext(1)]
    await turns()
    await second.cancel("no patience")
    other = (await first.snapshot()).status
    await first.cancel()

    assert (await streams[1]).reason == "no patience"  # type: ignore[union-attr]
    assert other == "running"


@virtual
async def test_pending_run_that_is_cancelled_is_settled_when_its_callbacks_are() -> None:
    told: list[str] = []

    async def finished(info: RunInfo) -> None:
        await asyncio.sleep(3)
        told.append(info.status)

    slow = create_workflow("slow", on_finish=finished).wait_for_event("go").commit()
    runtime = Runtime(slow, max_runs=1)
    first, second = runtime.create_run("slow"), runtime.create_run("slow")
    streams = [first.stream_vnext(1), second.stream_vnext(1)]
    await turns()
    await second.cancel()

    assert told == ["canceled"]
    assert hear(streams[1]).end == "completed"
    await first.cancel()


@virtual
async def test_disposing_cancels_a_pending_run() -> None:
    runtime = Runtime(WAITER, max_runs=1)
    first, second = runtime.create_run("flow"), runtime.create_run("flow")
    streams = [first.stream_vnext(1), second.stream_vnext(1)]
    streams[1].cancel_on_dispose().subscribe().dispose()

    assert (await streams[1]).status == "canceled"
    await first.cancel()


@virtual
async def test_resumed_run_waits_for_its_turn_and_is_refused_at_once() -> None:
    slow = create_workflow("slow", input=int).then(SLOW_WRITER).commit()
    runtime = Runtime(ASKER, slow, max_runs=1)
    run = runtime.create_run("flow")
    await run.start(1)
    runtime.create_run("slow").stream_vnext(3)
    waiting = run.resume_stream_vnext(2)
    refused = run.resume_stream_vnext(2, step="other")
    await turns()
    status = (await run.snapshot()).status
    refusal = hear(refused).end
    result = await waiting

    assert status == "suspended"
    assert type(refusal).__name__ == "NotSuspended"
    assert result.unwrap() == 3
    assert asyncio.get_running_loop().time() == 3


async def test_limit_holds_over_several_loops() -> None:
    live: list[int] = []

    async def main() -> None:
        streams = [runtime.create_run("flow").stream_vnext(50) for _ in range(20)]
        for stream in streams:
            hear(stream, then=lambda _: live.append(len(runtime.registry.live)))
        await asyncio.gather(*streams)

    runtime = Runtime(WRITER, max_runs=3)
    await asyncio.gather(*(asyncio.to_thread(lambda: asyncio.run(main())) for _ in range(4)))

    assert max(live) <= 3
    assert len(live) == 4 * 20 * 54


@virtual
async def test_who_waits_first_for_a_turn_starts_the_run_also_when_it_is_cancelled() -> None:
    runtime = Runtime(WAITER, max_runs=1)
    before = runtime.create_run("flow")
    before.stream_vnext(1)
    run = runtime.create_run("flow", run_id="x")
    first = run.stream_vnext(1)
    second = runtime.create_run("flow", run_id="x", on_existing="join").stream_vnext(1)
    await run.cancel("enough")
    await before.cancel()

    assert (await first).status == (await second).status == "canceled"
