"""Cancelling: everything stops, everything open is closed, and only then the run is finished."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
import reactivex as rx
from reactivex import Observable

from rxloom import Retry, Run, Runtime, SyncStepContext, Workflow, create_step, create_workflow
from rxloom.chunks import Chunk
from rxloom.errors import RunNotFound
from tests.hearing import ASKER, FAILER, WAITER, WRITER, forever, hear, one, write_all
from tests.play import told, turns
from tests.virtual import virtual

Flow = Workflow[Any, Any]


async def fails(_: object) -> int:
    raise ValueError


async def never(_: object) -> bool:
    await asyncio.Event().wait()
    return True


def always(_: object) -> bool:
    return True


async def agenerate(_: object) -> Any:
    yield 1
    await asyncio.Event().wait()


def observe(_: object) -> Observable[int]:
    return rx.never()


def wf(**options: Any) -> Any:
    return create_workflow("flow", **options)


def waits(id: str, **options: Any) -> Any:
    return create_step(id, forever, **options)


INNER = wf().then(waits("a")).commit()
DEEP = create_workflow("outer").then(create_workflow("middle").then(INNER).commit()).commit()

LIVES: dict[str, tuple[Flow, Any, list[str]]] = {
    "step": (wf().then(waits("a")).commit(), 1, ["a"]),
    "timeout": (wf().then(waits("a", timeout=99)).commit(), 1, ["a"]),
    "async generator": (wf().then(create_step("a", agenerate)).commit(), 1, ["a"]),
    "observable": (wf().then(create_step("a", observe)).commit(), 1, ["a"]),
    "operators": (wf().then(waits("a").pipe()).commit(), 1, ["a"]),
    "sleep": (wf().sleep(3600).commit(), 1, ["sleep_flow_0"]),
    "event": (wf().wait_for_event("never").commit(), 1, ["event_flow_0"]),
    "event with a limit": (wf().wait_for_event("never", timeout=3600).commit(), 1, ["event_flow_0"]),
    "retry delay": (wf().then(create_step("a", fails, retries=Retry(5, delay=3600))).commit(), 1, ["a"]),
    "nested": (DEEP, 1, ["middle", "middle.flow", "middle.flow.a"]),
    "nested retry delay": (
        create_workflow("outer")
        .then(wf().then(create_step("a", fails, retries=Retry(5, delay=3600))).commit())
        .commit(), 1, ["flow", "flow.a"],
    ),
    "parallel": (wf().parallel([waits("a"), waits("b"), waits("c")]).commit(), 1, ["a", "b", "c"]),
    "parallel, one by one": (wf().parallel([waits("a"), waits("b")], max_concurrency=1).commit(), 1, ["a"]),
    "budget": (wf(max_concurrency=1).parallel([waits("a"), waits("b")]).commit(), 1, ["a", "b"]),
    "for_each": (wf().for_each(waits("a"), concurrency=2).commit(), [1, 2, 3], ["a"]),
    "for_each of nested": (wf().for_each(INNER, concurrency=2).commit(), [1, 2, 3], ["flow", "flow[0].a", "flow[1].a"]),
    "loop": (wf().do_while(waits("a"), always).commit(), 1, ["a"]),
    "condition": (wf().branch([(never, waits("a"))]).commit(), 1, []),
    "loop condition": (wf().do_while(create_step("a", write_all), never).commit(), 1, []),
    "on_start": (wf(on_start=never).then(waits("a")).commit(), 1, []),
    "map": (wf().map(never, id="m").commit(), 1, ["m"]),
}  # fmt: skip


@pytest.mark.parametrize("life", LIVES)
@virtual
async def test_everything_open_is_closed_and_nothing_is_left(life: str) -> None:
    workflow, given, open_steps = LIVES[life]
    run = workflow.create_run()
    stream = run.stream_vnext(given)
    await turns()
    await run.cancel("enough")
    chunks: list[Chunk] = [chunk async for chunk in stream]
    result = await stream
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    timers = [timer for timer in asyncio.get_running_loop()._scheduled if not timer.cancelled()]  # type: ignore[attr-defined]
    closed = [line.partition(":")[0] for line in told(chunks) if line.endswith(": canceled")]

    assert told(chunks)[-2:] == ["canceled", "canceled"]
    assert sorted(closed) == sorted(open_steps)
    assert result.status == await stream.status == (await run.snapshot()).status == "canceled"
    assert result.reason == "enough"  # type: ignore[union-attr]
    assert asyncio.get_running_loop().time() == 0
    assert (tasks, timers) == (set(), [])


@virtual
async def test_children_are_closed_before_their_parents() -> None:
    run = DEEP.create_run()
    stream = run.stream_vnext(1)
    await turns()
    await run.cancel()
    closed = [line for line in told([chunk async for chunk in stream]) if line.endswith(": canceled")]

    assert closed == ["middle.flow.a: canceled", "middle.flow: canceled", "middle: canceled"]


@virtual
async def test_finish_comes_only_when_no_task_is_left() -> None:
    async def tidies(_: int) -> int:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(3)
            happened.append("tidied")
        return 0

    happened: list[str] = []
    run = one(tidies).create_run()
    stream = run.stream_vnext(1)
    hear(stream, then=lambda chunk: happened.append(chunk.type))
    await turns()
    await run.cancel()

    assert happened == [
        "workflow-start", "workflow-step-start", "tidied", "workflow-step-result", "workflow-canceled",
        "workflow-finish",
    ]  # fmt: skip
    assert asyncio.get_running_loop().time() == 3


# -- whenever ------------------------------------------------------------------------------------------------------


async def test_run_cancelled_before_it_starts_enters_no_body() -> None:
    run = WAITER.create_run()
    await run.cancel("too late")
    await run.cancel("again")
    stream = run.stream_vnext(1)

    assert told([chunk async for chunk in stream]) == ["start", "canceled", "canceled"]
    assert (await stream).reason == "too late"  # type: ignore[union-attr]


async def test_run_cancelled_before_it_starts_by_another_handle() -> None:
    run = WAITER.create_run(run_id="before")
    await WAITER.create_run(run_id="before").cancel("other")

    assert (await run.start(1)).status == "canceled"


@pytest.mark.parametrize("turn", range(12))
async def test_cancelling_in_any_turn_has_one_winner_for_everybody(turn: int) -> None:
    workflow = create_workflow("flow", input=int).then(WRITER).then(WRITER.with_id("b")).commit()
    run = workflow.create_run()
    stream = run.stream_vnext(3)
    await turns(turn)
    await run.cancel()
    chunks = [chunk async for chunk in stream]
    result = await stream

    assert result.status in {"canceled", "success"}
    assert told(chunks)[-1] == await stream.status == (await run.snapshot()).status == result.status
    assert told(chunks).count("success") + told(chunks).count("canceled") == (2 if result.status == "canceled" else 1)


async def test_suspended_run_gets_a_leg_that_cancels_it() -> None:
    run = ASKER.create_run()
    await run.start(1)
    observed = run.observe_stream_vnext(from_seq=4, close_on_suspend=False)
    await run.cancel("no answer")
    chunks = [chunk async for chunk in observed]

    assert told(chunks) == ["start", "canceled", "canceled"]
    assert (await observed).reason == "no answer"  # type: ignore[union-attr]


@pytest.mark.parametrize("workflow", [WRITER, FAILER], ids=["success", "failed"])
async def test_run_that_has_ended_stays_as_it_is(workflow: Any) -> None:
    run = workflow.create_run()
    before = await run.start(1)
    chunks = [chunk async for chunk in run.observe_stream_vnext()]
    await run.cancel()

    assert (await run.snapshot()).status == before.status
    assert [chunk async for chunk in run.observe_stream_vnext()] == chunks


async def test_nobody_cancels_an_unknown_run() -> None:
    with pytest.raises(RunNotFound):
        await Runtime().run("nobody").cancel()


# -- whoever -------------------------------------------------------------------------------------------------------


@virtual
async def test_many_cancels_at_a_time_are_one() -> None:
    run = WAITER.create_run()
    stream = run.stream_vnext(1)
    await turns()
    await asyncio.gather(*(run.cancel(f"reason {number}") for number in range(10)))
    await run.cancel("later")

    assert told([chunk async for chunk in stream]).count("canceled") == 2
    assert (await stream).reason == "reason 0"  # type: ignore[union-attr]


async def test_step_may_cancel_its_own_run() -> None:
    async def body(_: int) -> int:
        await runs[0].cancel("from inside")
        return 0

    runs: list[Run[Any, Any]] = [one(body).create_run()]
    result = await runs[0].start(1)

    assert (result.status, result.reason) == ("canceled", "from inside")  # type: ignore[union-attr]


async def test_other_runs_are_left_alone() -> None:
    first, second = WAITER.create_run(), WAITER.create_run()
    streams = [first.stream_vnext(1), second.stream_vnext(1)]
    await turns()
    await first.cancel()
    other = (await second.snapshot()).status
    await second.cancel()

    assert (await streams[0]).status == "canceled"
    assert other == "running"


def _in_another_loop(run: Run[Any, Any]) -> None:
    asyncio.run(run.cancel("elsewhere"))


@pytest.mark.parametrize("workflow", [WAITER, create_workflow("flow").sleep(99).commit()], ids=["step", "sleep"])
async def test_another_loop_may_cancel(workflow: Any) -> None:
    run = workflow.create_run()
    stream = run.stream_vnext(1)
    await turns()
    await asyncio.to_thread(_in_another_loop, run)

    assert (await stream).reason == "elsewhere"


async def test_nested_runs_of_steps_are_told_through_cancelled() -> None:
    seen: list[str | None] = []

    def body(_: int, ctx: SyncStepContext) -> int:
        gone = threading.Event()
        ctx.cancelled.subscribe(seen.append, on_completed=gone.set)
        assert gone.wait(5)
        return 0

    run = one(body).create_run()
    stream = run.stream_vnext(1)
    await asyncio.sleep(0.05)
    await run.cancel("stop, thread")

    assert seen == ["stop, thread"]
    assert (await stream).status == "canceled"
