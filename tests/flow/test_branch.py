"""Branch: every arm whose condition holds, side by side."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rxloom import create_step, create_workflow
from rxloom.chunks import Choice
from rxloom.errors import DefinitionError, DuplicateStepId
from tests.ledger import Ledger
from tests.play import adding, play


def yes(_: Any) -> bool:
    return True


def no(_: Any) -> bool:
    return False


def test_every_true_arm_runs_side_by_side_and_the_others_are_silent() -> None:
    wf = create_workflow("wf").branch(
        [(yes, adding("a", 1, seconds=2)), (no, adding("b", 2)), (yes, adding("c", 3, seconds=2))]
    )
    played = play(wf.commit(), 0)

    assert played.output == {"a": 1, "c": 3}
    assert played.told == ["start", "a: running", "c: running", "a: success", "c: success", "success"]
    assert played.duration == 2


def test_no_arm_and_no_default_give_an_empty_output() -> None:
    assert play(create_workflow("wf").branch([(no, adding("a"))]).commit(), 1).output == {}


def test_the_default_runs_when_no_condition_holds_and_only_then() -> None:
    def wf(condition: Any) -> Any:
        return create_workflow("wf").branch([(condition, adding("a", 1))], default=adding("d", 10)).commit()

    assert play(wf(no), 0).output == {"d": 10}
    assert play(wf(yes), 0).output == {"a": 1}


def test_first_match_takes_the_first_true_arm_and_asks_no_further() -> None:
    asked: list[str] = []

    def asks(name: str, answer: bool) -> Any:  # noqa: FBT001 # a table of arms
        def condition(_: Any) -> bool:
            asked.append(name)
            return answer

        return condition

    arms = [(asks("a", False), adding("a")), (asks("b", True), adding("b")), (asks("c", True), adding("c"))]  # noqa: FBT003
    played = play(create_workflow("wf").branch(arms, first_match=True).commit(), 1)

    assert played.output == {"b": 2}
    assert asked == ["a", "b"]


def test_merge_gives_the_output_of_the_one_arm_or_the_input_when_none_was_taken() -> None:
    def wf(*conditions: Any) -> Any:
        arms = [(condition, adding(f"s{at}", 10 ** (at + 1))) for at, condition in enumerate(conditions)]
        return create_workflow("wf").branch(arms, first_match=True, merge=True).then(adding("later")).commit()

    assert play(wf(yes, no), 0).output == 11
    assert play(wf(no, yes), 0).output == 101
    assert play(wf(no, no), 5).output == 6


def test_conditions_may_be_async_and_may_look_at_the_context() -> None:
    async def later(value: int) -> bool:
        await asyncio.sleep(1)
        return value > 3

    async def by_context(_: int, ctx: Any) -> bool:
        await asyncio.sleep(1)
        return ctx.init_data == 5 and ctx.get_step_result("first") == 6

    arms = [(later, adding("a")), (by_context, adding("b")), (lambda _value, ctx: ctx.state == {"go": 1}, adding("c"))]
    wf = create_workflow("wf").then(adding("first")).branch(arms).commit()
    played = play(wf, 5, initial_state={"go": 1})

    assert played.output == {"a": 7, "b": 7, "c": 7}
    assert played.duration == 2


def test_a_condition_cannot_change_what_the_arms_get() -> None:
    def spoil(value: list[int]) -> bool:
        value.append(99)
        return True

    async def count(value: list[int]) -> int:
        return len(value)

    wf = create_workflow("wf").branch([(spoil, create_step("count", count))]).commit()

    assert play(wf, [1]).output == {"count": 1}


def test_a_condition_that_raises_fails_the_run_and_no_arm_runs() -> None:
    def broken(_: Any) -> bool:
        raise LookupError("no idea")

    played = play(create_workflow("wf").branch([(yes, adding("a")), (broken, adding("b"))]).commit(), 1)

    assert isinstance(played.error, LookupError)
    assert played.told == ["start", "failed"]


def test_an_arm_may_be_a_list_of_steps_under_the_id_of_its_last() -> None:
    wf = create_workflow("wf").branch([(yes, [adding("a"), adding("b")]), (no, adding("c"))], default=[adding("d")])
    played = play(wf.commit(), 0)

    assert played.output == {"b": 2}
    assert played.told == ["start", "a: running", "a: success", "b: running", "b: success", "success"]


def test_what_was_decided_is_recorded(ledger: Ledger) -> None:
    play(create_workflow("wf").branch([(no, adding("a")), (yes, adding("b"))]).commit(), 0)
    choices = ledger.of(ledger.run_ids()[0], Choice)

    assert [(one.node, one.taken) for one in choices] == [("branch_wf_0", (1,))]


def test_what_cannot_be_a_branch_is_refused_where_it_is_built() -> None:
    builder = create_workflow("wf")
    with pytest.raises(DefinitionError, match="at least one arm"):
        builder.branch([])
    with pytest.raises(DefinitionError, match="first_match"):
        builder.branch([(yes, adding("a")), (yes, adding("b"))], merge=True)
    with pytest.raises(DefinitionError, match="list of steps"):
        builder.branch([(yes, [])])
    with pytest.raises(DuplicateStepId):
        builder.branch([(yes, adding("a")), (no, adding("a"))])
    with pytest.raises(DuplicateStepId):
        builder.branch([(yes, adding("a"))], default=adding("a"))
    with pytest.raises(DefinitionError, match="not a function"):
        builder.branch([(True, adding("a"))])  # type: ignore[list-item] # that is the point
