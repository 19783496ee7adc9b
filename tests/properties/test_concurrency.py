"""How many things run at once, in which tasks, and how long they take, does not matter to what comes out."""

from __future__ import annotations

from typing import Any

from hypothesis import given

from rxloom import Failed, Success
from tests.properties.drawing import flows
from tests.properties.graphs import Flow, changed
from tests.properties.model import expected
from tests.properties.playing import Played, check_ending, play
from tests.properties.values import shown


@given(flows())
def test_one_by_one_comes_to_the_same_as_side_by_side(flow: Flow) -> None:
    check_same(flow, play(flow), play(changed(flow, concurrency=1, limit=1)))


@given(flows())
def test_steps_in_tasks_of_their_own_come_to_the_same_as_in_shared_ones(flow: Flow) -> None:
    check_same(flow, play(flow), play(flow, alone=True))


@given(flows())
def test_steps_that_take_no_time_come_to_the_same(flow: Flow) -> None:
    check_same(flow, play(flow), play(changed(flow, delay=0, pause=0, slow=False)))


def check_same(flow: Flow, one: Played, other: Played) -> None:
    """Check that two runs of a workflow came to the same, as far as the model says that there is only one way."""
    wanted = expected(flow, 1)
    check_ending(one)
    check_ending(other)
    if wanted.is_vague:
        return
    assert outcome(one) == outcome(other)
    if not wanted.maybe:
        assert one.bodies == other.bodies
        assert one.result.state == other.result.state
        assert one.result.usage == other.result.usage


def outcome(played: Played) -> Any:
    match played.result:
        case Success(result=result):
            return shown(result)
        case Failed(error=error):
            return error.name, error.step_path
        case _:
            return played.result.status
