"""What a step's context does on worker threads: it hops to the run's thread and back."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar
from typing import Any

import pytest

from rxloom import StepContext, SyncStepContext, WriterClosed, create_step, create_workflow
from tests.play import adding, play
from tests.virtual import virtual

WHO: ContextVar[str] = ContextVar("who", default="nobody")


def one(body: Any, given: Any = 1, **options: Any) -> Any:
    """Play a workflow of one step."""
    return play(create_workflow("wf").then(create_step("s", body, **options)).commit(), given)


def test_a_blocking_write_is_told_before_it_returns() -> None:
    seen: list[int] = []

    def body(_: Any, ctx: SyncStepContext) -> None:
        for number in range(3):
            ctx.write(number)
            seen.append(len(heard))

    heard: list[Any] = []

    async def main() -> None:
        stream = create_workflow("wf").then(create_step("s", body)).commit().create_run().stream_vnext(1)
        stream.subscribe(lambda chunk: heard.append(chunk) if chunk.type == "workflow-step-output" else None)
        await stream.result

    asyncio.run(main())

    assert seen == [1, 2, 3]


def test_many_threads_write_at_once_and_nothing_is_lost() -> None:
    def body(given: int, ctx: SyncStepContext) -> None:
        for number in range(200):
            (ctx.write_nowait if number % 2 else ctx.write)((given, number))

    wf = create_workflow("wf").for_each(create_step("s", body), concurrency=8).commit()
    played = play(wf, list(range(8)))
    written = [chunk.payload.output for chunk in played.chunks if chunk.type == "workflow-step-output"]

    assert len(written) == 1600
    for given in range(8):
        assert [number for who, number in written if who == given] == list(range(200))


def test_threads_that_the_step_starts_itself_may_write_too() -> None:
    def body(_: Any, ctx: SyncStepContext) -> None:
        threads = [threading.Thread(target=ctx.write, args=(number,)) for number in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)

    assert sorted(line for line in one(body).told if ">" in line) == [f"s > {number}" for number in range(5)]


def test_a_coroutine_may_hand_its_writer_to_a_thread() -> None:
    async def body(_: Any, ctx: StepContext) -> str:
        await asyncio.to_thread(lambda: [ctx.write_nowait(1), ctx.writer.on_next(2)])
        await ctx.write(3)
        return "done"

    assert [line for line in one(body).told if ">" in line] == ["s > 1", "s > 2", "s > 3"]


def test_work_on_a_worker_thread_sees_the_context_of_the_body() -> None:
    async def body(_: Any, ctx: StepContext) -> tuple[str, str]:
        WHO.set("body")
        return await ctx.on_worker(lambda: (WHO.get(), threading.current_thread().name))

    who, thread = one(body).output

    assert who == "body"
    assert thread.startswith("rxloom-worker")


@pytest.mark.parametrize("error", [ValueError("x"), StopIteration("x"), KeyError("x")], ids=lambda e: type(e).__name__)
def test_what_work_on_a_worker_thread_raises_is_raised_where_it_is_awaited(error: Exception) -> None:
    async def body(_: Any, ctx: StepContext) -> str:
        def work() -> None:
            raise error

        try:
            await ctx.on_worker(work)
        except (ValueError, KeyError, RuntimeError, StopIteration) as caught:
            return repr(caught)
        return "nothing"

    assert type(error).__name__ in one(body).output


def test_cancelling_a_step_waits_for_its_thread() -> None:
    gate, log = threading.Event(), []

    def body(_: Any) -> None:
        gate.wait(10)
        log.append("thread done")

    async def main() -> Any:
        run = create_workflow("wf").then(create_step("s", body)).commit().create_run()
        stream = run.stream_vnext(1)
        await asyncio.sleep(0.05)
        cancelling = asyncio.ensure_future(run.cancel())
        await asyncio.sleep(0.05)
        waits = not cancelling.done()
        gate.set()
        await cancelling
        return waits, await stream.result

    waits, result = asyncio.run(asyncio.wait_for(main(), 10))

    assert waits
    assert log == ["thread done"]
    assert result.status == "canceled"


def test_a_thread_that_writes_after_its_step_was_given_up_is_refused() -> None:
    gate, done = threading.Event(), threading.Event()
    refused: list[BaseException] = []

    def body(_: Any, ctx: SyncStepContext) -> None:
        gate.wait(10)
        try:
            ctx.write("late")
        except WriterClosed as error:
            refused.append(error)
        done.set()

    async def main() -> Any:
        run = create_workflow("wf").then(create_step("s", body)).commit().create_run()
        stream = run.stream_vnext(1)
        await asyncio.sleep(0.05)
        await run.cancel(grace=0.05)
        gate.set()
        await asyncio.to_thread(done.wait, 10)
        return await stream.result

    assert asyncio.run(asyncio.wait_for(main(), 10)).status == "canceled"
    assert len(refused) == 1


@virtual
async def test_a_slow_reader_makes_a_thread_wait() -> None:
    written: list[int] = []

    def body(_: Any, ctx: SyncStepContext) -> None:
        for number in range(6):
            ctx.write(number)
            written.append(number)

    stream = create_workflow("wf").then(create_step("s", body)).commit().create_run().stream_vnext(1)
    lag: list[int] = []
    seen = 0
    async for chunk in stream.aiter(buffer=1):
        if chunk.type == "workflow-step-output":
            seen += 1
            lag.append(len(written) - seen)
            await asyncio.sleep(1)

    assert (await stream.result).status == "success"
    assert max(lag) <= 2


def test_steps_on_threads_run_side_by_side() -> None:
    barrier = threading.Barrier(3)

    def body(_: Any) -> int:
        return barrier.wait(10)

    steps = [create_step(f"s{number}", body) for number in range(3)]
    output = play(create_workflow("wf").parallel(steps).then(adding("n", input=Any).with_id("n")).commit(), 1)

    assert output.result.steps["s0"].status == "success"
