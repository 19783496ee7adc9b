"""Cancelling from outside, aborting from inside."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from rxloom import StepContext, create_step, create_workflow
from rxloom.errors import NotSuspended
from rxloom.testing import virtual_run
from tests.cases.kit import Builder, Data, asking, giving


async def _forever(data: Data) -> Data:
    await asyncio.Event().wait()
    return data


def _aborting(calls: list[str]) -> Any:
    async def body(_data: Data, ctx: StepContext) -> Data:
        calls.append("step2")
        return ctx.abort()

    return create_step("step2", body)


async def test_the_context_tells_of_a_cancellation() -> None:
    told: list[Any] = []

    async def body(data: Data, ctx: StepContext) -> Data:
        ctx.cancelled.subscribe(told.append)
        return await _forever(data)

    run = create_workflow("wf").then(create_step("a", body)).commit().create_run()
    stream = run.stream_vnext({})
    await asyncio.sleep(0)
    assert told == []
    await run.cancel()

    assert len(told) == 1
    assert (await stream.result).status == "canceled"


async def test_a_step_that_aborts_cancels_the_run_and_nothing_follows() -> None:
    calls: list[str] = []
    builder = create_workflow("wf").then(giving("step1", {}, calls)).then(_aborting(calls))
    result = await builder.then(giving("step3", {}, calls)).commit().create_run().start({})

    assert result.status == "canceled"
    assert calls == ["step1", "step2"]


async def test_a_run_may_be_aborted_by_its_first_step() -> None:
    calls: list[str] = []
    wf = create_workflow("wf").then(_aborting(calls)).then(giving("step3", {}, calls)).commit()
    result = await wf.create_run().start({})

    assert result.status == "canceled"
    assert calls == ["step2"]


async def test_a_nested_step_is_told_of_the_cancellation_and_ends() -> None:
    ended: list[str] = []

    async def body(data: Data, ctx: StepContext) -> Data:
        ctx.cancelled.subscribe(lambda _: ended.append("told"))
        try:
            return await _forever(data)
        finally:
            ended.append("ended")

    nested = create_workflow("nested").then(create_step("a", body)).commit()
    run = create_workflow("wf").then(nested).commit().create_run()
    stream = run.stream_vnext({})
    await asyncio.sleep(0)
    await run.cancel()

    assert sorted(ended) == ["ended", "told"]
    assert (await stream.result).steps["nested.a"].status == "canceled"


async def test_a_suspended_run_is_cancelled_for_good() -> None:
    run = create_workflow("wf").then(asking("ask")).commit().create_run()
    await run.start({})
    await run.cancel()

    assert (await run.snapshot()).status == "canceled"
    with pytest.raises(NotSuspended):
        await run.resume({})


def _minute(builder: Builder, kind: str) -> Builder:
    if kind == "sleep":
        return builder.sleep(60)

    def in_a_minute(_data: Data, ctx: StepContext) -> datetime:
        return ctx.scheduler.now + timedelta(seconds=60)

    return builder.sleep_until(in_a_minute)


@pytest.mark.parametrize("kind", ["sleep", "sleep_until"])
def test_a_sleep_ends_at_once_on_cancel(kind: str) -> None:
    calls: list[str] = []
    run = _minute(create_workflow("wf"), kind).then(giving("next", {}, calls)).commit().create_run()

    async def play() -> tuple[str, str, float]:
        stream = run.stream_vnext({})
        await asyncio.sleep(1)
        await run.cancel()
        took = asyncio.get_running_loop().time()
        return (await stream.result).status, (await run.snapshot()).status, took

    status, stored, took = virtual_run(play())

    assert (status, stored) == ("canceled", "canceled")
    assert took < 5
    assert calls == []


async def test_cancelling_a_finished_run_changes_nothing() -> None:
    told: list[Any] = []

    async def body(data: Data, ctx: StepContext) -> Data:
        ctx.cancelled.subscribe(told.append)
        return data

    run = create_workflow("wf").then(create_step("a", body)).commit().create_run()
    await run.start({})
    await run.cancel()

    assert (await run.snapshot()).status == "success"
    assert told == []


async def test_cancel_reaches_nested_runs_and_leaves_other_runs_alone() -> None:
    inner = create_workflow("inner").then(create_step("wait", _forever)).commit()
    wf = create_workflow("wf").then(create_workflow("middle").then(inner).commit()).commit()
    run, other = wf.create_run(), wf.create_run()
    stream, untouched = run.stream_vnext({}), other.stream_vnext({})
    await asyncio.sleep(0)
    await run.cancel()
    steps = (await stream.result).steps
    status = (await other.snapshot()).status
    await other.cancel()
    await untouched

    assert {steps[path].status for path in ("middle", "middle.inner", "middle.inner.wait")} == {"canceled"}
    assert status == "running"
