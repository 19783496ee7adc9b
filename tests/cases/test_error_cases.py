"""What failures look like."""

from __future__ import annotations

import asyncio
import gc
import logging

import pytest

from rxloom import create_workflow
from rxloom.testing import virtual_run
from tests.cases.kit import Data, failing, giving


class HttpError(Exception):
    """An error with attributes of its own."""

    def __init__(self, message: str, **attributes: object) -> None:
        super().__init__(message)
        for name, value in attributes.items():
            setattr(self, name, value)


async def test_a_failing_step_fails_the_run_with_its_message() -> None:
    error = RuntimeError("Step execution failed")
    result = await create_workflow("wf").then(failing("step1", error)).commit().create_run().start({})
    assert result.status == "failed"
    step = result.steps["step1"]

    assert result.error.message == "Step execution failed"
    assert result.input == {}
    assert (step.status, step.input) == ("failed", {})
    assert step.ended_at is not None
    assert step.ended_at >= step.started_at
    assert result.exception is error


async def test_a_step_after_a_map_gets_what_the_map_gives() -> None:
    wf = create_workflow("wf").then(giving("step1", {"data": "success"})).map(lambda data: {"data": data["data"]})
    result = await wf.then(giving("step2", {})).commit().create_run().start({})

    assert (result.steps["step1"].status, result.steps["step2"].status) == ("success", "success")
    assert result.steps["step2"].input == {"data": "success"}


async def test_a_failure_beside_a_success_fails_the_run() -> None:
    wf = create_workflow("wf").parallel([giving("step1", {}), failing("step2", RuntimeError("Step execution failed"))])
    result = await wf.commit().create_run().start({})
    assert result.status == "failed"

    assert result.steps["step1"].status == "success"
    assert result.steps["step2"].error is not None
    assert result.steps["step2"].error.message == "Step execution failed"


async def test_an_error_keeps_its_own_attributes() -> None:
    error = HttpError("too many", statusCode=429, responseHeaders={"retry-after": "60"}, isRetryable=True)
    result = await create_workflow("wf").then(failing("call", error)).commit().create_run().start({})
    stored = result.steps["call"].error

    assert stored is not None
    assert stored.attributes == {"statusCode": 429, "responseHeaders": {"retry-after": "60"}, "isRetryable": True}
    assert (stored.name, stored.message) == ("HttpError", "too many")


async def test_the_error_of_a_step_is_the_error_of_the_run() -> None:
    error = HttpError("no", statusCode=500)
    result = await create_workflow("wf").then(failing("call", error)).commit().create_run().start({})

    assert result.status == "failed"
    assert result.error == result.steps["call"].error
    assert result.exception is error


async def test_the_error_of_a_nested_step_is_the_error_of_its_workflow() -> None:
    nested = create_workflow("nested").then(failing("bad", ValueError("nested failure"))).commit()
    result = await create_workflow("wf").then(nested).commit().create_run().start({})
    error = result.steps["nested"].error

    assert result.steps["nested"].status == "failed"
    assert error is not None
    assert (error.name, error.message) == ("ValueError", "nested failure")


async def test_the_chain_of_causes_is_kept() -> None:
    top = HttpError("top", statusCode=500, isRetryable=True)
    top.__cause__ = intermediate = RuntimeError("intermediate")
    intermediate.__cause__ = ValueError("root")
    result = await create_workflow("wf").then(failing("call", top)).commit().create_run().start({})
    assert result.status == "failed"
    cause = result.error.cause

    assert result.error.attributes == {"statusCode": 500, "isRetryable": True}
    assert cause is not None
    assert cause.message == "intermediate"
    assert cause.cause is not None
    assert cause.cause.message == "root"


async def test_the_stored_error_has_its_data_and_no_traceback_on_the_wire() -> None:
    error = HttpError("boom", statusCode=500, errorCode="INTERNAL_ERROR")
    run = create_workflow("wf").then(failing("call", error)).commit().create_run()
    chunks: list[Data] = [chunk.to_wire() async for chunk in run.stream_vnext({})]
    stored = (await run.snapshot()).steps["call"].error
    told = chunks[-2]["payload"]["error"]

    assert stored is not None
    assert (stored.message, stored.name) == ("boom", "HttpError")
    assert told == {"name": "HttpError", "message": "boom", "statusCode": 500, "errorCode": "INTERNAL_ERROR"}
    assert "Traceback" not in str(chunks)


def test_a_failed_run_that_nobody_looks_at_is_logged_with_its_step(caplog: pytest.LogCaptureFixture) -> None:
    async def play() -> None:
        create_workflow("wf").then(failing("the-step", ValueError("boom"))).commit().create_run().stream_vnext({})
        await asyncio.sleep(1)
        gc.collect()

    with caplog.at_level(logging.ERROR):
        virtual_run(play())

    assert "'the-step'" in caplog.text
    assert "boom" in caplog.text
