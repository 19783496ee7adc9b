"""Loops: the caller's, a background one where none runs, and several that share a run."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
from typing import Any

import pytest
from reactivex import operators as ops

from rxloom import RunInterrupted, Runtime, SyncStepContext, create_step, create_workflow
from rxloom.errors import WrongLoop
from tests.hearing import ASKER, FAILER, SLOW_WRITER, WAITER, WRITER, Numbers, eventually, hear, turning
from tests.play import told, turns

# -- no loop -------------------------------------------------------------------------------------------------------


def test_run_without_a_loop_goes_on_in_the_background() -> None:
    stream = WRITER.create_run().stream_vnext(3)

    assert stream.result.run().unwrap() == stream.run().unwrap() == 3
    assert stream.status.run() == "success"
    assert stream.output.run() == 3
    assert stream.usage.run().total_tokens == 0
    assert told(hear(stream).items)[-1] == "success"
    assert stream.pipe(ops.count()).run() == 7


def test_run_without_a_loop_is_resumed_without_one() -> None:
    run = ASKER.create_run()
    first = run.stream_vnext(1).run()
    second = run.resume_stream_vnext(2).run()

    assert (first.status, second.unwrap()) == ("suspended", 3)


def test_run_without_a_loop_is_observed_by_other_threads() -> None:
    run = turning(50).create_run()
    stream = run.stream_vnext(500)
    counts: list[int] = []

    def observe() -> None:
        counts.append(run.observe_stream_vnext().pipe(ops.count()).run())

    threads = [threading.Thread(target=observe) for _ in range(5)]
    for thread in threads:
        thread.start()
    stream.run()
    for thread in threads:
        thread.join()

    assert counts == [504] * 5


async def test_blocking_under_a_running_loop_is_refused() -> None:
    stream = WRITER.create_run().stream_vnext(1)
    for source in (stream, stream.result, stream.status, stream.usage, stream.output):
        with pytest.raises(WrongLoop):
            source.run()

    assert (await stream).unwrap() == 1


async def test_blocking_on_a_thread_beside_the_loop_is_fine() -> None:
    stream = WRITER.create_run().stream_vnext(1)

    assert (await asyncio.to_thread(stream.run)).unwrap() == 1


def test_many_threads_run_at_a_time() -> None:
    results: list[int] = []

    def run(count: int) -> None:
        results.append(WRITER.create_run().stream_vnext(count).run().unwrap())

    threads = [threading.Thread(target=run, args=(count,)) for count in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(results) == list(range(20))


def test_steps_in_the_background_start_runs_there() -> None:
    def thread(count: int, ctx: SyncStepContext) -> int:
        del ctx
        return WRITER.create_run().stream_vnext(count).run().unwrap()

    async def coroutine(count: int) -> int:
        return (await WRITER.create_run().start(count)).unwrap()

    outer = (
        create_workflow("outer", input=int).then(create_step("a", thread)).then(create_step("b", coroutine)).commit()
    )

    assert outer.create_run().stream_vnext(3).run().unwrap() == 3


def test_background_loop_of_a_closed_runtime_is_gone() -> None:
    runtime = Runtime(WRITER)
    runtime.create_run("flow").stream_vnext(1).run()
    background = runtime._background
    asyncio.run(runtime.aclose())

    assert background is not None
    assert not background.alive
    assert runtime._background is None


def test_closing_from_another_loop_waits_for_runs_in_the_background() -> None:
    runtime = Runtime(WAITER)
    stream = runtime.create_run("flow").stream_vnext(1)
    asyncio.run(runtime.aclose(drain=0.05))

    assert type(hear(stream).end) is RunInterrupted


# -- several loops -------------------------------------------------------------------------------------------------


def test_run_of_one_loop_is_awaited_read_and_cancelled_on_another() -> None:
    async def elsewhere() -> tuple[list[str], str, str]:
        async for chunk in stream:
            if chunk.type == "workflow-step-start":
                break
        await run.cancel("from elsewhere")
        return told([chunk async for chunk in stream]), (await stream).status, (await run.snapshot()).status

    run = WAITER.create_run()
    stream = run.stream_vnext(1)  # in the background
    heard = hear(stream)
    eventually(lambda: len(heard.items) == 2)
    chunks, result, stored = asyncio.run(elsewhere())

    assert chunks == ["start", "step: running", "step: canceled", "canceled", "canceled"]
    assert result == stored == "canceled"


async def test_run_of_this_loop_is_used_on_others_meanwhile() -> None:
    async def elsewhere() -> list[Any]:
        chunks = [chunk async for chunk in stream]
        return [
            len(chunks),
            (await stream).status,
            await stream.status,
            (await run.snapshot()).status,
            await stream.output,
        ]

    run = WRITER.create_run()
    stream = run.stream_vnext(100)
    found = await asyncio.gather(*(asyncio.to_thread(lambda: asyncio.run(elsewhere())) for _ in range(3)))

    assert found == [[104, "success", "success", "success", 100]] * 3


async def test_event_is_sent_from_another_loop() -> None:
    run = create_workflow("flow").wait_for_event("go").commit().create_run()
    stream = run.stream_vnext(1)
    await turns()
    await asyncio.to_thread(lambda: asyncio.run(run.send_event("go", 5)))

    assert (await stream).unwrap() == 5


def test_suspended_run_goes_on_in_another_loop() -> None:
    run = ASKER.create_run()
    first = asyncio.run(run.start(1))
    second = asyncio.run(run.resume(2))

    assert (first.status, second.unwrap()) == ("suspended", 3)


def test_loops_that_have_ended_are_forgotten() -> None:
    runtime = Runtime(WRITER)
    for _ in range(5):
        asyncio.run(runtime.create_run("flow").start(1))

    assert runtime._loops == {}


# -- debug mode ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workflow", [WRITER, SLOW_WRITER, ASKER, FAILER], ids=["write", "sleep", "ask", "fail"])
def test_nothing_is_wrong_in_debug_mode(workflow: Numbers, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        asyncio.get_running_loop().slow_callback_duration = 10
        run = workflow.create_run()
        stream = run.stream_vnext(1)
        heard = await asyncio.gather(*(asyncio.to_thread(hear, stream) for _ in range(3)))
        await stream
        await turns()
        assert len({len(one_heard.items) for one_heard in heard}) == 1

    asyncio.run(main(), debug=True)

    assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == []


# -- failures nobody looked at -------------------------------------------------------------------------------------


async def fire_and_forget(look: str) -> None:
    stream = FAILER.create_run().stream_vnext(1)
    if look == "await":
        await stream
    elif look == "iterate":
        [chunk async for chunk in stream]
    elif look == "subscribe":
        stream.subscribe(lambda _: None)
    elif look == "status":
        await stream.status
    await turns()


@pytest.mark.parametrize(
    ("look", "logged"), [("", 1), ("await", 0), ("iterate", 0), ("subscribe", 0), ("status", 0)], ids=str
)
def test_failed_run_is_logged_once_if_nobody_looked(look: str, logged: int, caplog: pytest.LogCaptureFixture) -> None:
    asyncio.run(fire_and_forget(look))
    gc.collect()

    messages = [record.message for record in caplog.records]
    assert len(messages) == logged
    assert not messages or ("boom" in messages[0] and "flow" in messages[0])


def test_failed_run_in_the_background_is_logged_too(caplog: pytest.LogCaptureFixture) -> None:
    FAILER.create_run().stream_vnext(1)
    eventually(lambda: gc.collect() >= 0 and len(caplog.records) == 1)

    assert "nobody looked" in caplog.records[0].message
