"""A run suspended and paused anywhere, and answered in any order, comes to the same as one that never stops."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from rxloom import Success
from tests.properties.drawing import asking_flows
from tests.properties.graphs import Arm, Branch, Each, Fault, Flow, Step, numbered
from tests.properties.playing import Played, check_ending, play
from tests.properties.resuming import Resumed, check_legs, resumed
from tests.properties.values import shown

SCRIPTS = st.lists(st.integers(0, 59), max_size=30)


ASKS = Step(asks="p")
LISTED = Flow(nodes=(Branch(arms=(Arm(steps=(Step(), Step())), Arm(steps=(ASKS,)))),))
"""An arm that is a list of steps, beside one that asks: with `per_step` both are one step."""

COLLECTED = Flow(nodes=(Each(body=Flow(nodes=(ASKS, Step(fault=Fault()))), items=2, concurrency=2, collect=True),))
"""An item that fails while another one still asks: it is not run again when the run goes on."""


@given(asking_flows(), SCRIPTS)
@example(numbered(LISTED), [1])
@example(numbered(COLLECTED), [])
def test_resumed_run_equals_one_that_goes_straight_through(flow: Flow, script: list[int]) -> None:
    straight = play(flow)

    broken = resumed(flow, 1, script)

    check_ending(broken)
    check_legs(broken)
    check_same(straight, broken)
    check_entries(broken)


def check_same(straight: Played, broken: Resumed) -> None:
    """Check everything that how a run is answered must not change."""
    assert isinstance(straight.result, Success)
    assert isinstance(broken.result, Success)
    assert shown(broken.result.result) == shown(straight.result.result)
    assert broken.result.state == straight.result.state
    assert broken.snapshot.usage == straight.snapshot.usage
    assert broken.bodies == straight.bodies
    assert records(broken) == records(straight)


def records(played: Played) -> dict[str, Any]:
    return {
        path: (one.status, one.input, one.output, one.attempt, one.iteration, one.usage, one.error and one.error.name)
        for path, one in played.result.steps.items()
    }


def check_entries(broken: Resumed) -> None:
    """Check that a body was entered once for each attempt, and once more for each time it was suspended."""
    passed = Counter(body.path for body in broken.stage.bodies)

    assert broken.stage.entered == passed + broken.suspensions
