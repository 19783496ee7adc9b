"""Loops and retries."""

from __future__ import annotations

from typing import Any

import pytest

from rxloom import Retry, StepContext, create_step, create_workflow
from rxloom.errors import NonRetryable
from rxloom.testing import run_virtual
from tests.cases.kit import Data, adding, failing


async def test_do_until_ends_when_its_condition_holds() -> None:
    wf = create_workflow("wf").do_until(adding("inc", 1), lambda data: data["value"] >= 12).commit()

    assert (await wf.create_run().start({"value": 0})).unwrap() == {"value": 12}


async def test_do_while_goes_on_while_its_condition_holds() -> None:
    wf = create_workflow("wf").do_while(adding("inc", 1), lambda data: data["value"] < 12).commit()

    assert (await wf.create_run().start({"value": 0})).unwrap() == {"value": 12}


async def test_do_while_runs_its_body_once_though_the_condition_is_met_already() -> None:
    wf = create_workflow("wf").do_while(adding("inc", 1), lambda data: data["value"] < 10).commit()

    assert (await wf.create_run().start({"value": 10})).unwrap() == {"value": 11}


async def test_a_loop_accumulates() -> None:
    async def collect(data: Data) -> Data:
        return {"items": [*data["items"], f"item-{len(data['items'])}"]}

    wf = create_workflow("wf").do_until(create_step("collect", collect), lambda data: len(data["items"]) == 3)

    assert (await wf.commit().create_run().start({"items": []})).unwrap() == {"items": ["item-0", "item-1", "item-2"]}


async def test_rounds_are_counted_from_one_and_each_loop_counts_for_itself() -> None:
    seen: list[tuple[int, int]] = []

    async def count(data: Data, ctx: StepContext) -> Data:
        seen.append((ctx.iteration, ctx.attempt))
        return {"value": data["value"] + 1}

    step = create_step("first", count)
    builder = create_workflow("wf").do_while(step, lambda _, ctx: ctx.iteration < 3)
    wf = builder.do_until(step.with_id("second"), lambda data: data["value"] >= 10).commit()
    result = await wf.create_run().start({"value": 0})

    assert result.unwrap() == {"value": 10}
    assert seen == [(n, 0) for n in (1, 2, 3)] + [(n, 0) for n in range(1, 8)]


async def test_a_raising_condition_fails_the_run() -> None:
    def boom(_data: Data) -> bool:
        raise ValueError("condition boom")

    run = create_workflow("wf").do_while(adding("inc", 1), boom).commit().create_run()
    result = await run.start({"value": 0})

    assert result.status == "failed"
    assert result.error.message == "condition boom"
    assert (await run.snapshot()).status == "failed"


async def test_a_condition_that_aborts_cancels_the_run_whatever_it_raises_then() -> None:
    def give_up(_data: Data, ctx: StepContext) -> bool:
        try:
            return ctx.abort()
        finally:
            ctx.runtime_context["seen"] = True

    result = await create_workflow("wf").do_while(adding("inc", 1), give_up).commit().create_run().start({"value": 0})

    assert result.status == "canceled"


async def test_a_failing_step_is_called_once_by_default() -> None:
    calls: list[str] = []
    result = await create_workflow("wf").then(failing("a", ValueError("x"), calls)).commit().create_run().start({})

    assert result.status == "failed"
    assert len(calls) == 1


def test_the_retries_of_the_workflow_are_further_attempts() -> None:
    calls: list[str] = []
    wf = create_workflow("wf", retries=Retry(5, delay=0.01)).then(failing("a", ValueError("x"), calls)).commit()
    played = run_virtual(wf, {})

    assert played.result.status == "failed"
    assert len(calls) == 6
    assert played.duration == pytest.approx(0.05)


async def test_the_retries_of_a_step_beat_those_of_the_workflow() -> None:
    calls: list[str] = []
    wf = create_workflow("wf", retries=10).then(failing("a", ValueError("x"), calls, retries=5)).commit()
    await wf.create_run().start({})

    assert len(calls) == 6


async def test_an_error_that_must_not_be_retried_is_not() -> None:
    calls: list[str] = []
    wf: Any = create_workflow("wf").then(failing("a", NonRetryable("x"), calls, retries=5)).commit()
    await wf.create_run().start({})

    assert len(calls) == 1
