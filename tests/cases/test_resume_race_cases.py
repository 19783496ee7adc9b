"""Several callers at once: one starts, one resumes."""

from __future__ import annotations

import asyncio

import pytest

from rxloom import create_workflow
from rxloom.errors import NotSuspended, ResumeConflict, ResumeInvalid, RunAlreadyStarted
from tests.cases.kit import asking, giving


async def test_of_two_concurrent_resumes_one_wins_and_what_follows_runs_once() -> None:
    calls: list[str] = []
    run = create_workflow("wf").then(asking("ask")).then(giving("later", 1, calls)).commit().create_run()
    await run.start({})
    outcomes = await asyncio.gather(run.resume({}), run.resume({}), return_exceptions=True)
    won = [one for one in outcomes if not isinstance(one, BaseException)]
    lost = [one for one in outcomes if isinstance(one, BaseException)]

    assert [result.status for result in won] == ["success"]
    assert len(lost) == 1
    assert isinstance(lost[0], ResumeConflict | NotSuspended)
    assert calls == ["later"]


async def test_a_refused_resume_does_not_block_the_next_one() -> None:
    run = create_workflow("wf").then(asking("ask", resume=int)).commit().create_run()
    await run.start({})
    with pytest.raises(ResumeInvalid):
        await run.resume("no number")

    assert (await run.resume(3)).unwrap() == 3


async def test_a_second_start_of_one_run_id_is_refused_and_runs_nothing() -> None:
    calls: list[str] = []
    wf = create_workflow("wf").then(giving("step", 1, calls)).commit()
    first = wf.create_run(run_id="the-one").stream_vnext({})
    with pytest.raises(RunAlreadyStarted):
        await wf.create_run(run_id="the-one").start({})
    await first

    assert calls == ["step"]
