"""A subscriber without `on_error`: the error is told in one line, and is no fault of the subscriber."""

from __future__ import annotations

import asyncio

import pytest

from rxloom import create_workflow, step


@step
async def nothing(value: int) -> int:
    return value


async def test_an_error_that_no_subscriber_takes_is_logged_and_nobody_is_blamed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    run = create_workflow("wf").then(nothing).commit().create_run(run_id="unheard")
    await run.start(1)
    run.resume_stream_vnext("answer").subscribe(lambda _: None)
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    [line] = [record.getMessage() for record in caplog.records]
    assert line.startswith("a stream of run unheard ended, and nobody took its error: NotSuspended(")
