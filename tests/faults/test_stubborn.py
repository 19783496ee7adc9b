"""What does not stop when it is asked to: waited for, reported, and left behind."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

import pytest

from rxloom import Runtime, RunTimeout, StepContext, SyncStepContext, create_step, create_workflow
from rxloom.errors import WriterClosed
from tests.hearing import hear, one
from tests.play import told, turns
from tests.virtual import virtual


class Mule:
    """A body that swallows cancellation, until it is let go."""

    def __init__(self) -> None:
        self.asked = 0
        self.let_go = asyncio.Event()
        self.written: list[type[BaseException]] = []

    async def __call__(self, number: int, ctx: StepContext) -> int:
        """Stay, then write and return."""
        while not self.let_go.is_set():
            try:
                await self.let_go.wait()
            except asyncio.CancelledError:
                self.asked += 1
        try:
            await ctx.write("too late")
        except WriterClosed as closed:
            self.written.append(type(closed))
        return number


def of(mule: Mule, **options: Any) -> Any:
    async def body(number: int, ctx: StepContext) -> int:
        return await mule(number, ctx)

    return create_step("mule", body, **options)


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.levelno >= logging.ERROR]


@virtual
async def test_step_that_swallows_cancellation_is_reported_and_its_result_discarded(
    caplog: pytest.LogCaptureFixture,
) -> None:
    mule = Mule()
    run = create_workflow("flow").then(of(mule)).commit().create_run()
    stream = run.stream_vnext(1)
    heard = hear(stream)
    await turns()
    await run.cancel("stop", grace=2)
    settled_at = asyncio.get_running_loop().time()
    mule.let_go.set()
    await turns()

    assert settled_at == 2
    assert mule.asked >= 1
    assert told(heard.items) == ["start", "mule: running", "mule: canceled", "canceled", "canceled"]
    assert mule.written == [WriterClosed]
    assert (await stream).status == "canceled"
    assert (await run.snapshot()).next_seq == 5
    assert [message.startswith(f"step 'mule' of run {run.run_id} did not end") for message in messages(caplog)] == [
        True
    ]


@virtual
async def test_step_that_ends_within_the_grace_period_is_not_reported(caplog: pytest.LogCaptureFixture) -> None:
    async def slow(_: int) -> int:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(1.9)
        return 0

    run = one(slow).create_run()
    run.stream_vnext(1)
    await turns()
    await run.cancel(grace=2)

    assert asyncio.get_running_loop().time() == 1.9
    assert messages(caplog) == []


@virtual
async def test_stubborn_step_does_not_hold_up_its_siblings(caplog: pytest.LogCaptureFixture) -> None:
    async def cooperative(_: int) -> int:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.append(asyncio.get_running_loop().time())
        return 0

    mule, stopped = Mule(), list[float]()
    inner = create_workflow("inner").then(of(mule)).commit()
    run = create_workflow("flow").parallel([inner, create_step("other", cooperative)]).commit().create_run()
    stream = run.stream_vnext(1)
    await turns()
    await run.cancel(grace=2)
    mule.let_go.set()
    await turns()

    assert stopped == [0]
    assert [line for line in told([chunk async for chunk in stream]) if "canceled" in line] == [
        "other: canceled", "inner.mule: canceled", "inner: canceled", "canceled", "canceled",
    ]  # fmt: skip
    assert len(messages(caplog)) == 1


@virtual
async def test_condition_that_swallows_cancellation_is_left_behind(caplog: pytest.LogCaptureFixture) -> None:
    mule = Mule()

    async def condition(number: int, ctx: StepContext) -> bool:
        return bool(await mule(number, ctx))

    run = create_workflow("flow").branch([(condition, of(Mule()))]).commit().create_run()
    stream = run.stream_vnext(1)
    await turns()
    await run.cancel(grace=2)
    mule.let_go.set()
    await turns()

    assert told([chunk async for chunk in stream]) == ["start", "canceled", "canceled"]
    assert asyncio.get_running_loop().time() == 2
    assert len(messages(caplog)) == 1


@virtual
async def test_callback_that_never_ends_does_not_hold_up_a_cancel(caplog: pytest.LogCaptureFixture) -> None:
    async def on_finish(_: object) -> None:
        await asyncio.Event().wait()

    async def body(number: int) -> int:
        return number

    workflow = create_workflow("flow", on_finish=on_finish).then(create_step("a", body)).commit()
    run = workflow.create_run()
    stream = run.stream_vnext(1)
    await turns()
    await run.cancel(grace=2)

    assert (await stream).status == "success"  # it had ended, and only its callback was waited for
    assert asyncio.get_running_loop().time() == 2
    assert len(messages(caplog)) == 1


@virtual
async def test_run_out_of_time_does_not_wait_for_a_stubborn_step_either(caplog: pytest.LogCaptureFixture) -> None:
    mule = Mule()
    stream = create_workflow("flow", timeout=10).then(of(mule)).commit().create_run().stream_vnext(1)
    result = await stream
    mule.let_go.set()
    await turns()

    assert isinstance(result.exception, RunTimeout)  # type: ignore[union-attr]
    assert asyncio.get_running_loop().time() == 15
    assert len(messages(caplog)) == 1


@virtual
async def test_run_that_is_being_cancelled_does_not_run_out_of_time() -> None:
    mule = Mule()
    run = create_workflow("flow", timeout=10).then(of(mule)).commit().create_run()
    stream = run.stream_vnext(1)
    await asyncio.sleep(9)
    await run.cancel(grace=5)
    mule.let_go.set()
    await turns()

    assert (await stream).status == "canceled"


# -- threads -------------------------------------------------------------------------------------------------------


async def test_thread_that_blocks_is_waited_for_then_reported_and_left_behind(
    caplog: pytest.LogCaptureFixture,
) -> None:
    go, entered, after = threading.Event(), threading.Event(), list[type[BaseException]]()

    def body(number: int, ctx: SyncStepContext) -> int:
        entered.set()
        go.wait(10)
        try:
            ctx.write("too late")
        except WriterClosed as closed:
            after.append(type(closed))
        return number

    runtime = Runtime(one(body))
    run = runtime.create_run("flow")
    stream = run.stream_vnext(1)
    await asyncio.to_thread(entered.wait, 5)
    await run.cancel(grace=0.05)
    await turns()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    await runtime.aclose()
    reported = messages(caplog)
    go.set()
    await asyncio.sleep(0.05)

    assert (await stream).status == "canceled"
    assert tasks == set()
    assert ["did not end within" in reported[0], "does not answer" in reported[1], len(reported)] == [True, True, 2]
    assert after == [WriterClosed]


async def test_thread_that_ends_in_time_is_waited_for() -> None:
    go, entered = threading.Event(), threading.Event()

    def body(number: int) -> int:
        entered.set()
        go.wait(10)
        ended.append("thread")
        return number

    ended: list[str] = []
    run = one(body).create_run()
    stream = run.stream_vnext(1)
    hear(stream, then=lambda chunk: ended.append(chunk.type))
    await asyncio.to_thread(entered.wait, 5)
    asyncio.get_running_loop().call_later(0.05, go.set)
    await run.cancel()

    assert ended[-4:] == ["thread", "workflow-step-result", "workflow-canceled", "workflow-finish"]
    assert (await stream).status == "canceled"


async def test_calls_that_wait_for_a_thread_are_taken_back() -> None:
    go = threading.Event()
    entered: list[int] = []

    def body(number: int) -> int:
        entered.append(number)
        go.wait(10)
        return number

    workflow = create_workflow("flow", input=list[int]).for_each(create_step("step", body), concurrency=5).commit()
    runtime = Runtime(workflow, max_threads=1)
    run = runtime.create_run("flow")
    stream = run.stream_vnext([1, 2, 3, 4, 5])
    await asyncio.sleep(0.05)
    asyncio.get_running_loop().call_later(0.05, go.set)
    await run.cancel()
    await runtime.aclose()

    assert entered == [1]
    assert (await stream).status == "canceled"
