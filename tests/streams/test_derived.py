"""Status, result, usage, output and snapshots: projections of the one fold, replayed to whoever asks."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from reactivex import Observable
from reactivex import operators as ops

from rxloom import Run, Runtime, StepContext, Usage, WorkflowStream, create_workflow
from rxloom.errors import (
    RunInterrupted,
    WorkflowCanceled,
    WorkflowFailed,
    WorkflowPaused,
    WorkflowSuspended,
)  # fmt: skip
from rxloom.snapshot import Snapshot
from tests.hearing import ASKER, FAILER, SLOW_WRITER, WAITER, WRITER, Heard, hear, one
from tests.play import turns
from tests.virtual import virtual


def finish_usage(tokens: int) -> dict[str, Any]:
    return {"type": "finish", "payload": {"usage": {"inputTokens": tokens, "outputTokens": 0, "totalTokens": tokens}}}


async def count(tokens: int, ctx: StepContext) -> int:
    for _ in range(3):
        await ctx.write(finish_usage(tokens))
        await ctx.write("nothing to count")
        await asyncio.sleep(1)
    return tokens


COUNTER = one(count)


@virtual
async def test_status_is_told_at_once_then_at_each_change_then_completes() -> None:
    workflow = create_workflow("flow", input=int).sleep(5).then(SLOW_WRITER).commit()
    run = workflow.create_run()
    stream = run.stream_vnext(2)
    early = hear(stream.status)
    await asyncio.sleep(6)
    late = hear(stream.status)
    await stream

    assert early.items == ["running", "waiting", "running", "success"]
    assert late.items == ["running", "success"]
    assert (early.end, late.end) == ("completed", "completed")


async def test_last_value_is_told_also_after_completion() -> None:
    stream = WRITER.create_run().stream_vnext(2)
    await stream
    status, usage, snapshots, result, output = (
        hear(stream.status), hear(stream.usage), hear(stream.snapshots), hear(stream.result), hear(stream.output),
    )  # fmt: skip

    assert status.items == ["success"]
    assert usage.items == [Usage(0, 0, 0, 0, 0, 0)]
    assert [snapshot.status for snapshot in snapshots.items] == ["success"]
    assert [one_result.status for one_result in result.items] == ["success"]
    assert output.items == [2]
    assert {heard.end for heard in (status, usage, snapshots, result, output)} == {"completed"}


@virtual
async def test_usage_counts_up() -> None:
    stream = COUNTER.create_run().stream_vnext(5)
    usage = hear(stream.usage)
    total = await stream.usage

    assert [one_usage.total_tokens for one_usage in usage.items] == [0, 5, 10, 15]
    assert total.total_tokens == (await stream).usage.total_tokens == 15


@virtual
async def test_snapshots_tell_the_fold_after_each_chunk() -> None:
    stream = SLOW_WRITER.create_run().stream_vnext(3)
    snapshots = hear(stream.snapshots)
    chunks = hear(stream)
    await stream

    assert [snapshot.next_seq for snapshot in snapshots.items] == [1, 2, 3, 4, 5, 6, 7]
    assert len(chunks.items) == 7
    assert snapshots.items[-1].status == "success"
    assert snapshots.items[0] is not snapshots.items[1]


# -- settling in every case ----------------------------------------------------------------------------------------


async def _success(run: Run[int, int]) -> WorkflowStream[int]:
    return run.stream_vnext(1)


async def _canceled(run: Run[int, int]) -> WorkflowStream[int]:
    stream = run.stream_vnext(1)
    await run.cancel("why")
    return stream


async def _paused(run: Run[int, int]) -> WorkflowStream[int]:
    return run.stream_vnext(1, per_step=True)


TWO_STEPS = create_workflow("flow", input=int, output=int).then(WRITER).then(WRITER.with_id("again")).commit()
OUTCOMES: dict[str, tuple[Any, Any, type[Exception] | None]] = {
    "success": (WRITER, _success, None),
    "failed": (FAILER, _success, WorkflowFailed),
    "suspended": (ASKER, _success, WorkflowSuspended),
    "canceled": (WAITER, _canceled, WorkflowCanceled),
    "paused": (TWO_STEPS, _paused, WorkflowPaused),
}


@pytest.mark.parametrize("status", OUTCOMES)
@pytest.mark.parametrize("when", ["before", "after"])
async def test_everything_settles_and_says_the_same(status: str, when: str) -> None:
    workflow, play, error = OUTCOMES[status]
    runtime = Runtime(workflow)
    run = runtime.create_run("flow")
    stream = await play(run)
    if when == "after":
        await stream
    output = hear(stream.output)
    finish = (await stream.pipe(ops.last())).payload
    result = await stream.result
    (head,) = await runtime.list_runs()

    assert finish.workflow_status == result.status == status
    assert (await stream.status, head.status, (await run.snapshot()).status) == (status, status, status)
    assert await stream == result
    assert await stream.usage == finish.usage
    assert (await stream.snapshots).status == status
    assert (output.end if error is None else type(output.end)) == ("completed" if error is None else error)


@virtual
async def test_everything_ends_with_the_interruption() -> None:
    runtime = Runtime(SLOW_WRITER)
    run = runtime.create_run("flow")
    stream = run.stream_vnext(9)
    heard: list[Heard[Any]] = [
        hear(source) for source in (stream, stream.status, stream.usage, stream.result, stream.output, stream.snapshots)
    ]
    await asyncio.sleep(2.5)
    await runtime.aclose(drain=0)
    late = hear(stream)

    assert [type(one_heard.end) for one_heard in [*heard, late]] == [RunInterrupted] * 7
    assert late.items == heard[0].items
    with pytest.raises(RunInterrupted):
        await stream
    with pytest.raises(RunInterrupted):
        [chunk async for chunk in stream]
    assert (await run.snapshot()).status == "running"  # nothing was recorded: it can be restarted


async def test_error_of_a_run_that_was_canceled_tells_the_reason() -> None:
    run = WAITER.create_run()
    stream = run.stream_vnext(1)
    await run.cancel("because")

    assert (await stream).reason == "because"  # type: ignore[union-attr]
    with pytest.raises(WorkflowCanceled, match="because"):
        await stream.output


# -- legs ----------------------------------------------------------------------------------------------------------


async def test_streams_of_a_leg_keep_its_end_when_the_run_has_gone_on() -> None:
    run = ASKER.create_run()
    first = run.stream_vnext(1)
    await first
    second = run.resume_stream_vnext(2)
    await second

    assert (await first).status == "suspended"
    assert hear(first.status).items == ["suspended"]
    assert [snapshot.status for snapshot in hear(first.snapshots).items] == ["suspended"]
    assert (await first.snapshots).next_seq == 4
    assert (await second).unwrap() == 3


@virtual
async def test_view_over_all_legs_counts_all_of_them() -> None:
    async def body(tokens: int, ctx: StepContext) -> int:
        await ctx.write(finish_usage(tokens))
        await ctx.suspend("go?", label="go")
        return tokens

    run = one(body).create_run()
    whole = run.stream_vnext(5, close_on_suspend=False)
    status = hear(whole.status)
    await turns()
    leg = run.resume_stream_vnext("go")
    await whole
    observed = run.observe_stream_vnext(from_seq=5)

    assert (await leg.usage).total_tokens == 5
    assert (await whole.usage).total_tokens == 10
    assert (await observed.usage).total_tokens == 10
    assert status.items == ["running", "suspended", "running", "success"]


# -- costs ---------------------------------------------------------------------------------------------------------


async def test_derived_stream_that_nobody_subscribed_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    copies: list[Snapshot] = []
    copy = Snapshot.copy

    def noting(snapshot: Snapshot) -> Snapshot:
        copies.append(snapshot)
        return copy(snapshot)

    monkeypatch.setattr(Snapshot, "copy", noting)
    stream = WRITER.create_run().stream_vnext(50)
    derived: list[Observable[Any]] = [stream.status, stream.usage, stream.snapshots, stream.result, stream.output]
    seen = hear(stream)
    await turns()

    assert seen.end == "completed"
    assert len(derived) == 5
    assert copies == []
    assert stream._feed.log is not None
    assert stream._feed.log._listeners == ()
