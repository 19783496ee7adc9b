"""Time limits: of an attempt, of a call with its retries, of a run."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from typing import Any

import pytest

from rxloom import Retry, RunTimeout, StepContext, StepTimeout, create_step, create_workflow
from rxloom.errors import DefinitionError
from tests.play import Played, adding, asking, failing, play, read, told
from tests.virtual import virtual


def one(step: Any, given: Any = 1, *resumes: Any, **options: Any) -> Played:
    """Play a workflow of one step."""
    return play(create_workflow("wf", **options).then(step).commit(), given, *resumes)


@pytest.mark.parametrize("limit", [5, 5.0, timedelta(seconds=5)], ids=["int", "float", "timedelta"])
def test_an_attempt_that_takes_too_long_is_cancelled_and_fails(limit: Any) -> None:
    played = one(adding("s", seconds=60, timeout=limit))

    assert isinstance(played.error, StepTimeout)
    assert isinstance(played.error, TimeoutError)
    assert all(word in str(played.error) for word in ("5 s", "'s'", "'wf'", "timeout="))
    assert played.error.seconds == 5
    assert played.duration == 5
    assert played.told == ["start", "s: running", "s: failed", "failed"]


def test_one_that_is_done_in_time_is_left_alone() -> None:
    assert one(adding("s", seconds=4.9, timeout=5)).output == 2


def test_a_timed_out_attempt_is_tried_again_with_a_fresh_limit() -> None:
    async def body(value: int, ctx: StepContext) -> int:
        await asyncio.sleep(60 if ctx.attempt < 2 else 4)
        return value

    played = one(create_step("s", body, timeout=5, retries=3))

    assert played.output == 1
    assert played.told == ["start", "s: running", "s: retry 1", "s: retry 2", "s: success", "success"]
    assert played.duration == 14


def test_the_total_counts_attempts_and_delays_and_is_not_tried_again() -> None:
    played = one(failing("s", retries=Retry(9, delay=2), total_timeout=5))

    assert isinstance(played.error, StepTimeout)
    assert played.error.total is True
    assert "total_timeout=" in str(played.error)
    assert played.duration == 5
    assert played.told == ["start", "s: running", "s: retry 1", "s: retry 2", "s: retry 3", "s: failed", "failed"]


def test_the_total_cancels_the_running_attempt() -> None:
    played = one(adding("s", seconds=60, timeout=4, total_timeout=6, retries=5))

    assert played.error.total is True
    assert played.duration == 6


def test_a_body_that_takes_its_time_to_end_is_waited_for() -> None:
    async def body(_: Any) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(3)

    played = one(create_step("s", body, timeout=5))

    assert isinstance(played.error, StepTimeout)
    assert played.duration == 8


def test_what_a_body_returns_after_its_limit_is_discarded() -> None:
    async def body(_: Any) -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return "too late"
        return "in time"

    assert isinstance(one(create_step("s", body, timeout=5)).error, StepTimeout)


def test_a_threaded_step_is_tried_again_only_when_its_thread_has_returned() -> None:
    gate = threading.Event()
    log: list[str] = []

    def body(_: Any, ctx: Any) -> str:
        log.append(f"enter {ctx.attempt}")
        if not ctx.attempt:
            gate.wait(10)
            log.append("leave 0")
        return "done"

    async def main() -> Any:
        step = create_step("s", body, timeout=0.05, retries=1)
        stream = create_workflow("wf").then(step).commit().create_run().stream_vnext(1)
        await asyncio.sleep(0.2)
        told_so_far = list(log)
        gate.set()
        return told_so_far, await stream.result

    early, result = asyncio.run(asyncio.wait_for(main(), 10))

    assert early == ["enter 0"]
    assert log == ["enter 0", "leave 0", "enter 1"]
    assert result.unwrap() == "done"


@virtual
async def test_time_spent_waiting_for_readers_does_not_count() -> None:
    async def body(_: Any, ctx: StepContext) -> str:
        for number in range(5):
            await ctx.write(number)
            await asyncio.sleep(0.5)
        return "done"

    step = create_step("s", body, timeout=5, total_timeout=5)
    stream = create_workflow("wf").then(step).commit().create_run().stream_vnext(1)
    async for _ in stream.aiter(buffer=1):
        await asyncio.sleep(4)

    assert (await stream.result).unwrap() == "done"
    assert asyncio.get_running_loop().time() > 20


@virtual
async def test_a_limit_goes_on_after_a_wait_for_readers() -> None:
    async def body(_: Any, ctx: StepContext) -> None:
        for number in range(3):
            await ctx.write(number)
        await asyncio.sleep(60)

    step = create_step("s", body, timeout=5)
    stream = create_workflow("wf").then(step).commit().create_run().stream_vnext(1)
    begun = asyncio.get_running_loop().time()
    async for chunk in stream.aiter(buffer=1):
        if chunk.type == "workflow-step-output":
            await asyncio.sleep(4)
    result: Any = await stream.result

    assert isinstance(result.exception, StepTimeout)
    assert 5 + 4 <= asyncio.get_running_loop().time() - begun <= 5 + 12


def test_the_total_stands_still_while_the_step_is_suspended() -> None:
    async def body(_: Any, ctx: StepContext) -> str:
        await asyncio.sleep(3)
        return await ctx.suspend("?")

    async def main(limit: float) -> Any:
        run = create_workflow("wf").then(create_step("s", body, total_timeout=limit)).commit().create_run()
        await run.start(1)
        await asyncio.sleep(1000)
        return await run.resume("yes")

    assert virtual(lambda: main(7))().unwrap() == "yes"
    assert isinstance(virtual(lambda: main(5))().exception, StepTimeout)


def test_it_stands_still_for_an_item_too() -> None:
    async def body(_: Any, ctx: StepContext) -> str:
        await asyncio.sleep(3)
        return await ctx.suspend("?")

    async def main(limit: float) -> Any:
        run = create_workflow("wf").for_each(create_step("s", body, total_timeout=limit)).commit().create_run()
        await run.start([1])
        await asyncio.sleep(1000)
        return await run.resume("yes")

    assert virtual(lambda: main(7))().unwrap() == ["yes"]
    assert isinstance(virtual(lambda: main(5))().exception, StepTimeout)


def test_the_limit_of_a_run_counts_running_and_waiting_and_cancels_what_is_open() -> None:
    wf = create_workflow("wf", timeout=5).sleep(3).parallel([adding("a", seconds=60), adding("b", seconds=1)])
    played = play(wf.commit(), 1)

    assert isinstance(played.error, RunTimeout)
    assert all(word in str(played.error) for word in ("5 s", "'wf'"))
    assert played.duration == 5
    assert played.told[-4:] == ["b: running", "b: success", "a: canceled", "failed"]


@virtual
async def test_the_limit_of_a_run_does_not_count_suspension() -> None:
    wf = create_workflow("wf", timeout=5).then(adding("a", seconds=3)).then(asking("ask")).map(lambda pair: pair[0])
    run = wf.then(adding("b", seconds=3)).commit().create_run()
    await run.start(1)
    await asyncio.sleep(1000)
    stream = run.resume_stream_vnext("yes")
    result: Any = await stream.result

    assert isinstance(result.exception, RunTimeout)
    assert asyncio.get_running_loop().time() == 1005
    assert told(await read(stream))[-2:] == ["b: canceled", "failed"]


@virtual
async def test_the_limit_of_a_nested_workflow_does_not_count_suspension_either() -> None:
    inner = create_workflow("inner", timeout=5).then(adding("a", seconds=3)).then(asking("ask"))
    run = create_workflow("wf").then(inner.map(lambda _: 1).then(adding("b", seconds=1)).commit()).commit().create_run()
    await run.start(1)
    await asyncio.sleep(1000)

    assert (await run.resume("yes")).unwrap() == 2
    assert asyncio.get_running_loop().time() == 1004


@pytest.mark.parametrize("limit", [0, -1, float("nan"), float("inf")])
def test_a_limit_out_of_range_is_refused(limit: Any) -> None:
    for name in ("timeout", "total_timeout"):
        with pytest.raises(DefinitionError, match=name):
            adding("s", **{name: limit})
    with pytest.raises(DefinitionError, match="timeout"):
        create_workflow("wf", timeout=limit)
