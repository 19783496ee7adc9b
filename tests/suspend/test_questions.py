"""Several questions in one step, in both styles; labels; questions that change."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import random
from typing import Any

import pytest

from rxloom import AmbiguousResume, NotSuspended, StepContext, SuspendMismatch, create_step, create_workflow
from tests.play import Played, asking, play


def one(body: Any, *resumes: Any, **options: Any) -> Played:
    """Play a workflow of one step."""
    return play(create_workflow("wf").then(create_step("s", body, **options)).commit(), 1, *resumes)


def answers(*data: Any) -> list[dict[str, Any]]:
    """Make one resume of each answer."""
    return [{"resume_data": one} for one in data]


async def wizard(_: Any, ctx: StepContext) -> list[Any]:
    return [await ctx.suspend("name?"), await ctx.suspend("age?"), await ctx.suspend("sure?")]


def test_each_call_gets_the_answer_to_its_own_question() -> None:
    played = one(wizard, *answers("Ada", 36, "yes"))

    assert played.output == ["Ada", 36, "yes"]
    assert [result.suspend_payload["s"] for result in played.results[:-1]] == ["name?", "age?", "sure?"]


def test_the_body_is_entered_again_from_its_top() -> None:
    entered: list[list[Any]] = []

    async def body(_: Any, ctx: StepContext) -> int:
        entered.append([ctx.resumed, ctx.resume_data, ctx.suspend_data])
        return await ctx.suspend("a?") + await ctx.suspend("b?")

    assert one(body, *answers(1, 2)).output == 3
    assert entered == [[False, None, None], [True, 1, "a?"], [True, 2, "b?"]]


def test_equal_questions_are_answered_in_order() -> None:
    async def body(_: Any, ctx: StepContext) -> list[Any]:
        return [await ctx.suspend("more?") for _ in range(3)]

    assert one(body, *answers("a", "b", "c")).output == ["a", "b", "c"]


def test_labelled_questions_may_change_what_they_say() -> None:
    async def body(_: Any, ctx: StepContext) -> list[Any]:
        first = await ctx.suspend({"nonce": random.random()}, label="first")  # noqa: S311 # no secret
        return [first, await ctx.suspend({"nonce": random.random()}, label="second")]  # noqa: S311 # no secret

    assert one(body, *answers(1, 2)).output == [1, 2]


def test_a_loop_asks_until_it_is_content() -> None:
    async def body(_: Any, ctx: StepContext) -> int:
        for attempt in range(10):
            guess = await ctx.suspend({"attempt": attempt})
            if guess == 7:
                return attempt
        return -1

    assert one(body, *answers(1, 2, 7)).output == 2


def test_the_style_that_asks_only_when_it_was_not_resumed() -> None:
    async def body(_: Any, ctx: StepContext) -> Any:
        if not ctx.resumed:
            await ctx.suspend({"nonce": random.random()})  # noqa: S311 # no secret
        return ctx.resume_data

    assert one(body, *answers("yes")).output == "yes"


def test_the_style_that_looks_at_the_answer() -> None:
    async def body(_: Any, ctx: StepContext) -> Any:
        if ctx.resume_data is None:
            await ctx.suspend("name?")
        if ctx.resume_data == "Ada":
            await ctx.suspend("which Ada?")
        return ctx.resume_data

    played = one(body, *answers("Ada", "Lovelace"))

    assert played.output == "Lovelace"
    assert played.results[1].suspend_payload == {"s": "which Ada?"}


@pytest.mark.parametrize("times", range(1, 5))
def test_that_style_may_ask_another_question_as_often_as_it_likes(times: int) -> None:
    async def body(_: Any, ctx: StepContext) -> Any:
        asked = ctx.resume_data or 0
        if asked < times:
            await ctx.suspend(f"question {asked}")
        return asked

    assert one(body, *answers(*range(1, times + 1))).output == times


def test_an_answer_to_a_question_that_is_not_asked_any_more_is_noticed_the_second_time() -> None:
    async def body(_: Any, ctx: StepContext) -> Any:
        return await ctx.suspend({"nonce": random.random()})  # noqa: S311 # no secret

    played = one(body, *answers(1, 2))

    assert [result.status for result in played.results] == ["suspended", "suspended", "failed"]
    assert isinstance(played.error, SuspendMismatch)
    assert all(word in str(played.error) for word in ("label", "'s'", "'wf'"))


def test_a_mismatch_is_not_tried_again() -> None:
    async def body(_: Any, ctx: StepContext) -> Any:
        return await ctx.suspend({"nonce": random.random()})  # noqa: S311 # no secret

    assert one(body, *answers(1, 2), retries=5).told.count("s: failed") == 1


def test_a_question_that_matches_again_sets_the_count_back() -> None:
    nonces = iter([0, 1, 1, 2, 2])

    async def body(_: Any, ctx: StepContext) -> Any:
        return await ctx.suspend(next(nonces))

    assert one(body, *answers("a", "b")).output == "b"


def test_questions_may_branch_on_answers() -> None:
    async def body(_: Any, ctx: StepContext) -> Any:
        if await ctx.suspend("ship?"):
            return "to", await ctx.suspend("where?")
        return "why", await ctx.suspend("why not?")

    assert one(body, *answers("yes", "Rome")).output == ("to", "Rome")
    assert one(body, *answers("", "late")).output == ("why", "late")


def test_a_label_finds_the_step_that_waits() -> None:
    steps = [asking("a", label="left"), asking("b", label="right"), asking("c", label="right")]
    wf = create_workflow("wf").parallel(steps).commit()
    played = play(wf, 1, {"resume_data": 1, "label": "left"}, {"resume_data": 2, "label": "right", "step": "c"},
                  {"resume_data": 3, "label": "right"})  # fmt: skip

    assert played.output == {"a": (1, 1), "b": (1, 3), "c": (1, 2)}


def test_a_label_that_nobody_waits_under_or_several_do_is_refused() -> None:
    wf = create_workflow("wf").parallel([asking("a", label="x"), asking("b", label="x")]).commit()

    with pytest.raises(NotSuspended, match="'y'"):
        play(wf, 1, {"resume_data": 1, "label": "y"})
    with pytest.raises(AmbiguousResume, match="a, b"):
        play(wf, 1, {"resume_data": 1, "label": "x"})
    with pytest.raises(NotSuspended):
        play(wf, 1, {"resume_data": 1, "label": "y", "step": "a"})


def test_one_label_in_all_items_of_a_for_each_answers_them_all() -> None:
    wf = create_workflow("wf").for_each(asking("a", label="x"), concurrency=3).commit()

    assert play(wf, [1, 2, 3], {"resume_data": "all", "label": "x"}).output == [(1, "all"), (2, "all"), (3, "all")]


def test_an_answer_is_used_by_one_call_an_entry() -> None:
    async def body(_: Any, ctx: StepContext) -> list[Any]:
        return [await ctx.suspend("x", label="same"), await ctx.suspend("y", label="same")]

    assert one(body, *answers(1, 2)).output == [1, 2]


async def test_a_question_that_is_unequal_to_itself_is_known_again() -> None:
    async def ask(value: int, ctx: StepContext) -> Any:
        return [value, await ctx.suspend({"price": float("nan")})]

    run = create_workflow("wf").then(create_step("ask", ask)).commit().create_run()
    await run.start(1)

    assert (await run.resume("fine")).unwrap() == [1, "fine"]


def test_whoever_looks_whether_it_was_resumed_may_ask_whatever_it_likes() -> None:
    asked: list[bool] = []

    async def body(_: Any, ctx: StepContext) -> int:
        asked.append(ctx.resumed)
        if len(asked) < 5:
            await ctx.suspend({"question": len(asked)})
        return len(asked)

    assert one(body, *answers(1, 2, 3, 4)).output == 5
