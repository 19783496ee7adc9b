"""A runtime on a scheduler that is no loop's: whole workflows in a `TestScheduler`, with no event loop anywhere."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import reactivex as rx
from reactivex import Observable
from reactivex import operators as ops
from reactivex.scheduler import HistoricalScheduler, VirtualTimeScheduler
from reactivex.testing import ReactiveTest, TestScheduler

from rxloom import Retry, Runtime, SyncStepContext, WorkflowStream, create_step, create_workflow
from tests.hearing import hear
from tests.play import told

on_next, on_completed = ReactiveTest.on_next, ReactiveTest.on_completed


def inline(id: str, act: Callable[[Any], Any], **options: Any) -> Any:
    """Make a plain step."""

    def body(value: Any) -> Any:
        return act(value)

    return create_step(id, body, inline=True, **options)


def ticking(id: str, count: int, every: float, **options: Any) -> Any:
    """Make a step whose items come one after another."""

    def body(_: Any, ctx: SyncStepContext) -> Observable[int]:
        return rx.interval(every, scheduler=ctx.scheduler).pipe(ops.take(count))

    return create_step(id, body, **options)


def flow(*steps: Any, **options: Any) -> Any:
    """Make a workflow of some steps."""
    builder: Any = create_workflow("wf", **options)
    for one in steps:
        builder = builder.then(one)
    return builder.commit()


def counted(found: list[Any]) -> int:
    """Count items."""
    return len(found)


def started(workflow: Any, value: Any = 1, scheduler: Any = None, **options: Any) -> tuple[Any, Any]:
    """Start a run on a scheduler that was not started yet."""
    chosen = TestScheduler() if scheduler is None else scheduler
    return chosen, Runtime(workflow, scheduler=chosen).create_run("wf").stream_vnext(value, **options)


def result(workflow: Any, value: Any = 1) -> Any:
    """Run a workflow to its end."""
    scheduler, stream = started(workflow, value)
    scheduler.start()
    return stream.run()


def ticks(workflow: Any, value: Any = 1, *, until: float = 1000) -> list[tuple[str, float]]:
    """Return what a run tells, and when."""
    scheduler = TestScheduler()
    runtime = Runtime(workflow, scheduler=scheduler)
    heard: Any = scheduler.start(lambda: runtime.create_run("wf").stream_vnext(value), 100, 100.5, until)
    return [(told([one.value.value])[0], one.time) for one in heard.messages if one.value.kind == "N"]


# -- what runs ---------------------------------------------------------------------------------------------------------


def test_a_workflow_runs_in_the_time_of_the_scheduler() -> None:
    assert ticks(flow(inline("a", lambda v: v + 1), ticking("t", 2, 10))) == [
        ("start", 100.5), ("a: running", 100.5), ("a: success", 100.5), ("t: running", 100.5),
        ("t > 0", 110), ("t > 1", 120), ("t: success", 120), ("success", 120),
    ]  # fmt: skip


def test_chunks_bear_the_time_of_the_scheduler() -> None:
    scheduler, stream = started(create_workflow("wf").sleep(30).commit())
    scheduler.start()
    record = stream.run().steps["sleep_wf_0"]

    assert (record.started_at, record.ended_at) == (0, 30_000)


def test_retries_wait_in_its_time() -> None:
    tries: list[float] = []
    scheduler = TestScheduler()

    def fail(_: Any) -> None:
        tries.append(scheduler.clock)
        raise ValueError("no")

    _, stream = started(flow(inline("f", fail, retries=Retry(2, delay=10, backoff=2))), 1, scheduler)
    scheduler.start()

    assert tries == [0, 10, 30]
    assert stream.run().status == "failed"


def test_a_time_out_comes_in_its_time_and_leaves_no_timer() -> None:
    late = result(flow(ticking("slow", 1, 500, timeout=20.0)))

    assert late.error.name == "StepTimeout"
    assert late.steps["slow"].ended_at == 20_000


def test_branches_run_side_by_side() -> None:
    arms = [ticking("a", 2, 10), ticking("b", 1, 15), inline("c", lambda v: v * 10)]
    told_when = ticks(create_workflow("wf").parallel(arms).commit())

    assert [when for line, when in told_when if line in {"a: success", "b: success", "c: success"}] == [100.5, 115, 120]


def test_loops_maps_branches_and_items_need_no_loop() -> None:
    each = create_workflow("wf").map(lambda v: [v, v + 1]).for_each(ticking("t", 2, 5, collect=list), concurrency=2)
    looped = each.map(counted).do_until(inline("add", lambda v: v + 1), lambda v: v >= 5)
    workflow = looped.branch([(lambda v: v == 5, inline("yes", lambda v: v * 2))], merge=True).commit()

    assert result(workflow).unwrap() == 10


def test_a_long_loop_takes_no_time() -> None:
    scheduler, stream = started(
        create_workflow("wf").do_until(inline("add", lambda v: v + 1), lambda v: v >= 2_000).commit()
    )
    VirtualTimeScheduler.start(scheduler)

    assert stream.run().unwrap() == 2_000
    assert scheduler.clock == 0


def test_many_steps_at_one_moment_take_no_time() -> None:
    items = list(range(300))
    steps = create_workflow("wf").for_each(inline("add", lambda v: v + 1), concurrency=300).commit()
    scheduler, stream = started(steps, items)
    VirtualTimeScheduler.start(scheduler)

    assert len(stream.run().unwrap()) == 300
    assert scheduler.clock == 0


def test_a_timer_that_is_not_needed_any_more_is_taken_back() -> None:
    scheduler, stream = started(flow(ticking("t", 1, 10, timeout=900.0), timeout=5000))
    scheduler.advance_to(15)

    assert stream.run().status == "success"
    assert [item for item, _ in scheduler._queue.items if not item.is_cancelled()] == []


def test_rx_operators_around_a_step_and_in_the_middle_use_its_time() -> None:
    slow = ticking("slow", 1, 50).pipe(ops.timeout(20.0), ops.catch(rx.of("late")))
    workflow = create_workflow("wf").then(slow).pipe(ops.delay(30.0), id="delay").commit()
    told_when = dict(ticks(workflow))

    assert told_when["slow: success"] == 120
    assert told_when["delay: success"] == 150


def test_nested_workflows_need_no_loop() -> None:
    deep: Any = create_workflow("deep").then(inline("a", lambda v: v + 1)).commit()
    for level in range(20):
        deep = create_workflow(f"w{level}").then(deep).commit()

    assert result(flow(deep)).unwrap() == 2


# -- watching and acting -----------------------------------------------------------------------------------------------


def test_a_hot_observable_is_a_source_as_any() -> None:
    scheduler = TestScheduler()
    source = scheduler.create_hot_observable(on_next(210, "a"), on_next(220, "b"), on_completed(230))
    step = create_step("s", lambda _: source, inline=True, output=Any)
    runtime = Runtime(flow(step), scheduler=scheduler)
    heard = scheduler.start(lambda: runtime.create_run("wf").stream_vnext(1).output)

    assert heard.messages == [on_next(230, ["a", "b"]), on_completed(230)]


def test_time_operators_on_a_stream_use_its_time() -> None:
    scheduler, stream = started(flow(ticking("t", 3, 10)))
    heard = hear(stream.pipe(ops.buffer_with_time(15.0), ops.map(len)))
    scheduler.start()

    assert heard.items == [3, 1, 3]


def test_everything_a_stream_offers_settles() -> None:
    scheduler, stream = started(flow(inline("a", lambda v: v + 1)))
    heard = [hear(one) for one in (stream.result, stream.status, stream.usage, stream.output, stream.snapshots)]
    scheduler.start()

    assert [one.end for one in heard] == ["completed"] * 5
    assert heard[1].items == ["running", "success"]
    assert heard[3].items == [2]


def test_disposing_cancels_in_its_time() -> None:
    scheduler = TestScheduler()
    runtime = Runtime(flow(ticking("t", 100, 10)), scheduler=scheduler)
    run = runtime.create_run("wf")
    heard = scheduler.start(lambda: run.stream_vnext(1).cancel_on_dispose(), disposed=235)
    snapshot = asyncio.run(run.snapshot())

    assert [one.time for one in heard.messages][-1] == 230
    assert (snapshot.status, snapshot.steps["t"].ended_at) == ("canceled", 235_000)


def test_a_suspended_run_is_resumed_in_its_time() -> None:
    scheduler = TestScheduler()

    def ask(_: int, ctx: SyncStepContext) -> str:
        return f"{ctx.suspend('how?')} at {scheduler.clock}"

    run = Runtime(flow(create_step("ask", ask, inline=True)), scheduler=scheduler).create_run("wf")
    first = run.stream_vnext(1)
    legs: list[Any] = []
    scheduler.schedule_absolute(250.0, lambda *_: legs.append(run.resume_stream_vnext("so")))
    scheduler.start()

    assert first.run().status == "suspended"
    assert legs[0].run().unwrap() == "so at 250.0"


def test_events_are_sent_from_any_loop_or_none() -> None:
    scheduler = TestScheduler()
    workflow = create_workflow("wf").wait_for_event("go").sleep(5).commit()
    run = Runtime(workflow, scheduler=scheduler).create_run("wf")
    stream: Any = run.stream_vnext(1)
    scheduler.schedule_absolute(40.0, lambda *_: asyncio.run(run.send_event("go", "now")))
    scheduler.start()

    assert stream.run().unwrap() == "now"
    assert stream.run().steps["sleep_wf_0"].ended_at == 45_000


def test_cancelling_settles_at_once() -> None:
    scheduler = TestScheduler()
    run = Runtime(flow(ticking("t", 100, 10)), scheduler=scheduler).create_run("wf")
    stream: Any = run.stream_vnext(1)
    scheduler.advance_to(25)
    asyncio.run(run.cancel("enough"))

    assert stream.run().reason == "enough"
    assert stream.run().steps["t"].ended_at == 25_000


async def test_a_coroutine_can_await_what_a_scheduler_brings() -> None:
    scheduler, stream = started(flow(ticking("t", 3, 10)))
    waiting = asyncio.create_task(_both(stream))
    await asyncio.sleep(0)
    scheduler.start()
    lines, status = await waiting

    assert lines[-1] == status == "success"


async def _both(stream: WorkflowStream[Any]) -> tuple[list[str], str]:
    return told([chunk async for chunk in stream]), (await stream.result).status


async def test_a_runtime_is_closed_though_its_scheduler_stands_still() -> None:
    scheduler = TestScheduler()
    async with asyncio.timeout(2), Runtime(flow(ticking("t", 3, 10)), scheduler=scheduler) as runtime:
        stream = runtime.create_run("wf").stream_vnext(1)
        scheduler.advance_to(15)
    heard = hear(stream)

    assert type(heard.end).__name__ == "RunInterrupted"
    assert told(heard.items)[-1] == "t > 0"


@pytest.mark.parametrize("scheduler", [VirtualTimeScheduler(), HistoricalScheduler()])
def test_other_schedulers_with_virtual_time_do_as_well(scheduler: VirtualTimeScheduler) -> None:
    _, stream = started(flow(ticking("t", 3, 10.0)), 1, scheduler)
    scheduler.start()

    assert stream.run().steps["t"].ended_at == 30_000
