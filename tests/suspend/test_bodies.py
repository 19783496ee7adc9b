"""Suspension inside whatever a body may do: groups, finally, threads, generators, retries."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import reactivex as rx

from rxloom import NonRetryable, Retry, StepContext, StepFailed, SyncStepContext, create_step, create_workflow
from rxloom.errors import SuspendSignal
from tests.play import Played, about, play


def one(body: Any, *resumes: Any, given: Any = 1, **options: Any) -> Played:
    """Play a workflow of one step."""
    return play(create_workflow("wf").then(create_step("s", body, **options)).commit(), given, *resumes)


def test_a_finally_block_runs_at_each_suspension() -> None:
    log: list[str] = []

    async def body(_: Any, ctx: StepContext) -> Any:
        log.append("enter")
        try:
            return await ctx.suspend("?")
        finally:
            await asyncio.sleep(1)
            log.append("leave")

    assert one(body, {"resume_data": "yes"}).output == "yes"
    assert log == ["enter", "leave", "enter", "leave"]


def test_a_context_manager_is_left_properly() -> None:
    log: list[Any] = []

    class Manager:
        """Notes how it is left."""

        async def __aenter__(self) -> None:
            """Enter."""

        async def __aexit__(self, kind: object, *_: object) -> None:
            """Leave."""
            log.append(kind)

    async def body(_: Any, ctx: StepContext) -> Any:
        async with Manager():
            return await ctx.suspend("?")

    assert one(body, {"resume_data": "yes"}).output == "yes"
    assert log == [SuspendSignal, None]


def test_in_a_task_group_siblings_are_cancelled_and_the_step_suspends() -> None:
    cancelled: list[str] = []

    async def other() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append("other")
            raise

    async def body(_: Any, ctx: StepContext) -> Any:
        async def ask() -> Any:
            await asyncio.sleep(1)
            return await ctx.suspend("?")

        async with asyncio.TaskGroup() as group:
            task = group.create_task(ask())
            if not ctx.resumed:
                group.create_task(other())
        return task.result()

    played = one(body, {"resume_data": "yes"})

    assert played.output == "yes"
    assert cancelled == ["other"]


def test_two_questions_in_a_task_group_are_asked_one_after_the_other() -> None:
    async def body(_: Any, ctx: StepContext) -> Any:
        async def ask(question: str) -> Any:
            return await ctx.suspend(question)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(ask("a?")), group.create_task(ask("b?"))]
        return [task.result() for task in tasks]

    played = one(body, {"resume_data": "A"}, {"resume_data": "B"})

    assert played.output == ["A", "B"]
    assert [result.suspend_payload["s"] for result in played.results[:-1]] == ["a?", "b?"]


def test_a_question_in_a_group_beside_an_error_is_a_failure() -> None:
    async def body(_: Any, ctx: StepContext) -> Any:
        async def ask() -> Any:
            return await ctx.suspend("?")

        async def fail() -> None:
            raise ValueError("boom")

        async with asyncio.TaskGroup() as group:
            group.create_task(ask())
            group.create_task(fail())

    assert isinstance(one(body).error, StepFailed)


def test_gathering_questions_asks_the_first() -> None:
    async def body(_: Any, ctx: StepContext) -> Any:
        async def ask(question: str) -> Any:
            return await ctx.suspend(question)

        return await asyncio.gather(ask("a?"), ask("b?"))

    assert one(body, {"resume_data": "A"}, {"resume_data": "B"}).output == ["A", "B"]


def test_a_thread_asks_several_times() -> None:
    def body(_: Any, ctx: SyncStepContext) -> Any:
        ctx.write("asking")
        first = ctx.suspend("a?")
        return first, ctx.suspend("b?"), ctx.resumed

    played = one(body, {"resume_data": 1}, {"resume_data": 2})

    assert played.output == (1, 2, True)
    assert len([line for line in played.told if line == "s > asking"]) == 3


def test_an_async_generator_asks_between_its_items() -> None:
    closed: list[str] = []

    async def body(_: Any, ctx: StepContext) -> AsyncIterator[Any]:
        try:
            yield "before"
            yield await ctx.suspend("?")
        finally:
            closed.append("closed")

    played = one(body, {"resume_data": "answer"})

    assert played.output == ["before", "answer"]
    assert about(played.chunks, "s") == [
        "s: running", "s > before", "s: suspended", "s: resumed", "s > before", "s > answer", "s: success",
    ]  # fmt: skip
    assert closed == ["closed", "closed"]


def test_a_generator_asks_between_its_items() -> None:
    def body(_: Any, ctx: SyncStepContext) -> Iterator[Any]:
        yield "before"
        yield ctx.suspend("?")

    assert one(body, {"resume_data": "answer"}).output == ["before", "answer"]


def test_a_function_that_gives_an_observable_asks_first() -> None:
    def body(_: Any, ctx: SyncStepContext) -> rx.Observable[Any]:
        return rx.of(ctx.suspend("?"), "more")

    assert one(body, {"resume_data": "answer"}).output == ["answer", "more"]


def test_an_attempt_that_suspends_is_not_a_failed_one() -> None:
    async def body(_: Any, ctx: StepContext) -> Any:
        if ctx.attempt == 0:
            raise ValueError("boom")
        return ctx.attempt, await ctx.suspend("?")

    played = one(body, {"resume_data": "yes"}, retries=1)

    assert played.output == (1, "yes")
    assert about(played.chunks, "s") == [
        "s: running", "s: retry 1", "s: suspended", "s: resumed", "s: success",
    ]  # fmt: skip


def test_attempts_are_counted_on_after_a_resume() -> None:
    attempts: list[int] = []

    async def body(_: Any, ctx: StepContext) -> Any:
        attempts.append(ctx.attempt)
        if ctx.attempt == 0:
            raise ValueError("boom")
        await ctx.suspend("?")
        raise ValueError("boom again")

    played = one(body, {"resume_data": "yes"}, retries=2)

    assert isinstance(played.error, ValueError)
    assert attempts == [0, 1, 1, 2]


def test_a_later_attempt_finds_the_answers_of_the_one_before() -> None:
    async def body(_: Any, ctx: StepContext) -> Any:
        name = await ctx.suspend("name?")
        if ctx.attempt == 0:
            raise ValueError("boom")
        return name

    played = one(body, {"resume_data": "Ada"}, retries=1)

    assert played.output == "Ada"
    assert [result.status for result in played.results] == ["suspended", "success"]


def test_a_delay_before_the_next_attempt_comes_after_a_resume_too() -> None:
    async def body(_: Any, ctx: StepContext) -> Any:
        await ctx.suspend("?")
        if ctx.attempt == 0:
            raise ValueError("boom")
        return "done"

    played = one(body, {"resume_data": 1}, retries=Retry(1, delay=30))

    assert played.output == "done"
    assert played.duration == 30


@pytest.mark.parametrize("error", [ValueError("boom"), NonRetryable("no")], ids=lambda error: type(error).__name__)
def test_a_failure_after_an_answer_fails_the_step(error: Exception) -> None:
    async def body(_: Any, ctx: StepContext) -> Any:
        await ctx.suspend("?")
        raise error

    played = one(body, {"resume_data": 1})

    assert played.error is error
    assert about(played.chunks, "s")[-2:] == ["s: resumed", "s: failed"]


def test_the_key_of_a_call_is_the_same_each_time_it_is_entered() -> None:
    keys: list[str] = []

    async def body(_: Any, ctx: StepContext) -> Any:
        keys.append(ctx.idempotency_key)
        await ctx.suspend("a?")
        await ctx.suspend("b?")
        if ctx.attempt == 0:
            raise ValueError("boom")

    one(body, {"resume_data": 1}, {"resume_data": 2}, retries=1)

    assert len(keys) == 4
    assert len(set(keys)) == 1


def test_each_entry_gets_an_equal_input() -> None:
    inputs: list[Any] = []

    async def body(value: Any, ctx: StepContext) -> Any:  # no schema, which would make a copy
        inputs.append({"x": list(value["x"])})
        value["x"].append(99)
        return await ctx.suspend("?")

    one(body, {"resume_data": 1}, given={"x": [1]})

    assert inputs == [{"x": [1]}, {"x": [1]}]


def test_values_that_went_through_a_suspension_are_what_they_were() -> None:
    class Thing:
        """Not plain data."""

    thing = Thing()

    async def make(_: Any) -> Any:
        return {"thing": thing, "set": {1, 2}, "tuple": (1, 2)}

    async def ask(value: Any, ctx: StepContext) -> Any:
        await ctx.suspend("?")
        return value

    wf = create_workflow("wf").then(create_step("make", make)).then(create_step("ask", ask)).commit()
    output = play(wf, 1, {}).output

    assert output["thing"] is thing
    assert (output["set"], output["tuple"]) == ({1, 2}, (1, 2))
