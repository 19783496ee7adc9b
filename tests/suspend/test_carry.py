"""What is carried over a suspension, and what becomes of a run while it waits."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import Any

import pytest
from pydantic import BaseModel

from rxloom import Canceled, NotSuspended, RunNotFound, StepContext, create_step, create_workflow
from tests.ledger import Ledger
from tests.play import adding, asking, play, read, seeing, told
from tests.virtual import virtual

WHO: ContextVar[str] = ContextVar("who", default="nobody")


class State(BaseModel):
    """A state."""

    count: int = 0
    name: str = ""


def test_state_written_before_a_suspension_is_there_after_it() -> None:
    seen: list[Any] = []

    async def body(_: Any, ctx: StepContext[State]) -> None:
        seen.append((ctx.state.count, ctx.state.name))
        await ctx.update_state(count=ctx.state.count + 1)
        answer = await ctx.suspend("?")
        await ctx.set_state(State(count=ctx.state.count + 10, name=answer))

    look = seeing("look", lambda ctx: (ctx.state.count, ctx.state.name), seen)
    wf = create_workflow("wf", state=State).then(create_step("s", body)).then(look).commit()
    played = play(wf, 1, {"resume_data": "Ada"}, initial_state={"count": 5})

    assert seen == [(5, ""), (6, ""), (17, "Ada")]  # what was written before a re-entry is a fact
    assert played.results[0].state == {"count": 6, "name": ""}
    assert played.result.state == {"count": 17, "name": "Ada"}


def test_the_runtime_context_is_carried_and_may_be_added_to_at_a_resume() -> None:
    seen: list[Any] = []

    async def body(_: Any, ctx: StepContext) -> Any:
        seen.append(dict(ctx.runtime_context))
        ctx.runtime_context["step"] = "was here"
        return await ctx.suspend("?")

    wf = create_workflow("wf").then(create_step("s", body)).commit()
    play(wf, 1, {"runtime_context": {"resume": 2, "start": "changed"}}, runtime_context={"start": 1})

    assert seen == [{"start": 1}, {"start": "changed", "step": "was here", "resume": 2}]


@virtual
async def test_contextvars_are_those_of_whoever_resumes() -> None:
    seen: list[str] = []
    wf = create_workflow("wf").then(asking("ask")).then(seeing("look", lambda _: WHO.get(), seen)).commit()
    run = wf.create_run()
    WHO.set("starter")
    await run.start(1)
    WHO.set("resumer")
    await run.resume(1)

    assert seen == ["resumer"]


def test_results_of_steps_before_it_are_still_there() -> None:
    async def body(_: Any, ctx: StepContext) -> Any:
        await ctx.suspend("?")
        return ctx.get_step_result("a"), ctx.init_data

    assert play(create_workflow("wf").then(adding("a")).then(create_step("s", body)).commit(), 1, {}).output == (2, 1)


def test_the_snapshot_knows_all_there_is_to_know() -> None:
    @virtual
    async def test() -> None:
        wf = create_workflow("wf", state=State).then(adding("a")).then(asking("ask", {"q": 1}, label="l")).commit()
        run = wf.create_run(run_id="r1", resource_id="ada")
        await run.start(1, initial_state={"count": 3}, runtime_context={"k": "v"})
        await asyncio.sleep(5)
        snapshot = await run.snapshot()

        assert (snapshot.run_id, snapshot.workflow_id, snapshot.resource_id) == ("r1", "wf", "ada")
        assert (snapshot.status, snapshot.input) == ("suspended", 1)
        assert snapshot.state == {"count": 3, "name": ""}
        assert snapshot.context == {"k": "v"}
        assert {path: (record.status, record.output) for path, record in snapshot.steps.items()} == {
            "a": ("success", 2), "ask": ("suspended", None),
        }  # fmt: skip
        assert snapshot.suspensions["ask"].label == "l"

    test()


@virtual
async def test_a_suspended_run_is_cancelled_by_a_leg_of_its_own(ledger: Ledger) -> None:
    run = create_workflow("wf").parallel([asking("a"), asking("b")]).commit().create_run()
    await run.start(1)
    waiting = run.observe_stream_vnext(close_on_suspend=False)
    await run.cancel("enough")
    await run.cancel("once more")
    result = await waiting.result

    assert isinstance(result, Canceled)
    assert result.reason == "enough"
    assert told(await read(waiting))[-3:] == ["start", "canceled", "canceled"]
    assert (await run.snapshot()).suspensions == {}
    with pytest.raises(NotSuspended, match="canceled"):
        await run.resume(1, step="a")
    assert ledger.problems() == []


@virtual
async def test_a_view_over_all_legs_ends_with_the_cancellation() -> None:
    run = create_workflow("wf").then(asking("a")).commit().create_run()
    stream = run.stream_vnext(1, close_on_suspend=False)
    await asyncio.sleep(1)
    await run.cancel()

    assert told(await read(stream)) == ["start", "a: running", "a: suspended", "canceled", "canceled"]
    assert (await stream.result).status == "canceled"


@virtual
async def test_a_cancel_during_a_resumed_leg_closes_what_is_open_there() -> None:
    run = create_workflow("wf").then(asking("a")).then(adding("slow", seconds=60, input=Any)).commit().create_run()
    await run.start(1)
    stream = run.resume_stream_vnext(1)
    await asyncio.sleep(1)
    await run.cancel()

    assert told(await read(stream)) == [
        "start", "a: resumed", "a: success", "slow: running", "slow: canceled", "canceled", "canceled",
    ]  # fmt: skip


@virtual
async def test_a_suspended_run_can_be_deleted(ledger: Ledger) -> None:
    run = create_workflow("wf").then(asking("a")).commit().create_run(run_id="r1")
    await run.start(1)
    await ledger.runtime.delete_run("r1")
    with pytest.raises(RunNotFound):
        await run.resume(1)


@virtual
async def test_sleeps_and_waits_after_a_resume_are_those_of_the_new_leg() -> None:
    run = create_workflow("wf").sleep(10).then(asking("a")).sleep(10).commit().create_run()
    await run.start(1)
    await asyncio.sleep(1000)
    stream = run.resume_stream_vnext(1)
    await stream.result

    assert asyncio.get_running_loop().time() == pytest.approx(1020)
    assert told(await read(stream))[-3:] == ["sleep_wf_1: waiting", "sleep_wf_1: success", "success"]


@virtual
async def test_callbacks_are_called_for_each_leg() -> None:
    log: list[Any] = []
    wf = create_workflow(
        "wf", on_start=lambda info: log.append(("start", info.status)),
        on_finish=lambda info: log.append(("finish", info.status, info.result)),
    ).then(asking("a")).commit()  # fmt: skip
    run = wf.create_run()
    await run.start(1)
    await run.resume(2)

    assert log == [("start", "running"), ("finish", "suspended", None), ("finish", "success", (1, 2))]
