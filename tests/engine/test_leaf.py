"""What a body may do: return, raise, signal, swallow."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rxloom import SignalSwallowed, StepContext, StepFailed, SyncStepContext, create_step, create_workflow
from rxloom.errors import BailSignal, StepSignal, SuspendSignal
from tests.play import Played, about, adding, play
from tests.virtual import virtual


def one(body: Any, given: Any = 1, *resumes: Any, **options: Any) -> Played:
    """Play a workflow of one step and another after it."""
    return play(create_workflow("wf").then(create_step("s", body, **options)).then(after()).commit(), given, *resumes)


def after() -> Any:
    """Make a step that passes its input on."""

    async def body(value: Any) -> Any:
        return value

    return create_step("after", body)


class Odd(BaseException):
    """No Exception."""


@pytest.mark.parametrize(
    "error", [Odd("x"), StopIteration("x"), StopAsyncIteration(), asyncio.CancelledError("x")], ids=repr
)
@pytest.mark.parametrize("kind", ["async", "thread", "inline"])
def test_whatever_a_body_raises_fails_the_step(error: BaseException, kind: str) -> None:
    async def later(_: Any) -> None:
        raise error

    def now(_: Any) -> None:
        raise error

    played = one(later if kind == "async" else now, inline=kind == "inline")

    assert played.told == ["start", "s: running", "s: failed", "failed"]
    assert isinstance(played.error, Exception)
    assert type(error).__name__ in repr(played.error) or "cancelled" in str(played.error)


def test_what_is_no_exception_is_the_cause_of_a_step_failed() -> None:
    async def body(_: Any) -> None:
        raise Odd("x")

    error = one(body).error

    assert isinstance(error, StepFailed)
    assert isinstance(error.__cause__, Odd)
    assert all(word in str(error) for word in ("'s'", "'wf'", "Odd"))


def test_a_body_that_is_cancelled_by_something_else_has_failed() -> None:
    async def body(_: Any) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(1)

    played = one(body)

    assert isinstance(played.error, StepFailed)
    assert "cancelled by something else" in str(played.error)


@pytest.mark.parametrize("kind", ["async", "thread", "inline"])
def test_a_bail_ends_the_workflow_with_its_result(kind: str) -> None:
    async def later(_: Any, ctx: StepContext) -> None:
        ctx.bail({"early": True})

    def now(_: Any, ctx: SyncStepContext) -> None:
        ctx.bail({"early": True})

    played = one(later if kind == "async" else now, inline=kind == "inline")

    assert played.output == {"early": True}
    assert played.told == ["start", "s: running", "s: bailed", "success"]


@pytest.mark.parametrize("kind", ["async", "thread", "inline"])
def test_an_abort_cancels_the_run(kind: str) -> None:
    async def later(_: Any, ctx: StepContext) -> None:
        ctx.abort("enough")

    def now(_: Any, ctx: SyncStepContext) -> None:
        ctx.abort("enough")

    played = one(later if kind == "async" else now, inline=kind == "inline")

    assert (played.result.status, played.result.reason) == ("canceled", "enough")
    assert played.told == ["start", "s: running", "s: canceled", "canceled", "canceled"]


def test_an_abort_cancels_siblings_and_what_is_around() -> None:
    async def abort(_: Any, ctx: StepContext) -> None:
        await asyncio.sleep(1)
        ctx.abort()

    inner = create_workflow("inner").then(create_step("abort", abort)).commit()
    played = play(create_workflow("wf").parallel([inner, adding("slow", seconds=60)]).commit(), 1)

    assert played.duration == 1
    assert about(played.chunks, "inner", "inner.abort", "slow")[-3:] == [
        "inner.abort: canceled", "inner: canceled", "slow: canceled",
    ]  # fmt: skip
    assert "inner.abort" in played.result.reason


@pytest.mark.parametrize("signal", ["suspend", "bail", "abort"])
@pytest.mark.parametrize("kind", ["async", "thread"])
def test_a_body_that_swallows_its_signal_fails_and_is_told_what_to_do(signal: str, kind: str) -> None:
    def swallow(ctx: Any) -> str:
        try:
            getattr(ctx, signal)()
        except BaseException:  # noqa: BLE001 # that is the point
            return "went on"
        return "never"

    async def later(_: Any, ctx: StepContext) -> str:
        return swallow(ctx)

    def now(_: Any, ctx: SyncStepContext) -> str:
        return swallow(ctx)

    played = one(later if kind == "async" else now, retries=3)

    assert isinstance(played.error, SignalSwallowed)
    assert all(word in str(played.error) for word in ("let it pass", "'s'", "'wf'"))
    assert played.told == ["start", "s: running", "s: failed", "failed"]


def test_except_exception_swallows_no_signal() -> None:
    async def body(_: Any, ctx: StepContext) -> None:
        try:
            ctx.bail("out")
        except Exception as error:
            raise AssertionError from error

    assert one(body).output == "out"


def test_a_signal_that_is_replaced_by_an_error_is_that_error() -> None:
    async def body(_: Any, ctx: StepContext) -> None:
        try:
            await ctx.suspend()
        except SuspendSignal:
            raise LookupError("no") from None

    assert isinstance(one(body).error, LookupError)


def test_a_finally_may_await_and_write_while_a_signal_passes() -> None:
    async def body(_: Any, ctx: StepContext) -> None:
        try:
            ctx.bail("out")
        finally:
            await asyncio.sleep(1)
            await ctx.write("bye")

    played = one(body)

    assert played.output == "out"
    assert about(played.chunks, "s") == ["s: running", "s > bye", "s: bailed"]


@pytest.mark.parametrize("style", ["task group", "explicit group"])
def test_a_signal_in_a_group_counts_if_all_in_it_are_this_steps(style: str) -> None:
    async def body(_: Any, ctx: StepContext) -> None:
        async def ask() -> None:
            await asyncio.sleep(1)
            ctx.bail("out")

        if style == "task group":
            async with asyncio.TaskGroup() as group:
                group.create_task(ask())
                group.create_task(asyncio.sleep(60))
        else:
            try:
                ctx.bail("out")
            except BailSignal as signal:
                raise BaseExceptionGroup("g", [BaseExceptionGroup("h", [signal])]) from None

    assert one(body).output == "out"


def test_an_error_beside_a_signal_in_a_group_fails_the_step() -> None:
    async def body(_: Any, ctx: StepContext) -> None:
        try:
            ctx.bail("out")
        except BailSignal as signal:
            raise BaseExceptionGroup("g", [signal, ValueError("x")]) from None

    error = one(body).error

    assert isinstance(error, StepFailed)
    assert isinstance(error.__cause__, BaseExceptionGroup)


def test_the_signal_of_another_step_is_an_error_here() -> None:
    kept: list[StepSignal] = []

    async def first(value: Any, ctx: StepContext) -> Any:
        kept.append(BailSignal("stolen", owner=ctx))
        return value

    async def second(_: Any) -> None:
        raise kept[0]

    wf = create_workflow("wf").then(create_step("first", first)).then(create_step("second", second)).commit()
    played = play(wf, 1)

    assert isinstance(played.error, StepFailed)
    assert played.told[-2:] == ["second: failed", "failed"]


@virtual
async def test_a_signal_raised_in_a_task_the_body_left_behind_ends_nobody() -> None:
    async def body(_: Any, ctx: StepContext) -> str:
        async def late() -> None:
            await asyncio.sleep(1)
            with pytest.raises(StepSignal):
                ctx.bail("late")

        tasks.append(asyncio.get_running_loop().create_task(late()))
        return "done"

    tasks: list[Any] = []
    wf = create_workflow("wf").then(create_step("s", body)).sleep(5).commit()
    result = await wf.create_run().start(1)
    await tasks[0]

    assert result.unwrap() == "done"
