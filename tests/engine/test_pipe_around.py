"""`step.pipe` and what is around it: signals, cancellation, the options of the step, containers."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
from typing import Any

import reactivex as rx
from reactivex import operators as ops

from rxloom import StepContext, StepTimeout, create_step, create_workflow
from tests.play import Played, adding, asking, failing, play, read, told
from tests.virtual import virtual


def one(step: Any, given: Any = 1, *resumes: Any) -> Played:
    """Play a workflow of one step."""
    return play(create_workflow("wf").then(step).commit(), given, *resumes)


def test_a_suspension_passes_the_operators_by_and_so_does_its_answer() -> None:
    seen: list[str] = []
    watch = ops.materialize()
    played = one(
        asking("s").pipe(watch, ops.do_action(lambda n: seen.append(n.kind)), ops.dematerialize(), ops.retry(3)),
        1,
        {"resume_data": "yes"},
    )

    assert played.told == ["start", "s: running", "s: suspended", "suspended", "start", "s: resumed", "s: success",
                           "success"]  # fmt: skip
    assert played.output == (1, "yes")
    assert seen == ["N", "C"]


def test_a_bail_passes_the_operators_by() -> None:
    async def bail(_: Any, ctx: StepContext) -> None:
        ctx.bail("early")

    wf = create_workflow("wf").then(create_step("s", bail).pipe(ops.map(lambda _: 1 / 0), ops.retry(3)))
    played = play(wf.then(adding("never")).commit(), 1)

    assert played.output == "early"
    assert played.told == ["start", "s: running", "s: bailed", "success"]


@virtual
async def test_a_cancellation_is_not_retried() -> None:
    run = create_workflow("wf").then(adding("s", seconds=60).pipe(ops.retry(3), ops.catch(rx.of(1)))).commit()
    handle = run.create_run()
    stream = handle.stream_vnext(1)
    await asyncio.sleep(5)
    await handle.cancel()

    assert told(await read(stream)) == ["start", "s: running", "s: canceled", "canceled", "canceled"]
    assert asyncio.get_running_loop().time() == 5


@virtual
async def test_a_cancellation_during_a_delay_of_the_operators_ends_it_at_once() -> None:
    handle = create_workflow("wf").then(adding("s").pipe(ops.delay(60.0))).commit().create_run()
    stream = handle.stream_vnext(1)
    await asyncio.sleep(5)
    await handle.cancel()

    assert told(await read(stream))[-3:] == ["s: canceled", "canceled", "canceled"]


def test_the_total_timeout_of_the_step_holds_around_the_operators() -> None:
    played = one(adding("s", seconds=2, total_timeout=5).pipe(ops.delay(60.0), ops.retry(3)))

    assert isinstance(played.error, StepTimeout)
    assert played.duration == 5


def test_retries_of_the_step_try_the_whole_pipe_again() -> None:
    played = one(failing("s", times=3, retries=1).pipe(ops.retry(2)))

    assert played.output == 1
    assert played.told == ["start", "s: running", "s: retry 1", "s: retry 2", "s: retry 3", "s: success", "success"]


def test_a_piped_workflow_is_run_again_as_a_whole() -> None:
    inner = create_workflow("inner").then(adding("a")).then(failing("bad", times=1)).commit()
    played = one(inner.pipe(ops.retry(2), ops.map(lambda value: [value])))

    assert played.output == [2]
    assert [line for line in played.told if line.startswith(("inner:", "inner.bad"))] == [
        "inner: running", "inner.bad: running", "inner.bad: failed", "inner: retry 1", "inner.bad: running",
        "inner.bad: success", "inner: success",
    ]  # fmt: skip


def test_a_step_piped_in_a_for_each_is_retried_by_item() -> None:
    played = play(create_workflow("wf").for_each(failing("s", times=1).pipe(ops.retry(2))).commit(), [1, 2])

    assert played.output == [1, 2]
    assert played.told == ["start", "s: running", "s[0]: retry 1", "s[0]: success", "s[1]: success", "s: success",
                           "success"]  # fmt: skip
