"""Streams over a suspension: legs, views over several, observers, and other `Run` objects."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rxloom import Run, RunNotFound, Runtime, StepContext, Usage, create_step, create_workflow
from rxloom.testing import check_chunks
from tests.ledger import Ledger
from tests.play import adding, asking, read, told
from tests.virtual import virtual


def spending(id: str) -> Any:
    """Make a step that counts a token and asks."""

    async def body(value: Any, ctx: StepContext) -> Any:
        if not ctx.resumed:
            ctx.record_usage(Usage(1, 1, 2))
        return value, await ctx.suspend("?")

    return create_step(id, body, output=Any)


def two() -> Any:
    """Build a workflow that asks twice."""
    return create_workflow("wf").then(spending("a")).then(spending("b")).commit()


@virtual
async def test_each_verb_gives_exactly_its_leg() -> None:
    run = two().create_run()
    streams = [run.stream_vnext(1)]
    await streams[0].result
    for answer in (1, 2):
        streams.append(run.resume_stream_vnext(answer))
        await streams[-1].result
    legs = [await read(stream) for stream in streams]

    assert [told(leg)[0] for leg in legs] == ["start"] * 3
    assert [told(leg)[-1] for leg in legs] == ["suspended", "suspended", "success"]
    assert [chunk.to_wire()["seq"] for leg in legs for chunk in leg] == list(range(sum(map(len, legs))))
    assert [(await stream.usage).total_tokens for stream in streams] == [2, 2, 0]
    assert [await stream.status for stream in streams] == ["suspended", "suspended", "success"]
    assert [(await stream.result).status for stream in streams] == ["suspended", "suspended", "success"]


@virtual
async def test_a_stream_left_open_is_a_view_over_all_legs_without_their_seams() -> None:
    run = two().create_run()
    stream = run.stream_vnext(1, close_on_suspend=False)
    statuses: list[str] = []
    totals: list[int | None] = []
    stream.status.subscribe(statuses.append)
    stream.usage.subscribe(lambda usage: totals.append(usage.total_tokens))
    reading = asyncio.ensure_future(read(stream))
    await asyncio.sleep(1)
    assert not reading.done()
    for answer in (1, 2):
        await run.resume(answer)
        await asyncio.sleep(1)
    chunks = await reading

    assert [line for line in told(chunks) if ">" not in line] == [
        "start", "a: running", "a: suspended", "a: resumed", "a: success", "b: running", "b: suspended", "b: resumed",
        "b: success", "success",
    ]  # fmt: skip
    assert check_chunks(chunks, view=True) == []
    assert statuses == ["running", "suspended", "running", "suspended", "running", "success"]
    assert totals[0] == 0
    assert totals[-1] == 4
    assert (await stream.usage).total_tokens == 4
    assert (await stream.result).unwrap() == ((1, 1), 2)
    assert (await stream.result).usage.total_tokens == 0  # that of the last leg
    assert await stream.status == "success"


@virtual
async def test_a_view_may_begin_with_a_resume() -> None:
    run = two().create_run()
    await run.start(1)
    stream = run.resume_stream_vnext(1, close_on_suspend=False)
    await asyncio.sleep(1)
    await run.resume(2)
    chunks = await read(stream)

    assert told(chunks)[:3] == ["start", "a: resumed", "a: success"]
    assert told(chunks)[-3:] == ["b: resumed", "b: success", "success"]
    assert check_chunks(chunks, view=True) == []


@pytest.mark.parametrize("cut", range(0, 16, 3))
@virtual
async def test_an_observer_gets_exactly_the_suffix_it_asks_for(cut: int) -> None:
    run = two().create_run()
    await run.start(1)
    await run.resume(1)
    await run.resume(2)
    whole = await read(run.observe_stream_vnext())
    stream = run.observe_stream_vnext(from_seq=cut)

    assert [chunk.to_wire()["seq"] for chunk in whole] == list(range(len(whole)))
    assert await read(stream) == whole[cut:]
    assert await stream.status == "success"
    assert (await stream.result).unwrap() == ((1, 1), 2)


@virtual
async def test_an_observer_of_a_suspended_run_ends_with_its_last_leg() -> None:
    run = two().create_run()
    await run.start(1)
    await run.resume(1)

    assert told(await read(run.observe_stream_vnext()))[-1] == "suspended"
    assert told(await read(run.observe_stream_vnext())).count("start") == 2
    assert (await run.observe_stream_vnext().result).status == "suspended"


@virtual
async def test_an_observer_may_wait_over_suspensions() -> None:
    run = two().create_run()
    await run.start(1)
    stream = run.observe_stream_vnext(close_on_suspend=False)
    reading = asyncio.ensure_future(read(stream))
    await asyncio.sleep(1)
    await run.resume(1)
    await asyncio.sleep(1)
    assert not reading.done()
    await run.resume(2)
    chunks = await reading

    assert told(chunks).count("start") == 3
    assert told(chunks)[-1] == "success"
    assert check_chunks(chunks) == []


@virtual
async def test_an_observer_during_a_leg_sees_history_then_what_comes() -> None:
    run = create_workflow("wf").then(asking("ask")).then(adding("slow", seconds=5, input=Any)).commit().create_run()
    await run.start(1)
    leg = run.resume_stream_vnext("yes")
    await asyncio.sleep(1)
    chunks = await read(run.observe_stream_vnext())

    assert told(chunks)[:4] == ["start", "ask: running", "ask: suspended", "suspended"]
    assert chunks[4:] == await read(leg)


@virtual
async def test_a_fresh_run_object_resumes(ledger: Ledger) -> None:
    wf = two()
    first = wf.create_run(run_id="r1")
    await first.start(1)
    del first
    by_workflow = wf.create_run(run_id="r1", on_existing="join")

    assert (await by_workflow.resume(1)).status == "suspended"
    assert ledger.runtime.store is ledger.store


@virtual
async def test_a_run_that_a_runtime_finds_by_its_id_is_resumed() -> None:
    wf = two()
    async with Runtime(wf) as runtime:
        await runtime.create_run("wf", run_id="r1").start(1)
        found: Run[Any, Any] = runtime.run("r1")

        assert (await found.resume(1)).status == "suspended"
        assert (await runtime.run("r1").resume(2)).unwrap() == ((1, 1), 2)
        assert [head.status for head in await runtime.list_runs()] == ["success"]
        with pytest.raises(RunNotFound):
            await runtime.run("r2").resume(1)


@virtual
async def test_the_log_of_a_run_nobody_holds_is_read_from_the_store_again(ledger: Ledger) -> None:
    wf = two()
    await wf.create_run(run_id="r1").start(1)
    assert "r1" not in ledger.runtime.registry.logs
    run = wf.create_run(run_id="r1", on_existing="join")
    stream = run.resume_stream_vnext(1)

    assert (await stream.result).status == "suspended"
    assert told(await read(stream))[:2] == ["start", "a: resumed"]
    assert told(await read(run.observe_stream_vnext())).count("start") == 2


@virtual
async def test_a_workflow_of_another_name_does_not_resume_it() -> None:
    await two().create_run(run_id="r1").start(1)
    other = create_workflow("other").then(asking("a")).commit()
    with pytest.raises(RunNotFound, match="'wf'"):
        await other.create_run(run_id="r1").resume(1)


@virtual
async def test_late_subscribers_of_an_old_leg_see_that_leg() -> None:
    run = two().create_run()
    first = run.stream_vnext(1)
    await first.result
    await run.resume(1)
    await run.resume(2)

    assert told(await read(first))[-1] == "suspended"
    assert (await first.result).status == "suspended"
    assert (await first.result).steps["a"].suspend_payload == "?"
    assert (await first.usage).total_tokens == 2
