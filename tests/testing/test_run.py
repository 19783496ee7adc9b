"""Whole workflows in virtual time."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from reactivex import operators as ops

from rxloom import StepContext, SyncStepContext, create_workflow, step
from rxloom.errors import AmbiguousResume
from rxloom.testing import Deadlock, check_chunks, run_virtual


@step
async def ask(number: int, ctx: StepContext) -> int:
    return number + await ctx.suspend({"number": number})


@step
async def ask_twice(number: int, ctx: StepContext) -> int:
    return number + await ctx.suspend(label="first") + await ctx.suspend(label="second")


@step
async def nap(number: int) -> int:
    await asyncio.sleep(60)
    return number


def test_it_tells_chunks_result_and_virtual_duration() -> None:
    workflow = create_workflow("w", input=int, output=int).then(nap).sleep(3600).commit()
    run = run_virtual(workflow, 1)

    assert run.result.unwrap() == 1
    assert run.duration == 3660
    assert run.chunks[0].type == "workflow-start"
    assert run.chunks[-1].type == "workflow-finish"
    assert check_chunks(run.chunks) == []


def test_without_a_script_it_ends_where_it_waits() -> None:
    run = run_virtual(create_workflow("w", input=int, output=int).then(ask).commit(), 1)

    assert run.result.status == "suspended"


def test_listed_answers_are_given_in_order() -> None:
    workflow = create_workflow("w", input=int, output=int).then(ask).sleep(60).then(ask.with_id("again")).commit()
    run = run_virtual(workflow, 1, resume=[10, 100])

    assert run.result.unwrap() == 111
    assert run.duration == 60
    assert [chunk.type for chunk in run.chunks].count("workflow-start") == 3


def test_answers_by_path_go_to_all_who_wait() -> None:
    left, right = ask.with_id("left"), ask.with_id("right")
    workflow = create_workflow("w", input=int, output=Any).parallel([left, right]).commit()
    run = run_virtual(workflow, 1, resume={"left": 10, "right": 20})

    assert run.result.unwrap() == {"left": 11, "right": 21}
    assert [chunk.type for chunk in run.chunks].count("workflow-start") == 2


def test_answers_by_label() -> None:
    workflow = create_workflow("w", input=int, output=int).then(ask_twice).commit()

    assert run_virtual(workflow, 1, resume={"second": 100, "first": 10}).result.unwrap() == 111
    assert run_virtual(workflow, 1, resume={"first": 10}).result.status == "suspended"


def test_one_label_answers_all_items_that_wait_for_it() -> None:
    workflow = create_workflow("w", input=list[int], output=list[int]).for_each(ask_twice, concurrency=3).commit()
    run = run_virtual(workflow, [1, 2, 3], resume={"first": 10, "second": 100})

    assert run.result.unwrap() == [111, 112, 113]


def test_an_answer_nobody_asked_for_is_a_mistake() -> None:
    workflow = create_workflow("w", input=int, output=int).then(ask).commit()
    with pytest.raises(ValueError, match="nobody asked for these scripted answers: 20; the run came to 'success'"):
        run_virtual(workflow, 1, resume=[10, 20])
    with pytest.raises(ValueError, match="other"):
        run_virtual(workflow, 1, resume={"other": 10})


def test_a_lone_text_is_no_script() -> None:
    with pytest.raises(TypeError, match="list of answers"):
        run_virtual(create_workflow("w").then(ask).commit(), 1, resume="yes")


def test_a_refused_answer_is_raised() -> None:
    both = [ask.with_id("left"), ask.with_id("right")]
    with pytest.raises(AmbiguousResume):
        run_virtual(create_workflow("w", input=int).parallel(both).commit(), 1, resume=[10])


def test_threaded_steps_do_not_move_the_clock() -> None:
    @step
    def work(number: int, ctx: SyncStepContext) -> int:
        threading.Event().wait(0.01)
        ctx.write(number)
        return number + 1

    workflow = create_workflow("w", input=int, output=int).then(work).sleep(10).then(work.with_id("more")).commit()
    run = run_virtual(workflow, 1)

    assert run.result.unwrap() == 3
    assert run.duration == 10


def test_rx_timers_are_virtual_too() -> None:
    @step
    async def stuck(number: int) -> int:
        await asyncio.Event().wait()
        return number

    workflow = create_workflow("w", input=int, output=int).then(stuck.pipe(ops.timeout(900))).commit()
    run = run_virtual(workflow, 1)

    assert run.result.status == "failed"
    assert run.duration == 900


def test_a_workflow_that_cannot_go_on_is_a_deadlock() -> None:
    workflow = create_workflow("w").wait_for_event("never").commit()
    with pytest.raises(Deadlock):
        run_virtual(workflow)
