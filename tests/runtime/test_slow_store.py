"""A run whose store takes its time: nothing is told before it is committed, and a store that fails takes the run."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from rxloom import (
    OwnershipLost,
    ResumeConflict,
    Run,
    RunAlreadyStarted,
    RunInterrupted,
    Runtime,
    StepContext,
    StoreLost,
    Workflow,
    create_step,
    create_workflow,
)
from rxloom.chunks import Record, StepOutput, StepStart, WorkflowFinish
from tests.hearing import hear
from tests.play import adding, asking, told
from tests.slow_store import SlowStore
from tests.virtual import virtual


def on(store: SlowStore, workflow: Workflow[Any, Any], **options: Any) -> Run[Any, Any]:
    """Make a run of a workflow whose records go to `store`."""
    return Runtime(workflow, store=store).create_run(workflow.id, **options)


def chain(length: int) -> Workflow[Any, Any]:
    """Steps one after another."""
    builder: Any = create_workflow("chain")
    for number in range(length):
        builder = builder.then(adding(f"s{number}"))
    return builder.commit()


def refusing(error: Exception, after: int) -> SlowStore:
    """Make a store that raises once it has committed so many appends."""
    store = SlowStore()

    def refuse(_: Sequence[Record]) -> None:
        if len(store.batches) == after:
            raise error

    store.before = refuse
    return store


@virtual
async def test_nothing_is_told_before_it_is_committed() -> None:
    store = SlowStore()
    stream = on(store, chain(3)).stream_vnext(0)
    heard, statuses = hear(stream), hear(stream.status)
    before: list[tuple[int, list[Any]]] = []
    store.before = lambda _: before.append((len(heard.items), [*statuses.items]))
    result = await stream.result

    assert result.unwrap() == 3
    committed = [chunk for batch in store.batches for chunk in batch if chunk in heard.items]
    assert committed == heard.items
    assert [count for count, _ in before] == [0, *(sum(len(b) for b in store.batches[: n + 1]) - 1 for n in range(4))]
    assert all("success" not in seen for _, seen in before)


@virtual
async def test_body_is_entered_when_its_start_is_committed() -> None:
    store = SlowStore()
    entered: list[bool] = []

    def body(value: int) -> int:
        entered.append(any(isinstance(record, StepStart) for batch in store.batches for record in batch))
        return value

    await on(store, create_workflow("wf").then(create_step("s", body, inline=True)).commit()).start(1)

    assert entered == [True]


@virtual
async def test_result_of_a_step_and_start_of_the_next_are_one_commit() -> None:
    store = SlowStore()
    await on(store, chain(10)).start(0)

    assert len(store.batches) <= 10 + 3


@virtual
async def test_outputs_wait_for_company_and_not_for_long() -> None:
    store = SlowStore(seconds=0)
    times: list[float] = []
    loop = asyncio.get_running_loop()

    async def body(_: int, ctx: StepContext) -> None:
        for number in range(10):
            await ctx.write(number)
            await asyncio.sleep(0.001)
        await asyncio.sleep(1)

    stream = on(store, create_workflow("wf").then(create_step("s", body)).commit()).stream_vnext(0)
    stream.subscribe(lambda chunk: times.append(loop.time()) if isinstance(chunk, StepOutput) else None)
    await stream

    assert len(times) == 10
    assert {round(time, 6) for time in times} == {0.02}


@virtual
async def test_what_waits_for_a_commit_goes_with_the_outputs_before_it() -> None:
    store = SlowStore()
    await on(store, create_workflow("wf").then(create_step("s", writing)).commit()).start(3)

    assert [type(record).__name__ for record in store.batches[-1]] == [
        *["StepOutput"] * 3, "StepResult", "WorkflowFinish",
    ]  # fmt: skip


def same(value: Any) -> Any:
    return value


async def writing(count: int, ctx: StepContext) -> int:
    for number in range(count):
        await ctx.write(number)
    return count


@pytest.mark.parametrize("after", range(5))
@virtual
async def test_store_that_fails_ends_the_streams_and_leaves_the_run_at_its_last_commit(after: int) -> None:
    store = refusing(OSError("disk full"), after)
    run = on(store, chain(3))
    stream = run.stream_vnext(0)
    heard = hear(stream)

    with pytest.raises(StoreLost, match="disk full"):
        await stream.result
    committed = [record for batch in store.batches for record in batch]
    assert heard.items == committed[1:]
    assert isinstance(heard.end, StoreLost)
    assert (await store.head(run.run_id) is None) == (after == 0)


@virtual
async def test_step_of_a_run_that_was_taken_is_cancelled() -> None:
    store = refusing(OwnershipLost("taken"), 3)
    ended: list[str] = []

    async def body(_: int, ctx: StepContext) -> None:
        await ctx.write("a")
        await asyncio.sleep(1)
        try:
            await ctx.write("b")
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    stream = on(store, create_workflow("wf").then(create_step("s", body)).commit()).stream_vnext(0)
    heard = hear(stream)
    with pytest.raises(OwnershipLost):
        await stream
    await asyncio.sleep(0)

    assert ended == ["cancelled"]
    assert told(heard.items)[-1] == "s > a"


@virtual
async def test_second_start_of_a_run_that_only_the_store_knows_is_refused() -> None:
    store = SlowStore()
    await on(store, chain(1), run_id="r").start(0)

    with pytest.raises(RunAlreadyStarted):
        await on(store, chain(1), run_id="r").start(0)


@virtual
async def test_one_of_two_runtimes_that_resume_wins_and_the_other_runs_nothing() -> None:
    store = SlowStore()
    workflow = create_workflow("wf").then(asking("ask")).then(create_step("after", same, inline=True)).commit()
    await on(store, workflow, run_id="r").start(1)
    resumes = [Runtime(workflow, store=store).run("r").resume(1) for _ in range(2)]
    results = await asyncio.gather(*resumes, return_exceptions=True)

    assert sorted(type(result).__name__ for result in results) == ["ResumeConflict", "Success"]
    records = [record for batch in store.batches for record in batch]
    assert sum(isinstance(record, StepStart) and record.payload.id == "after" for record in records) == 1
    assert ResumeConflict in map(type, results)


@virtual
async def test_cancel_returns_when_it_is_committed() -> None:
    store = SlowStore()
    run = on(store, create_workflow("wf").then(asking("ask")).commit())
    await run.start(1)
    await run.cancel()
    head = await store.head(run.run_id)

    assert head is not None
    assert head.status == "canceled"
    assert (await run.snapshot()).status == "canceled"


@virtual
async def test_cancel_comes_too_late_for_an_end_that_is_being_committed() -> None:
    store = SlowStore(seconds=1)
    run = on(store, chain(1))
    stream = run.stream_vnext(0)
    await asyncio.sleep(2.5)  # the start of the run and that of its step are committed, its end is on its way
    await run.cancel(grace=0.1)

    assert (await stream.result).status == "success"
    assert sum(isinstance(record, WorkflowFinish) for batch in store.batches for record in batch) == 1


@virtual
async def test_step_that_is_cancelled_while_its_start_is_on_its_way_is_not_entered() -> None:
    store = SlowStore(seconds=1)
    entered: list[int] = []
    run = on(store, create_workflow("wf").then(create_step("s", entered.append, inline=True)).commit())
    stream = run.stream_vnext(1)
    await asyncio.sleep(1.5)
    await run.cancel()

    assert (await stream.result).status == "canceled"
    assert entered == []


@virtual
async def test_event_is_committed_when_sending_it_returns() -> None:
    store = SlowStore()
    run = on(store, create_workflow("wf").then(asking("ask")).wait_for_event("go").commit())
    await run.start(1)
    await run.send_event("go", 7)
    assert (await store.read(run.run_id))[-1] in store.batches[-1]

    stream = run.resume_stream_vnext("yes")
    assert (await stream.result).unwrap() == 7


@virtual
async def test_event_that_is_lost_says_so() -> None:
    store = SlowStore()
    run = on(store, create_workflow("wf").wait_for_event("go").commit())
    stream = run.stream_vnext(1)
    await asyncio.sleep(1)

    def fail(_: Sequence[Record]) -> None:
        raise OSError("disk full")

    store.before = fail
    with pytest.raises(StoreLost):
        await run.send_event("go", 7)
    with pytest.raises(StoreLost):
        await stream


@virtual
async def test_lossless_reader_paces_what_is_not_even_committed() -> None:
    store = SlowStore()
    behind: list[int] = []
    read = 0

    async def body(_: int, ctx: StepContext) -> None:
        for number in range(500):
            await ctx.write(number)
            behind.append(number - read)

    stream = on(store, create_workflow("wf").then(create_step("s", body)).commit()).stream_vnext(0)
    async for _chunk in stream.aiter(buffer=10):
        read += 1

    assert read == 500 + 4
    assert max(behind) <= 12


@virtual
async def test_loop_that_ends_takes_the_run_with_what_is_on_its_way() -> None:
    store = SlowStore(seconds=1000)
    stream = on(store, chain(1)).stream_vnext(0)
    heard = hear(stream)
    await asyncio.sleep(1)
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    await asyncio.sleep(1)

    assert heard.items == []
    assert isinstance(heard.end, RunInterrupted)
