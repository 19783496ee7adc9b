"""Strands: consecutive bodies share a task, and nothing can tell."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import Any

import pytest

from rxloom import StepContext, SyncStepContext, create_step, create_workflow
from rxloom.engine import _leaf, _strand
from tests.ledger import Ledger
from tests.play import adding, failing, play, read, told
from tests.virtual import virtual

VARIABLE: ContextVar[str] = ContextVar("variable", default="unset")


@pytest.fixture(params=["fused", "unfused"], autouse=True)
def strands(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Say whether consecutive bodies may share a task."""
    if request.param == "unfused":
        monkeypatch.setattr(_leaf, "FUSABLE", frozenset[str]())
    return request.param


def setting(id: str, seen: list[str], *, wait: bool) -> Any:
    """Make a step that notes the variable and sets it."""

    async def body(value: Any) -> Any:
        seen.append(VARIABLE.get())
        VARIABLE.set(id)
        if wait:
            await asyncio.sleep(1)
        assert VARIABLE.get() == id
        return value

    return create_step(id, body)


@pytest.mark.parametrize("wait", [False, True], ids=["at once", "waiting"])
def test_what_a_body_sets_in_its_context_no_other_body_sees(*, wait: bool) -> None:
    seen: list[str] = []
    builder = create_workflow("wf").then(setting("s0", seen, wait=wait))
    for number in range(1, 4):
        builder = builder.then(setting(f"s{number}", seen, wait=wait))
    play(builder.parallel([setting("p", seen, wait=wait), setting("q", seen, wait=wait)]).commit(), 1)

    assert seen == ["unset"] * 6
    assert VARIABLE.get() == "unset"


@virtual
async def test_bodies_see_what_was_set_where_the_run_was_started() -> None:
    seen: list[str] = []

    def thread(value: Any) -> Any:
        seen.append(VARIABLE.get())
        return value

    async def generator(value: Any) -> Any:
        seen.append(VARIABLE.get())
        yield value

    wf = create_workflow("wf").then(setting("async", seen, wait=False)).then(create_step("thread", thread))
    wf = wf.then(create_step("inline", thread, inline=True)).then(create_step("generator", generator))
    wf = wf.map(lambda value: seen.append(VARIABLE.get()) or value)
    run = wf.branch([(lambda _: bool(seen.append(VARIABLE.get())), adding("a"))]).commit().create_run()
    VARIABLE.set("caller")
    stream = run.stream_vnext(1)
    VARIABLE.set("later")
    await stream.result

    assert seen == ["caller"] * 6


def test_an_attempt_sees_nothing_of_the_attempt_before() -> None:
    seen: list[str] = []

    async def body(_: Any, ctx: StepContext) -> None:
        seen.append(VARIABLE.get())
        VARIABLE.set(f"attempt {ctx.attempt}")
        if not ctx.attempt:
            raise ValueError("boom")

    play(create_workflow("wf").then(create_step("s", body, retries=1)).commit())

    assert seen == ["unset", "unset"]


@pytest.mark.parametrize("seconds", [None, 1.0], ids=["at once", "waiting"])
def test_consecutive_bodies_share_a_task_only_when_fused(strands: str, seconds: float | None) -> None:
    tasks: list[Any] = []

    async def body(value: Any) -> Any:
        if seconds is not None:
            await asyncio.sleep(seconds)
        tasks.append(asyncio.current_task())
        return value

    builder = create_workflow("wf").then(create_step("s0", body)).then(create_step("s1", body))
    play(builder.then(create_step("s2", body)).commit(), 1)

    assert len(set(tasks)) == (1 if strands == "fused" else 3)


def test_a_step_with_a_limit_or_operators_has_a_task_of_its_own() -> None:
    tasks: list[Any] = []

    async def body(value: Any) -> Any:
        tasks.append(asyncio.current_task())
        return value

    wf = create_workflow("wf").then(create_step("a", body)).then(create_step("b", body, timeout=5))
    wf = wf.then(create_step("c", body, total_timeout=5)).then(create_step("d", body))
    play(wf.then(create_step("e", body).pipe(lambda source: source)).commit(), 1)

    assert len(set(tasks)) >= 4


def test_a_task_that_was_cancelled_or_in_which_a_body_raised_runs_no_other_body() -> None:
    tasks: list[Any] = []

    async def body(value: Any) -> Any:
        task = asyncio.current_task()
        assert task is not None
        assert not task.cancelling()
        tasks.append(task)
        return value

    async def swallows(value: Any) -> Any:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        try:
            await asyncio.sleep(1)
        except asyncio.CancelledError:
            return value

    wf = (
        create_workflow("wf").then(create_step("a", body)).then(create_step("b", swallows)).then(create_step("c", body))
    )
    wf = wf.then(failing("d", times=1, retries=1)).then(create_step("e", body))

    assert play(wf.commit(), 1).result.status == "success"
    assert len(set(tasks)) == 3


@virtual
async def test_cancelling_a_run_cancels_just_the_body_at_work() -> None:
    log: list[str] = []

    async def body(value: Any, ctx: StepContext) -> Any:
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            log.append(f"{ctx.step_id} cancelled")
            raise
        log.append(f"{ctx.step_id} done")
        return value

    run = create_workflow("wf").then(create_step("a", body)).then(create_step("b", body)).commit().create_run()
    stream = run.stream_vnext(1)
    await asyncio.sleep(15)
    await run.cancel()

    assert log == ["a done", "b cancelled"]
    assert told(await read(stream))[-3:] == ["b: canceled", "canceled", "canceled"]


def test_a_long_chain_keeps_its_order_whatever_the_kinds(ledger: Ledger) -> None:
    def thread(value: int, ctx: SyncStepContext) -> int:
        ctx.write(value)
        return value + 1

    async def later(value: int, ctx: StepContext) -> int:
        await asyncio.sleep(0)
        await ctx.write(value)
        return value + 1

    builder = create_workflow("wf").then(adding("first"))
    for number in range(30):
        kinds = [adding(f"a{number}"), create_step(f"l{number}", later), create_step(f"t{number}", thread)]
        builder = builder.then(kinds[number % 3])
    played = play(builder.commit(), 0)

    assert played.output == 31
    assert [line for line in played.told if "running" in line][1:4] == ["a0: running", "l1: running", "t2: running"]
    assert ledger.problems() == []


def test_a_body_that_waits_for_nothing_lets_others_have_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_strand, "BUDGET", 4)
    log: list[str] = []

    async def other() -> None:
        for _ in range(3):
            log.append("other")
            await asyncio.sleep(0)

    async def body(value: Any) -> Any:
        log.append("body")
        return value

    @virtual
    async def test() -> None:
        builder = create_workflow("wf").then(create_step("s", body))
        for number in range(11):
            builder = builder.then(create_step(f"s{number}", body))
        stream = builder.commit().create_run().stream_vnext(1)
        await asyncio.gather(other(), stream.result)

    test()

    assert log.index("body") < len(log) - 1 - log[::-1].index("other")
    assert log.count("body") == 12


@virtual
async def test_task_whose_body_was_halted_before_it_was_entered_does_not_outlive_the_run() -> None:
    entered: list[Any] = []

    async def bail(value: Any, ctx: StepContext) -> None:
        ctx.bail(value)

    async def body(value: Any) -> None:
        entered.append(value)

    steps = [create_step("bail", bail), create_step("halted", body)]
    stream = create_workflow("wf").parallel(steps).commit().create_run().stream_vnext(1)
    chunks = await read(stream)

    assert chunks[-1].type == "workflow-finish"
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert entered == []
