"""`per_step`: one top-level node, then a pause."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rxloom import NotSuspended, create_workflow
from rxloom.errors import WorkflowPaused
from tests.play import adding, asking, failing, play, read, told
from tests.virtual import virtual

STEP = {"per_step": True}


def test_one_node_then_a_pause_and_so_on_to_the_end() -> None:
    wf = create_workflow("wf").then(adding("a")).then(adding("b")).then(adding("c")).commit()
    played = play(wf, 0, STEP, STEP, **STEP)

    assert [result.status for result in played.results] == ["paused", "paused", "success"]
    assert [told(leg) for leg in played.legs] == [
        ["start", "a: running", "a: success", "paused", "paused"],
        ["start", "b: running", "b: success", "paused", "paused"],
        ["start", "c: running", "c: success", "success"],
    ]  # fmt: skip
    assert played.output == 3
    with pytest.raises(WorkflowPaused):
        played.results[0].unwrap()


def test_going_on_without_it_runs_to_the_end() -> None:
    wf = create_workflow("wf").then(adding("a")).then(adding("b")).then(adding("c")).commit()
    played = play(wf, 0, {}, **STEP)

    assert told(played.legs[1]) == ["start", "b: running", "b: success", "c: running", "c: success", "success"]


def test_a_parallel_a_loop_a_for_each_and_a_nested_workflow_are_one_node_each() -> None:
    inner = create_workflow("inner").then(adding("x")).then(adding("y")).commit()
    builder: Any = create_workflow("wf").parallel([adding("p"), adding("q")]).map(lambda both: both["p"])
    builder = builder.do_while([adding("l"), adding("m")], lambda value: value < 6)
    builder = builder.then(inner).branch([(lambda _: True, [adding("r"), adding("s")])], merge=True)
    builder = builder.map(lambda value: [value, value]).for_each(adding("e")).sleep(5)
    played = play(builder.commit(), 0, *[STEP] * 7, **STEP)
    ran = [
        [line.partition(":")[0] for line in told(leg) if "running" in line or "waiting" in line] for leg in played.legs
    ]

    assert ran == [
        ["p", "q"], ["mapping_wf_0"], ["l", "m"] * 3, ["inner", "inner.x", "inner.y"], ["r", "s"], ["mapping_wf_1"],
        ["e"], ["sleep_wf_0"],
    ]  # fmt: skip
    assert [result.status for result in played.results] == ["paused"] * 7 + ["success"]


def test_a_branch_that_takes_no_arm_is_a_node_too() -> None:
    wf = create_workflow("wf").branch([(lambda _: False, adding("a"))]).then(asking("b")).commit()
    played = play(wf, 0, STEP, **STEP)

    assert [result.status for result in played.results] == ["paused", "suspended"]


def test_a_suspension_comes_before_the_pause_and_the_answer_before_the_next_node() -> None:
    wf = create_workflow("wf").then(asking("ask")).then(adding("b", input=Any).with_id("b")).commit()
    played = play(wf, 1, {"resume_data": 5, **STEP}, **STEP)

    assert [result.status for result in played.results] == ["suspended", "paused"]
    assert told(played.legs[1]) == ["start", "ask: resumed", "ask: success", "paused", "paused"]


def test_a_failure_is_a_failure() -> None:
    played = play(create_workflow("wf").then(failing("a")).then(adding("b")).commit(), 0, **STEP)

    assert told(played.legs[0]) == ["start", "a: running", "a: failed", "failed"]


def test_done_nodes_are_not_run_again() -> None:
    calls: list[str] = []

    def noting(name: str) -> Any:
        def body(value: Any) -> Any:
            calls.append(name)
            return value

        return body

    wf = create_workflow("wf")
    for name in "abc":
        wf = wf.map(noting(name))
    play(wf.commit(), 0, STEP, STEP, **STEP)

    assert calls == ["a", "b", "c"]


@virtual
async def test_status_snapshot_and_observers_know_the_pause() -> None:
    run = create_workflow("wf").then(adding("a")).then(adding("b")).commit().create_run()
    stream = run.stream_vnext(0, per_step=True)

    assert await stream.status == "paused"
    assert (await run.snapshot()).status == "paused"
    assert told(await read(run.observe_stream_vnext()))[-2:] == ["paused", "paused"]


@virtual
async def test_a_paused_run_takes_no_answer_for_a_step() -> None:
    run = create_workflow("wf").then(adding("a")).then(adding("b")).commit().create_run()
    await run.start(0, per_step=True)
    refusals: list[dict[str, Any]] = [{"step": "b"}, {"index": 0}, {"label": "x"}]
    for refused in refusals:
        with pytest.raises(NotSuspended, match="paused"):
            await run.resume(1, **refused)
    with pytest.raises(NotSuspended):
        await run.resume_all({"b": 1}).result

    assert (await run.resume()).unwrap() == 2


@virtual
async def test_a_running_run_is_not_paused() -> None:
    run = create_workflow("wf").then(adding("a", seconds=5)).then(adding("b")).commit().create_run()
    stream = run.stream_vnext(0, per_step=True)
    await asyncio.sleep(1)
    with pytest.raises(NotSuspended):
        await run.resume()

    assert await stream.status == "paused"


@virtual
async def test_a_paused_run_can_be_cancelled() -> None:
    run = create_workflow("wf").then(adding("a")).then(adding("b")).commit().create_run()
    await run.start(0, per_step=True)
    await run.cancel()

    assert (await run.snapshot()).status == "canceled"


@virtual
async def test_a_view_over_all_legs_waits_over_pauses() -> None:
    run = create_workflow("wf").then(adding("a")).then(adding("b")).commit().create_run()
    stream = run.stream_vnext(0, per_step=True, close_on_suspend=False)
    await asyncio.sleep(1)
    await run.resume()

    assert (await stream.result).unwrap() == 2
