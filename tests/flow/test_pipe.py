"""Pipe: plain Rx operators in the middle of the pipeline."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

from typing import Any

import pytest
import reactivex as rx
from reactivex import operators as ops

from rxloom import create_workflow, last
from rxloom.errors import CollectError, DuplicateStepId
from tests.play import adding, failing, play


def count(number: int) -> rx.Observable[int]:
    """Count up to a number."""
    return rx.range(0, number)


def test_operators_see_the_value_and_give_the_next_one() -> None:
    wf = create_workflow("wf").then(adding("a")).pipe(ops.map(lambda v: v * 10), ops.delay(5.0)).then(adding("b"))
    played = play(wf.commit(), 1)

    assert played.output == 21
    assert played.duration == 5
    assert played.told[3:5] == ["pipe_wf_0: running", "pipe_wf_0: success"]


def test_the_one_item_is_the_output_and_not_something_written() -> None:
    assert not [line for line in play(create_workflow("wf").pipe(ops.map(str)).commit(), 1).told if ">" in line]


def test_several_items_need_a_fold_and_are_written() -> None:
    spread = ops.flat_map(count)
    played = play(create_workflow("wf").pipe(spread, id="p", collect=list).commit(), 3)

    assert played.output == [0, 1, 2]
    assert played.told[2:5] == ["p > 0", "p > 1", "p > 2"]
    assert isinstance(play(create_workflow("wf").pipe(spread).commit(), 3).error, CollectError)
    assert play(create_workflow("wf").pipe(spread, collect=last).commit(), 3).output == 2


def test_an_error_of_the_operators_fails_the_step_once() -> None:
    played = play(create_workflow("wf", retries=3).pipe(ops.map(lambda v: 1 / v)).commit(), 0)

    assert isinstance(played.error, ZeroDivisionError)
    assert played.told == ["start", "pipe_wf_0: running", "pipe_wf_0: failed", "failed"]


def test_each_run_has_operators_of_its_own() -> None:
    wf = create_workflow("wf").pipe(ops.scan(lambda total, v: total + v, 100)).commit()

    assert [play(wf, 1).output, play(wf, 2).output] == [101, 102]


def test_an_operator_that_cannot_be_applied_fails_the_step() -> None:
    def broken(_: Any) -> Any:
        raise TypeError("no operator")

    assert isinstance(play(create_workflow("wf").pipe(broken).commit(), 1).error, TypeError)


def test_no_operator_at_all_lets_the_value_pass() -> None:
    assert play(create_workflow("wf").pipe().commit(), 7).output == 7


def test_ids_are_stable_or_given_and_once_each() -> None:
    wf = create_workflow("wf").pipe(ops.map(str)).pipe(ops.map(int), id="p").commit()

    assert list(wf.steps) == ["pipe_wf_0", "p"]
    with pytest.raises(DuplicateStepId):
        create_workflow("wf").then(failing("p")).pipe(ops.map(str), id="p")
