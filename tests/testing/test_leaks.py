"""What a test leaves behind is found, and named."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from reactivex import operators as ops

from rxloom import (
    RunInterrupted,
    Runtime,
    StepContext,
    SyncStepContext,
    WorkflowStream,
    WrongLoop,
    create_workflow,
    step,
)
from rxloom.engine import ABANDONED
from rxloom.testing import own_runtime, virtual_run
from rxloom.testing._leaks import Leaks
from tests.play import adding, asking


@step
async def stuck(_: Any, ctx: StepContext) -> Any:
    await ctx.write("stuck")
    await asyncio.Event().wait()


inner = create_workflow("inner").then(stuck).commit()
flow = create_workflow("flow").then(adding()).then(inner).commit()
quick = create_workflow("quick").then(adding()).commit()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rxloom.testing._leaks.GRACE", 0.05)


@pytest.fixture
def leaks() -> Iterator[Leaks]:
    found = Leaks()
    yield found
    assert found._hear not in ABANDONED


def test_nothing_left_is_nothing_found(leaks: Leaks) -> None:
    quick.create_run().stream_vnext(1).run()
    virtual_run(_awaited())

    assert leaks.found() == []


async def _awaited() -> None:
    await quick.create_run().start(1)


def test_run_that_still_runs_is_named_with_its_workflow_and_step(leaks: Leaks) -> None:
    with own_runtime():
        flow.create_run(run_id="r1").stream_vnext(1).pipe(
            ops.filter(lambda chunk: chunk.type == "workflow-step-output"), ops.first()
        ).run()

        assert leaks.found() == ["run 'r1' of workflow 'flow', in step 'inner.stuck', still runs",
                                 leaks_thread()]  # fmt: skip


def leaks_thread() -> str:
    return "the thread of the background loop of Runtime(), which was not closed"


def test_run_that_lost_its_loop_is_named(leaks: Leaks) -> None:
    async def main() -> None:
        stream = flow.create_run(run_id="r2").stream_vnext(1)
        await asyncio.sleep(1)
        stream.told()

    virtual_run(main())

    assert leaks.found() == ["run 'r2' of workflow 'flow', in step 'inner.stuck', still ran when its event loop ended"]


def test_run_that_was_there_before_is_none_of_its_business() -> None:
    async def main() -> list[str]:
        run = flow.create_run()
        run.stream_vnext(1)
        await asyncio.sleep(1)
        leaks = Leaks()
        found = leaks.found()
        await run.cancel()
        return found

    assert virtual_run(main()) == []


def test_run_that_was_there_before_may_lose_its_loop() -> None:
    async def main() -> Leaks:
        flow.create_run().stream_vnext(1)
        await asyncio.sleep(1)
        return Leaks()

    assert virtual_run(main()).found() == []


def test_own_runtime_takes_runs_from_a_loop_that_stands_still() -> None:
    loop = asyncio.new_event_loop()
    with own_runtime() as runtime:
        stream = loop.run_until_complete(_begun())
        assert len(runtime.registry.live) == 1

    assert len(runtime.registry.live) == 0
    with pytest.raises(RunInterrupted, match="the test is over"):
        loop.run_until_complete(stream.result)
    loop.close()


async def _begun() -> WorkflowStream[Any]:
    stream = flow.create_run().stream_vnext(1)
    await asyncio.sleep(0.01)
    return stream


def test_own_runtime_cannot_be_closed_inside_a_coroutine() -> None:
    async def main() -> None:
        with own_runtime():
            pass

    with pytest.raises(WrongLoop, match="async with Runtime"):
        asyncio.run(main())


def test_subscription_to_a_suspended_run_is_named(leaks: Leaks) -> None:
    with own_runtime() as runtime:
        asking_flow = create_workflow("asks").then(asking()).commit()
        run = asking_flow.create_run(run_id="r3")
        run.stream_vnext(1).run()
        subscription = run.observe_stream_vnext(close_on_suspend=False).subscribe()
        _until(lambda: runtime.registry.logs.get("r3") is not None)
        found = leaks.found()
        subscription.dispose()

    assert "a subscription to run 'r3' of workflow 'asks' (suspended), which was not disposed" in found


def _until(holds: Any) -> None:
    never = threading.Event()
    while not holds():
        never.wait(0.01)
    never.wait(0.05)


def test_timer_on_a_loop_that_stays_is_named(leaks: Leaks) -> None:
    with own_runtime():
        stream = quick.create_run().stream_vnext(1)
        stream.run()
        stream.pipe(ops.concat(stream), ops.delay(60)).subscribe()
        found = leaks.found()

    assert any(line.startswith("a timer that is due in ") for line in found)


def test_thread_and_runtime_that_stay_are_named(leaks: Leaks) -> None:
    over = threading.Event()

    def work(_: Any, ctx: SyncStepContext) -> None:
        ctx.write("at work")
        over.wait(10)

    runtime = Runtime(create_workflow("threaded").then(step(id="work")(work)).commit())
    stream = runtime.create_run("threaded", run_id="r4").stream_vnext(1)
    stream.pipe(ops.filter(lambda chunk: chunk.type == "workflow-step-output"), ops.first()).run()
    found = leaks.found()
    over.set()
    stream.run()
    asyncio.run(runtime.aclose())

    assert found[0] == "run 'r4' of workflow 'threaded', in step 'work', still runs"
    assert found[1] == "the thread of the background loop of Runtime(threaded), which was not closed"
    assert found[2].startswith("the thread 'rxloom-worker")
