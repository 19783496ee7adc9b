"""Ctrl-C, `SystemExit` and the end of the loop: the run is taken away unrecorded, and whoever has to know is told."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from rxloom import RunInterrupted, Runtime, Workflow, WorkflowStream, create_step, create_workflow
from rxloom.chunks import Chunk
from tests.hearing import WAITER, Heard, hear
from tests.play import told, turns

FATAL = [KeyboardInterrupt, SystemExit]
Flow = Workflow[Any, Any]


class Held:
    """What is looked at after the loop has ended."""

    def __init__(self, workflow: Flow) -> None:
        self.runtime = Runtime(workflow)
        self.run = self.runtime.create_run("flow")
        self.streams: list[WorkflowStream[Any]] = []
        self.heard: list[Heard[Any]] = []

    def start(self, given: Any = 1) -> WorkflowStream[Any]:
        """Start, and hear everything."""
        stream = self.run.stream_vnext(given)
        self.streams.append(stream)
        self.heard += [hear(stream), hear(stream.status), hear(stream.result)]
        return stream

    def check_taken(self, told_before: list[str]) -> None:
        """Check that the run was taken away, and could be restarted."""
        chunks: list[Chunk] = self.heard[0].items
        assert told(chunks) == told_before
        assert [type(one_heard.end) for one_heard in self.heard] == [RunInterrupted] * 3
        assert type(hear(self.streams[0]).end) is RunInterrupted
        assert asyncio.run(self.run.snapshot()).status in {"running", "waiting"}
        assert self.runtime.registry.live == {}


def raising(error: type[BaseException]) -> dict[str, Flow]:
    async def body(_: object) -> int:
        await asyncio.sleep(0)
        raise error

    def thread(_: object) -> int:
        raise error

    async def stay(_: object) -> int:
        await asyncio.Event().wait()
        return 0

    step, other = create_step("step", body), create_step("other", stay)
    arms: Any = [(body, other)]
    return {
        "step": create_workflow("flow").then(step).commit(),
        "thread": create_workflow("flow").then(create_step("step", thread)).commit(),
        "inline": create_workflow("flow").then(create_step("step", thread, inline=True)).commit(),
        "retries": create_workflow("flow").then(create_step("step", body, retries=3)).commit(),
        "parallel": create_workflow("flow").parallel([other, step]).commit(),
        "nested": create_workflow("flow").then(create_workflow("inner").then(step).commit()).commit(),
        "condition": create_workflow("flow").branch(arms).commit(),
        "map": create_workflow("flow").map(body).commit(),
    }


@pytest.mark.parametrize("fatal", FATAL)
@pytest.mark.parametrize("where", raising(KeyboardInterrupt))
def test_fatal_exception_leaves_the_run_restartable_and_propagates(where: str, fatal: type[BaseException]) -> None:
    held = Held(raising(fatal)[where])

    async def main() -> None:
        held.start()
        await turns()
        await asyncio.sleep(5)

    with pytest.raises(fatal):
        asyncio.run(main())

    before = told(held.heard[0].items)
    assert before[0] == "start"
    assert not any("failed" in line or "canceled" in line for line in before)
    held.check_taken(before)
    assert isinstance(held.heard[0].end, RunInterrupted)
    assert type(held.heard[0].end.__cause__) is fatal


@pytest.mark.parametrize("fatal", FATAL)
def test_fatal_exception_on_a_background_loop_goes_to_who_waits_and_not_to_the_loop(
    fatal: type[BaseException],
) -> None:
    runtime = Runtime(raising(fatal)["step"])
    stream = runtime.create_run("flow").stream_vnext(1)
    with pytest.raises(fatal):
        stream.run()
    with pytest.raises(fatal):
        stream.result.run()
    thread = runtime._background
    assert thread is not None
    assert thread.alive

    again = runtime.create_run("flow").stream_vnext(1)
    with pytest.raises(fatal):
        again.run()
    asyncio.run(runtime.aclose())


def test_awaiting_a_run_that_was_interrupted_elsewhere_is_no_interrupt_here() -> None:
    runtime = Runtime(raising(KeyboardInterrupt)["step"])
    stream = runtime.create_run("flow").stream_vnext(1)

    async def main() -> None:
        with pytest.raises(RunInterrupted):
            await stream
        await runtime.aclose()

    asyncio.run(main())


# -- the end of the loop -------------------------------------------------------------------------------------------


def thread(_: object) -> int:
    release.wait(10)
    return 0


release = threading.Event()

OPEN: dict[str, tuple[Flow, list[str]]] = {
    "step": (WAITER, ["start", "step: running"]),
    "sleep": (create_workflow("flow").sleep(3600).commit(), ["start", "sleep_flow_0: waiting"]),
    "event": (create_workflow("flow").wait_for_event("never").commit(), ["start", "event_flow_0: waiting"]),
    "nested": (
        create_workflow("flow").then(create_workflow("inner").sleep(3600).commit()).commit(),
        ["start", "inner: running", "inner.sleep_inner_0: waiting"],
    ),
    "thread": (create_workflow("flow").then(create_step("step", thread)).commit(), ["start", "step: running"]),
}


@pytest.mark.parametrize("state", OPEN)
def test_end_of_asyncio_run_takes_open_runs_away(state: str) -> None:
    workflow, chunks = OPEN[state]
    held = Held(workflow)
    release.clear()

    async def main() -> None:
        held.start()
        await turns()

    asyncio.run(main())
    release.set()

    held.check_taken(chunks)


def test_end_of_the_loop_is_told_apart_though_other_tasks_make_new_ones() -> None:
    held = Held(WAITER)

    async def tidy() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.ensure_future(asyncio.sleep(0.01))

    async def main() -> None:
        tasks.append(asyncio.ensure_future(tidy()))
        held.start()
        await turns()

    tasks: list[Any] = []
    asyncio.run(main())

    held.check_taken(["start", "step: running"])


def test_loop_that_was_just_closed_is_noticed_by_the_next_one() -> None:
    held = Held(create_workflow("flow").sleep(3600).commit())

    async def main() -> None:
        held.start()
        await turns()

    loop = asyncio.new_event_loop()
    loop.run_until_complete(main())
    loop.close()  # nobody asked its generators to end
    asyncio.run(held.runtime.create_run("flow").snapshot())
    asyncio.run(_elsewhere(held.runtime))

    held.check_taken(["start", "sleep_flow_0: waiting"])


async def _elsewhere(runtime: Runtime) -> None:
    run = runtime.create_run("flow")
    run.stream_vnext(1)
    await run.cancel()


def test_interrupted_run_starts_no_further_step() -> None:
    entered: list[str] = []

    async def first(_: object) -> int:
        entered.append("first")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)
        return 0  # swallowed: it looks like a success

    async def second(_: object) -> int:
        entered.append("second")
        return 0

    steps = create_workflow("flow").then(create_step("a", first)).then(create_step("b", second)).commit()
    held = Held(steps)

    async def main() -> None:
        held.start()
        await turns()

    asyncio.run(main())

    assert entered == ["first"]
    held.check_taken(["start", "a: running"])
