"""`on_start`, `on_finish` and `on_error`."""

from __future__ import annotations

import asyncio
from typing import Any

from rxloom import RunInfo, StepContext, create_step, create_workflow
from rxloom.testing import virtual_run
from tests.cases.kit import Builder, Data, asking, failing, giving


class Noted:
    """Notes the callbacks of a workflow."""

    def __init__(self) -> None:
        self.finished: list[RunInfo] = []
        self.failed: list[RunInfo] = []

    def workflow(self, **options: Any) -> Builder:
        """Make a builder of a workflow that has the callbacks."""
        return create_workflow("wf", on_finish=self.finished.append, on_error=self.failed.append, **options)


async def test_on_finish_is_called_after_a_success_and_on_error_is_not() -> None:
    noted = Noted()
    await noted.workflow().then(giving("a", 1)).commit().create_run().start({})

    assert [info.status for info in noted.finished] == ["success"]
    assert noted.failed == []


async def test_both_are_called_after_a_failure_with_its_status() -> None:
    noted = Noted()
    await noted.workflow().then(failing("a", ValueError("boom"))).commit().create_run().start({})

    assert [info.status for info in noted.finished] == ["failed"]
    assert [info.status for info in noted.failed] == ["failed"]
    assert noted.failed[0].error is not None
    assert noted.failed[0].error.message == "boom"


async def test_asynchronous_callbacks_are_awaited() -> None:
    done: list[str] = []

    async def later(_info: RunInfo) -> None:
        await asyncio.sleep(0)
        done.append("finish")

    wf = create_workflow("wf", on_finish=later).then(giving("a", 1)).commit()
    await wf.create_run().start({})

    assert done == ["finish"]


async def test_on_finish_is_told_which_run_it_is_its_state_and_its_result() -> None:
    async def count(data: Data, ctx: StepContext) -> Data:
        await ctx.update_state(counter=1)
        return data

    noted = Noted()
    wf = noted.workflow().then(create_step("count", count)).commit()
    await wf.create_run(run_id="the-run", resource_id="user-123").start({"in": 1}, initial_state={"counter": 0})
    (info,) = noted.finished

    assert (info.run_id, info.workflow_id, info.resource_id) == ("the-run", "wf", "user-123")
    assert info.state == {"counter": 1}
    assert info.input == {"in": 1}
    assert info.result == {"in": 1}


async def test_on_error_is_told_which_run_it_is_and_its_input() -> None:
    noted = Noted()
    wf = noted.workflow().then(failing("a", ValueError("boom"))).commit()
    await wf.create_run(run_id="the-run").start({"in": 1})
    (info,) = noted.failed

    assert (info.run_id, info.workflow_id) == ("the-run", "wf")
    assert info.input == {"in": 1}


async def test_on_finish_is_called_at_a_suspension() -> None:
    noted = Noted()
    await noted.workflow().then(asking("ask")).commit().create_run().start({})

    assert [info.status for info in noted.finished] == ["suspended"]
    assert noted.failed == []


async def test_on_start_is_awaited_before_the_first_step() -> None:
    order: list[str] = []

    async def gate(info: RunInfo) -> None:
        await asyncio.sleep(0)
        order.append(f"start of {info.run_id} with {info.input}")

    wf = create_workflow("wf", on_start=gate).then(giving("step", 1, order)).commit()
    await wf.create_run(run_id="gated").start({"in": 1})

    assert order == ["start of gated with {'in': 1}", "step"]


async def test_an_exception_of_on_start_fails_the_run_and_no_step_is_entered() -> None:
    calls: list[str] = []

    def gate(_info: RunInfo) -> None:
        raise PermissionError("not today")

    wf = create_workflow("wf", on_start=gate).then(giving("step", 1, calls)).commit()
    result = await wf.create_run().start({})

    assert result.status == "failed"
    assert result.error.message == "not today"
    assert calls == []


async def test_on_start_is_not_called_for_a_resume() -> None:
    starts: list[str] = []
    wf = create_workflow("wf", on_start=lambda info: starts.append(info.run_id)).then(asking("ask")).commit()
    run = wf.create_run(run_id="r")
    await run.start({})
    await run.resume({})

    assert starts == ["r"]


def test_a_run_with_on_start_is_cancelled_at_once_like_any_other() -> None:
    async def slow(data: Data) -> Data:
        await asyncio.sleep(100)
        return data

    async def play() -> tuple[str, float]:
        wf = create_workflow("wf", on_start=lambda _: None).then(create_step("slow", slow)).commit()
        run = wf.create_run()
        stream = run.stream_vnext({})
        await asyncio.sleep(1)
        await run.cancel()
        return (await stream.result).status, asyncio.get_running_loop().time()

    assert virtual_run(play()) == ("canceled", 1.0)
