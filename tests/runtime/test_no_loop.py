"""What a runtime on a scheduler that is no loop's refuses, and what it does on a loop's."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any
from weakref import ref

import pytest
import reactivex as rx
from reactivex import Observable
from reactivex import operators as ops
from reactivex.scheduler import (
    CurrentThreadScheduler,
    EventLoopScheduler,
    ImmediateScheduler,
    NewThreadScheduler,
    ThreadPoolScheduler,
    TimeoutScheduler,
)
from reactivex.scheduler.eventloop import AsyncIOScheduler, AsyncIOThreadSafeScheduler
from reactivex.testing import TestScheduler

from rxloom import NoEventLoop, Runtime, create_step, create_workflow
from rxloom.scheduler import LoopScheduler, running_loop
from tests.hearing import hear
from tests.play import told
from tests.runtime.test_scheduler import flow, inline, result, started, ticking


async def coroutine(value: int) -> int:
    return value


async def async_generator(value: int) -> AsyncIterator[int]:
    yield value


async def async_observable(value: int) -> Observable[int]:
    return rx.of(value)


def plain(value: int) -> int:
    return value


def generator(value: int) -> Iterator[int]:
    yield value


NEEDY = [coroutine, async_generator, async_observable, plain, generator]


@pytest.mark.parametrize("body", NEEDY, ids=lambda body: body.__name__)
def test_a_step_that_needs_a_loop_or_a_thread_fails_once(body: Any) -> None:
    failed = result(flow(create_step("s", body, retries=3)))

    assert isinstance(failed.exception, NoEventLoop)
    assert failed.error.step_path == "s"
    assert failed.steps["s"].attempt == 0


def test_operators_around_such_a_step_do_not_try_it_for_ever() -> None:
    assert isinstance(result(flow(create_step("s", coroutine).pipe(ops.retry()))).exception, NoEventLoop)


def test_such_a_step_gives_its_place_in_the_budget_back() -> None:
    arms = [create_step("s", coroutine), inline("a", lambda v: v), inline("b", lambda v: v)]
    workflow = create_workflow("wf", max_concurrency=1).parallel(arms, errors="collect").commit()

    assert result(workflow).unwrap() == {"s": None, "a": 1, "b": 1}


async def condition(_: Any) -> bool:
    return True


@pytest.mark.parametrize("where", ["condition", "map", "on_start"])
def test_a_coroutine_function_between_the_steps_fails_the_run(where: str) -> None:
    options: Any = {"on_start": condition} if where == "on_start" else {}
    builder: Any = create_workflow("wf", **options)
    built = {
        "condition": builder.branch([(condition, inline("a", lambda v: v))]),
        "map": builder.map(condition),
        "on_start": builder.then(inline("a", lambda v: v)),
    }[where]

    assert isinstance(result(built.commit()).exception, NoEventLoop)


def test_blocking_for_what_only_the_scheduler_can_bring_is_refused() -> None:
    scheduler, stream = started(flow(ticking("t", 1, 10)))
    for blocked in (stream.run, stream.result.run, stream.pipe(ops.last()).run):
        with pytest.raises(NoEventLoop, match="Start that"):
            blocked()
    scheduler.start()

    assert stream.run() == stream.result.run()
    assert stream.pipe(ops.last()).run().type == "workflow-finish"


@pytest.mark.parametrize(
    "kind",
    [CurrentThreadScheduler, EventLoopScheduler, ImmediateScheduler, NewThreadScheduler, ThreadPoolScheduler,
     TimeoutScheduler],
)  # fmt: skip
def test_a_scheduler_that_starts_threads_or_blocks_is_refused(kind: Any) -> None:
    with pytest.raises(ValueError, match=f"runs cannot live on a {kind.__name__}"):
        Runtime(scheduler=kind())


def test_a_raising_subscriber_hurts_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: object) -> None:
        raise ValueError("no")

    scheduler, stream = started(flow(ticking("t", 2, 10)))
    stream.subscribe(fail)
    heard = hear(stream)
    scheduler.start()

    assert told(heard.items)[-1] == "success"
    assert "was detached" in caplog.text


def test_what_is_to_end_the_program_comes_out_of_the_scheduler() -> None:
    def stop(_: Any) -> None:
        raise KeyboardInterrupt

    scheduler, stream = started(flow(inline("s", stop)))
    with pytest.raises(KeyboardInterrupt):
        scheduler.start()

    assert type(hear(stream).end).__name__ == "RunInterrupted"
    assert running_loop() is None


def test_an_operator_with_a_timer_of_its_own_cancels_an_attempt() -> None:
    scheduler = TestScheduler()
    slow = ticking("slow", 1, 50).pipe(ops.timeout(20.0, scheduler=scheduler))
    _, stream = started(flow(slow), 1, scheduler)
    scheduler.start()

    assert stream.run().error.name == "StepTimeout"


def test_no_thread_is_started() -> None:
    before = threading.active_count()
    result(flow(ticking("t", 3, 10, timeout=50.0)))

    assert threading.active_count() == before


@pytest.mark.unwatched
def test_a_run_that_nobody_goes_on_with_is_collected_without_a_word(caplog: pytest.LogCaptureFixture) -> None:
    scheduler, stream = started(flow(ticking("t", 3, 10)))
    scheduler.advance_to(15)
    gone = ref(stream)
    del scheduler, stream
    gc.collect()

    assert gone() is None
    assert caplog.text == ""


# -- the scheduler of a loop -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [AsyncIOScheduler, AsyncIOThreadSafeScheduler, LoopScheduler])
async def test_runs_live_on_the_loop_whose_scheduler_was_given(kind: Any) -> None:
    loop = asyncio.get_running_loop()
    runtime = Runtime(flow(create_step("where", _where)), scheduler=kind(loop))
    here = await runtime.create_run("wf").start(1)
    there = await asyncio.to_thread(runtime.create_run("wf").stream_vnext(1).result.run)
    elsewhere = await asyncio.to_thread(lambda: asyncio.run(runtime.create_run("wf").start(1)))

    assert here.unwrap() is there.unwrap() is elsewhere.unwrap() is loop


async def _where(_: int) -> Any:
    return asyncio.get_running_loop()


def test_a_loop_that_is_closed_takes_no_more_runs() -> None:
    loop = asyncio.new_event_loop()
    runtime = Runtime(flow(create_step("where", _where)), scheduler=AsyncIOScheduler(loop))
    assert loop.run_until_complete(runtime.create_run("wf").start(1)).unwrap() is loop
    loop.close()

    with pytest.raises(NoEventLoop, match="closed"):
        runtime.create_run("wf").stream_vnext(1)


def test_a_run_is_told_that_the_loop_ends_whose_scheduler_was_given() -> None:
    with asyncio.Runner() as runner:
        runtime = Runtime(create_workflow("wf").sleep(60).commit(), scheduler=AsyncIOScheduler(runner.get_loop()))
        stream = runner.run(_started(runtime))

    assert type(hear(stream).end).__name__ == "RunInterrupted"


async def _started(runtime: Runtime) -> Any:
    stream = runtime.create_run("wf").stream_vnext(1)
    await asyncio.sleep(0)
    return stream
