"""Runs that do not succeed: the end of the sequence, or values of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import reactivex as rx
from reactivex import operators as ops

from rxloom import Success, Workflow, create_workflow, step
from rxloom.errors import InputInvalid, WorkflowCanceled, WorkflowFailed, WorkflowSuspended
from tests.map_runs.kit import ABORT, ASK, INCREMENT, Pool, clocked
from tests.virtual import virtual

BAD = -1.0  # takes a second, then fails


@virtual
async def test_failed_run_ends_the_sequence_and_cancels_the_others() -> None:
    pool = Pool()
    operator = pool.workflow.as_operator(max_concurrency=3, ordered=False)
    heard = await clocked(rx.of(5.0, BAD, 0.5, 4.0).pipe(operator))
    await asyncio.sleep(9)

    assert heard.log == [(0.5, 0.5), (1, WorkflowFailed)]
    assert pool.canceled == [(1, 5.0), (1, 4.0)]
    assert pool.open == 0


@virtual
async def test_error_has_the_result_and_its_cause() -> None:
    heard = await clocked(rx.of(BAD).pipe(Pool().workflow.as_operator()))
    error: Any = heard.end

    assert error.result.status == "failed"
    assert repr(error.__cause__) == "ValueError(-1.0)"
    assert error.run_id == error.result.run_id


@virtual
async def test_in_order_a_failure_comes_after_the_outputs_before_it() -> None:
    pool = Pool()
    heard = await clocked(rx.of(3.0, BAD, 4.0).pipe(pool.workflow.as_operator(max_concurrency=2)))

    assert heard.log == [(3, 3.0), (3, WorkflowFailed)]


@virtual
async def test_in_order_nothing_is_started_or_goes_on_that_comes_after_a_failure() -> None:
    pool = Pool()
    await clocked(rx.of(3.0, BAD, 4.0, 5.0).pipe(pool.workflow.as_operator(max_concurrency=3)))

    assert pool.started == [(0, 3.0), (0, BAD), (0, 4.0)]
    assert pool.canceled == [(1, 4.0)]


@virtual
async def test_in_order_the_first_of_several_failures_is_told(caplog: pytest.LogCaptureFixture) -> None:
    pool = Pool()
    heard = await clocked(rx.of(-3.0, -2.0, BAD).pipe(pool.workflow.as_operator(max_concurrency=3)))
    error: Any = heard.end

    assert heard.log == [(3, WorkflowFailed)]
    assert error.result.input == -3.0
    assert caplog.records == []  # the others are none that nobody looked at


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize(
    ("workflow", "error"), [(ASK, WorkflowSuspended), (ABORT, WorkflowCanceled)], ids=["suspended", "canceled"]
)
async def test_run_that_stops_ends_the_sequence(
    workflow: Workflow[int, int],
    error: type[Exception],
    ordered: bool,  # noqa: FBT001
) -> None:
    heard = await clocked(rx.of(1, 0, 2).pipe(workflow.as_operator(ordered=ordered)))

    assert heard.items == [1]
    assert type(heard.end) is error


async def test_run_that_was_suspended_can_be_resumed() -> None:
    heard = await clocked(rx.of(0).pipe(ASK.as_operator()))
    error: Any = heard.end
    result = await ASK.create_run(run_id=error.run_id).resume("it is")

    assert result.unwrap() == 0


@pytest.mark.parametrize("workflow", [ASK, ABORT], ids=["suspended", "canceled"])
async def test_every_outcome_is_a_result_if_that_is_wanted(workflow: Workflow[int, int]) -> None:
    heard = await clocked(rx.of(1, 0, 2).pipe(workflow.as_operator(materialize_failures=True)))
    first, second, third = heard.items

    assert (first.status, third.status) == ("success", "success")
    assert second.status in {"suspended", "canceled"}
    assert isinstance(third, Success)
    assert third.result == 2
    assert heard.end == "completed"


async def test_input_that_does_not_fit_is_a_failed_run() -> None:
    wrong: Any = "no number"
    results = await rx.of(1, wrong, 3).pipe(INCREMENT.as_operator(materialize_failures=True), ops.to_list())
    heard = await clocked(rx.of(1, wrong, 3).pipe(INCREMENT.as_operator()))

    assert [result.status for result in results] == ["success", "failed", "success"]
    assert heard.items == [2]
    assert isinstance(heard.end, WorkflowFailed)
    assert isinstance(heard.end.__cause__, InputInvalid)


async def test_retry_around_it_runs_the_source_again() -> None:
    tries = 0

    @step
    async def third_time(number: int) -> int:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise ValueError(number)
        return number

    flaky = create_workflow("flaky", input=int, output=int).then(third_time).commit()
    outputs = await rx.of(7).pipe(flaky.as_operator(), ops.retry(3), ops.to_list())

    assert outputs == [7]
    assert tries == 3


async def test_error_that_nobody_takes_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    wrong: Any = "no number"
    rx.of(wrong).pipe(INCREMENT.as_operator()).subscribe(print)
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert "nobody took their error" in caplog.text
