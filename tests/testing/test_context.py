"""Contexts for calling a step function without a run."""

from __future__ import annotations

import asyncio
import operator
from typing import Annotated, Any

import pytest
from pydantic import BaseModel
from reactivex.scheduler import CurrentThreadScheduler

from rxloom.chunks import Usage
from rxloom.context import StepContext, SyncStepContext
from rxloom.errors import AbortSignal, BailSignal, DefinitionError, InputInvalid, SuspendSignal
from rxloom.scheduler import LoopScheduler
from rxloom.state import Reduce
from rxloom.step import step
from rxloom.testing import RecordingContext, RecordingSyncContext, context


@step
async def price(item: str, ctx: StepContext) -> float:
    await ctx.write({"looking_up": item})
    await ctx.custom("data-note", [item])
    ctx.write_nowait("done")
    return 9.5


@step
def sync_price(item: str, ctx: SyncStepContext) -> float:
    ctx.write({"looking_up": item})
    ctx.custom("data-note", [item])
    return 9.5


async def test_an_async_step_can_be_called_and_what_it_wrote_is_kept() -> None:
    ctx = context()

    assert await price("loom", ctx) == 9.5
    assert ctx.written == [{"looking_up": "loom"}, "done"]
    assert ctx.custom_written == [("data-note", ["loom"])]


def test_a_plain_step_gets_a_sync_context() -> None:
    ctx = context(sync=True)

    assert sync_price("loom", ctx) == 9.5
    assert ctx.written == [{"looking_up": "loom"}]
    assert ctx.custom_written == [("data-note", ["loom"])]


async def test_what_is_written_is_a_copy() -> None:
    ctx = context()
    value = {"items": [1]}
    await ctx.write(value)
    value["items"].append(2)

    assert ctx.written == [{"items": [1]}]


def test_it_is_whom_it_is_told_to_be() -> None:
    ctx = context(run_id="r", workflow_id="w", resource_id="me", path="outer.inner", attempt=2, iteration=3)

    assert (ctx.run_id, ctx.workflow_id, ctx.resource_id, ctx.path) == ("r", "w", "me", "outer.inner")
    assert (ctx.step_id, ctx.attempt, ctx.iteration) == ("inner", 2, 3)
    assert ctx.idempotency_key == "r:0:outer.inner:3"
    assert context().resource_id is None
    assert context().runtime is None


def test_inputs_results_and_the_runtime_context_are_given() -> None:
    ctx = context(init_data={"a": 1}, results={"price": 9.5}, runtime_context={"user": "me"})
    ctx.runtime_context["seen"] = True

    assert ctx.init_data == {"a": 1}
    assert ctx.get_step_result("price") == 9.5
    assert ctx.get_step_result(price) == 9.5
    assert ctx.get_step_result("other", 0) == 0
    assert dict(ctx.runtime_context) == {"user": "me", "seen": True}


async def test_answers_come_one_after_the_other_and_then_it_suspends() -> None:
    ctx = context(resume=["yes", "no"])

    assert ctx.resumed
    assert ctx.resume_data == "no"
    assert [await ctx.suspend({"ask": 1}), await ctx.suspend({"ask": 2})] == ["yes", "no"]
    assert ctx.suspend_data == {"ask": 2}
    with pytest.raises(SuspendSignal):
        await ctx.suspend({"ask": 3})


def test_answers_may_be_given_by_label() -> None:
    ctx = context(sync=True, resume={"second": 2, "first": 1})

    assert [ctx.suspend(label="first"), ctx.suspend(label="second")] == [1, 2]
    with pytest.raises(SuspendSignal):
        ctx.suspend(label="third")


def test_a_lone_text_is_no_list_of_answers() -> None:
    with pytest.raises(TypeError, match="list of answers"):
        context(resume="yes")


def test_without_answers_every_suspension_suspends() -> None:
    ctx = context()

    assert not ctx.resumed
    assert ctx.resume_data is None
    assert ctx.suspend_data is None
    with pytest.raises(SuspendSignal):
        ctx.suspend("how?")


def test_the_other_signals_are_raised_too() -> None:
    with pytest.raises(BailSignal):
        context().bail(1)
    with pytest.raises(AbortSignal):
        context().abort("enough")


class Counted(BaseModel):
    """A state with a counter."""

    count: Annotated[int, Reduce(operator.add)] = 0
    name: str = "nobody"


@pytest.mark.parametrize("kind", ["async", "sync"])
async def test_state_is_read_written_and_reduced(kind: str) -> None:
    ctx: RecordingContext | RecordingSyncContext
    ctx = context(state=Counted(count=1)) if kind == "async" else context(sync=True, state=Counted(count=1))
    for change in (ctx.update_state(count=2), ctx.update_state(lambda state: {"count": state.count})):
        await _done(change)
    await _done(ctx.set_state({**ctx.state.model_dump(), "name": "somebody"}))

    assert ctx.state == Counted(count=6, name="somebody")


async def test_state_that_does_not_fit_is_refused() -> None:
    ctx = context(state=Counted())
    with pytest.raises(InputInvalid):
        await ctx.update_state(name=5)
    with pytest.raises(DefinitionError):
        await ctx.update_state(other=1)


async def test_state_without_a_schema_is_a_dict() -> None:
    ctx = context(state={"a": 1})
    await ctx.set_state({"b": 2})

    assert ctx.state == {"a": 1, "b": 2}
    assert context().state == {}


def test_usage_is_kept() -> None:
    ctx = context()
    ctx.record_usage(Usage(1, 2, 3))

    assert ctx.usage == [Usage(1, 2, 3)]


@pytest.mark.parametrize("type", ["note", "data-", "data-rxloom-gap"])
def test_a_custom_type_that_a_run_would_refuse_is_refused(type: str) -> None:
    with pytest.raises(DefinitionError, match="data-"):
        context(sync=True).custom(type, 1)


async def test_calls_for_a_worker_run_here() -> None:
    assert await context().on_worker(lambda: 42) == 42


def test_it_has_a_scheduler_with_and_without_a_loop() -> None:
    async def scheduler() -> Any:
        return context().scheduler

    assert isinstance(asyncio.run(scheduler()), LoopScheduler)
    assert isinstance(context().scheduler, CurrentThreadScheduler)
    assert context().cancelled.subscribe() is not None


async def _done(change: Any) -> None:
    if change is not None:
        await change
