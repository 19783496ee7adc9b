"""Suspension inside nested workflows, parallels, branches and loops."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

from typing import Any

import pytest

from rxloom import AmbiguousResume, NotSuspended, StepContext, create_step, create_workflow
from tests.play import about, adding, asking, failing, play, told


def counting(id: str, calls: list[str], step: Any = None) -> Any:
    """Make a step that notes that it was entered, and passes its input on."""

    async def body(value: Any) -> Any:
        calls.append(id)
        return value

    return step or create_step(id, body)


def nest(step: Any, depth: int) -> Any:
    """Put a step into so many workflows."""
    for level in range(depth):
        step = create_workflow(f"w{level}").then(step).commit()
    return step


def added(pair: tuple[int, int]) -> int:
    """Add two numbers."""
    return pair[0] + pair[1]


# -- nested ------------------------------------------------------------------------------------------------------


def test_a_nested_step_suspends_all_around_it_and_is_resumed_with_them() -> None:
    calls: list[str] = []
    inner = create_workflow("inner").then(counting("a", calls)).then(asking("ask", "?")).then(counting("b", calls))
    wf = (
        create_workflow("wf").then(counting("first", calls)).then(inner.commit()).then(counting("last", calls)).commit()
    )
    played = play(wf, 1, {"resume_data": "yes"})

    assert played.output == (1, "yes")
    assert calls == ["first", "a", "b", "last"]
    assert told(played.legs[0])[3:] == [
        "inner: running", "inner.a: running", "inner.a: success", "inner.ask: running", "inner.ask: suspended",
        "inner: suspended", "suspended",
    ]  # fmt: skip
    assert told(played.legs[1]) == [
        "start", "inner: resumed", "inner.ask: resumed", "inner.ask: success", "inner.b: running", "inner.b: success",
        "inner: success", "last: running", "last: success", "success",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "step",
    [None, "w1", "w1.w0", "w1.w0.ask", "ask", "w0.ask", "w0", ["w1", "w0", "ask"]],
    ids=str,
)
def test_the_leaf_may_be_named_by_any_part_of_its_path(step: Any) -> None:
    assert play(nest(asking("ask"), 3), 1, {"resume_data": 2, "step": step}).output == (1, 2)


def test_the_leaf_may_be_named_by_the_step_itself_or_the_workflows_around_it() -> None:
    ask = asking("ask")
    inner = create_workflow("inner").then(ask).commit()
    wf = create_workflow("wf").then(inner).commit()

    assert play(wf, 1, {"resume_data": 2, "step": ask}).output == (1, 2)
    assert play(wf, 1, {"resume_data": 2, "step": inner}).output == (1, 2)
    assert play(wf, 1, {"resume_data": 2, "step": [inner, ask]}).output == (1, 2)


@pytest.mark.parametrize("depth", [15, 16, 17, 33, 200])
def test_at_any_depth(depth: int) -> None:
    played = play(nest(asking("ask"), depth), 1, {"resume_data": 2})

    assert played.output == (1, 2)
    assert len([line for line in played.told if line.endswith(": suspended")]) == depth


def test_a_step_that_does_not_wait_cannot_be_named() -> None:
    for step in ("nobody", "w1.nobody", "w0.ask.more"):
        with pytest.raises(NotSuspended, match=r"w1\.w0\.ask"):
            play(nest(asking("ask"), 3), 1, {"resume_data": 2, "step": step})


def test_a_nested_workflow_that_retries_after_a_resume_asks_anew() -> None:
    inner = (
        create_workflow("inner").then(asking("ask")).map(lambda pair: pair[1]).then(failing("bad", times=1)).commit()
    )
    played = play(create_workflow("wf", retries=1).then(inner).commit(), 1, {"resume_data": "a"}, {"resume_data": "b"})

    assert played.output == "b"
    assert about(played.chunks, "inner", "inner.ask")[-8:] == [
        "inner: retry 1", "inner.ask: running", "inner.ask: suspended", "inner: suspended",
        "inner: resumed", "inner.ask: resumed", "inner.ask: success", "inner: success",
    ]  # fmt: skip


# -- parallel ----------------------------------------------------------------------------------------------------


def test_one_of_several_is_resumed_and_the_others_still_wait() -> None:
    calls: list[str] = []
    wf = create_workflow("wf").parallel([asking("a"), counting("b", calls), asking("c")]).commit()
    played = play(wf, 1, {"resume_data": "c!", "step": "c"}, {"resume_data": "a!"})

    assert played.output == {"a": (1, "a!"), "b": 1, "c": (1, "c!")}
    assert calls == ["b"]
    assert [sorted(result.suspend_payload) for result in played.results[:-1]] == [["a", "c"], ["a"]]
    assert told(played.legs[1]) == ["start", "c: resumed", "c: success", "suspended"]
    assert told(played.legs[2]) == ["start", "a: resumed", "a: success", "success"]


def test_which_one_has_to_be_said() -> None:
    with pytest.raises(AmbiguousResume, match="a, b"):
        play(create_workflow("wf").parallel([asking("a"), asking("b")]).commit(), 1, {"resume_data": 1})


def test_a_failed_arm_beside_a_suspended_one_fails_the_run() -> None:
    played = play(create_workflow("wf").parallel([asking("a"), failing("b")]).commit(), 1)

    assert played.told[-1] == "failed"
    with pytest.raises(NotSuspended, match="failed"):
        play(create_workflow("wf").parallel([asking("a"), failing("b")]).commit(), 1, {"resume_data": 1})


def test_a_collected_failure_is_not_run_again_when_its_sibling_is_resumed() -> None:
    played = play(create_workflow("wf").parallel([asking("a"), failing("b")], errors="collect").commit(), 1,
                  {"resume_data": 2})  # fmt: skip

    assert played.output == {"a": (1, 2), "b": None}
    assert played.told.count("b: running") == 1


def test_suspended_siblings_deep_in_different_workflows() -> None:
    left = create_workflow("left").then(asking("ask")).then(adding("x").with_id("never")).commit()
    right = create_workflow("right").parallel([asking("ask"), asking("other")]).commit()
    wf = create_workflow("wf").parallel([left, right]).commit()
    played = play(wf, 1, {"resume_data": 1, "step": "right.other"}, {"resume_data": 2, "step": "right.ask"})

    assert played.result.suspend_payload == {"left.ask": None}
    assert played.result.steps["right"].status == "success"
    with pytest.raises(AmbiguousResume):
        play(wf, 1, {"resume_data": 1, "step": "ask"})


def test_a_limit_on_arms_does_not_hold_suspended_ones() -> None:
    wf = create_workflow("wf").parallel([asking(name) for name in "abc"], max_concurrency=1).commit()
    played = play(wf, 1, {"resume_data": 1, "step": "b"}, {"resume_data": 2, "step": "a"}, {"resume_data": 3})

    assert played.output == {"a": (1, 2), "b": (1, 1), "c": (1, 3)}


# -- branch ------------------------------------------------------------------------------------------------------


def test_conditions_are_not_asked_again_and_the_arms_stay_taken() -> None:
    asked: list[str] = []

    def once(name: str) -> Any:
        def condition(_: Any) -> bool:
            asked.append(name)
            return asked.count(name) == 1 and name != "b"

        return condition

    arms = [(once("a"), asking("x")), (once("b"), asking("y")), (once("c"), [adding("z"), asking("w")])]
    wf = create_workflow("wf").branch(arms).then(asking("end")).commit()
    played = play(wf, 1, {"resume_data": 1, "step": "x"}, {"resume_data": 2}, {"resume_data": 3})

    assert played.output == ({"x": (1, 1), "w": (2, 2)}, 3)
    assert asked == ["a", "b", "c"]
    assert played.told.count("z: running") == 1


def test_a_default_arm_and_a_branch_that_took_none_are_remembered_too() -> None:
    asked: list[int] = []

    def no(_: Any) -> bool:
        asked.append(1)
        return False

    wf = (
        create_workflow("wf")
        .branch([(no, adding("a"))], default=asking("d"))
        .branch([(no, adding("b"))])
        .then(asking("end"))
    )
    played = play(wf.commit(), 1, {"resume_data": 1}, {"resume_data": 2})

    assert played.output == ({}, 2)
    assert len(asked) == 2


def test_in_a_nested_workflow_that_is_tried_again_conditions_are_asked_again() -> None:
    asked: list[int] = []
    inner = create_workflow("inner").branch([(lambda _: bool(asked.append(1)), adding("a"))]).then(asking("ask"))
    wf = create_workflow("wf", retries=1).then(inner.then(failing("bad", times=1)).commit()).commit()
    play(wf, 1, {"resume_data": 1}, {"resume_data": 2})

    assert len(asked) == 2


# -- loops -------------------------------------------------------------------------------------------------------


def test_a_loop_keeps_its_round_and_its_value() -> None:
    seen: list[Any] = []

    async def body(value: int, ctx: StepContext) -> int:
        seen.append((value, ctx.iteration, ctx.resumed))
        return value + await ctx.suspend(f"round {ctx.iteration}")

    wf = create_workflow("wf").do_while(create_step("s", body), lambda value: value < 30).commit()
    played = play(wf, 1, {"resume_data": 10}, {"resume_data": 10}, {"resume_data": 10})

    assert played.output == 31
    assert [result.suspend_payload["s"] for result in played.results[:-1]] == ["round 1", "round 2", "round 3"]
    assert seen == [(1, 1, False), (1, 1, True), (11, 2, False), (11, 2, True), (21, 3, False), (21, 3, True)]


def test_the_condition_of_a_loop_that_has_ended_is_not_asked_again() -> None:
    asked: list[int] = []

    def small(value: int) -> bool:
        asked.append(value)
        return value < 3

    wf = create_workflow("wf").do_while(adding("a"), small).then(asking("ask")).then(asking("again")).commit()
    played = play(wf, 0, {"resume_data": 1}, {"resume_data": 2})

    assert played.output == ((3, 1), 2)
    assert asked == [1, 2, 3]


def test_a_loop_over_a_list_of_steps_goes_on_in_the_middle_of_a_round() -> None:
    calls: list[str] = []
    body = [counting("a", calls), asking("ask"), create_step("b", added)]

    def enough(value: int) -> bool:
        return value >= 3

    wf = create_workflow("wf").do_until(body, enough).commit()
    played = play(wf, 1, {"resume_data": 1}, {"resume_data": 1})

    assert played.output == 3
    assert calls == ["a", "a"]


def test_a_nested_workflow_in_a_loop_asks_anew_in_each_round() -> None:
    inner = create_workflow("inner").then(asking("ask", "same question")).map(lambda pair: pair[0] + pair[1]).commit()
    wf = create_workflow("wf").do_until(inner, lambda value: value >= 30).commit()
    played = play(wf, 1, {"resume_data": 10}, {"resume_data": 10}, {"resume_data": 10})

    assert played.output == 31
    assert [result.status for result in played.results] == ["suspended"] * 3 + ["success"]


def test_a_loop_inside_a_nested_loop_goes_on_where_it_was() -> None:
    log: list[tuple[int, int]] = []

    async def body(value: int, ctx: StepContext) -> int:
        await ctx.suspend((value, ctx.iteration))
        log.append((value, ctx.iteration))
        return value + 1

    inner = create_workflow("inner").do_while(create_step("s", body), lambda value: value % 2 != 0).commit()
    wf = create_workflow("wf").do_while(inner, lambda value: value < 4).commit()
    played = play(wf, 0, *[{"resume_data": None}] * 4)

    assert played.output == 4
    assert log == [(0, 1), (1, 2), (2, 1), (3, 2)]
