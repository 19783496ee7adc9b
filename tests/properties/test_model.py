"""The engine does what the model says: outcome, bodies, outputs, usage, state, and the order of starts."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from rxloom import Failed, Success
from rxloom.chunks import StepOutput, StepWaiting
from tests.properties.drawing import flows
from tests.properties.graphs import Each, Fault, Flow, Step, numbered, steps
from tests.properties.model import expected
from tests.properties.outcomes import Expected, Trace
from tests.properties.playing import Played, check_ending, play, tokens
from tests.properties.values import Body, loaded, shown, written

VALUES = st.sampled_from([1, 0, 12, "text", [3, 4], {"a": 5}, None])


AGAIN = Flow(nodes=(Each(body=Step(), items=2), Step(fault=Fault(1), retries=1)))
"""A step that changes its input, and is tried again."""


@given(flows(), VALUES)
@example(numbered(AGAIN), 1)
def test_engine_does_what_the_model_says(flow: Flow, value: Any) -> None:
    wanted = expected(flow, value)

    played = play(flow, value)

    check_ending(played)
    check_counts(flow, played)
    if not wanted.is_vague:
        check_outcome(wanted, played)
        check_bodies(wanted, played)
        if not wanted.maybe:
            check_starts(flow, wanted, played)
            check_records(wanted, played)


def check_outcome(wanted: Expected, played: Played) -> None:
    result = played.result
    match wanted.out.kind:
        case "ok":
            assert isinstance(result, Success)
            assert shown(result.result) == shown(wanted.out.value)
        case "failed":
            assert isinstance(result, Failed)
            assert wanted.out.failure is not None
            assert (result.error.name, result.error.step_path) == (wanted.out.failure.name, wanted.out.failure.path)
        case _:
            assert result.status == "canceled"


def check_bodies(wanted: Expected, played: Played) -> None:
    assert wanted.bodies - played.bodies == Counter()
    assert played.bodies - wanted.bodies - wanted.maybe == Counter()


def check_counts(flow: Flow, played: Played) -> None:
    """Check usage, state and outputs against what the bodies that ran account for."""
    used, added = played.stage.counts()
    told: Counter[tuple[str, str]] = Counter()
    for chunk in played.chunks:
        if isinstance(chunk, StepOutput) and not is_usage(chunk.payload.output):
            index = chunk.payload.index
            path = chunk.payload.id if index is None else f"{chunk.payload.id}[{index}]"
            told[path, shown(chunk.payload.output)] += 1

    assert played.snapshot.usage == played.result.usage == tokens(used)
    assert dict(played.result.state) == ({"count": added} if added else {})
    assert told == outputs(flow, played.stage.bodies)


def is_usage(output: Any) -> bool:
    return isinstance(output, dict) and "type" in output


def outputs(flow: Flow, bodies: list[Body]) -> Counter[tuple[str, str]]:
    known = steps(flow)
    found: Counter[tuple[str, str]] = Counter()
    for body in bodies:
        step = known[body.path.rpartition(".")[2].partition("[")[0]]
        for item in written(step, loaded(body.input)):
            found[body.path, shown(item)] += 1
    return found


def check_starts(flow: Flow, wanted: Expected, played: Played) -> None:
    """Check that everything started, and in an order that the model allows."""
    order = Order(flow, played.starts)

    order.span(wanted.trace)

    assert order.left == []
    assert sum(isinstance(chunk, StepWaiting) for chunk in played.chunks) == wanted.sleeps


class Order:
    """The starts of a run, and where each of them stands."""

    def __init__(self, flow: Flow, starts: list[str]) -> None:
        """Look up what starts."""
        self._late = {step.id for step in steps(flow).values() if step.kind == "piped"}
        self._at: defaultdict[str, list[int]] = defaultdict(list)
        for place in range(len(starts) - 1, -1, -1):
            self._at[starts[place]].append(place)

    @property
    def left(self) -> list[str]:
        """The starts that the model does not know."""
        return [path for path, places in self._at.items() if places]

    def span(self, trace: Trace) -> tuple[int, int, bool]:
        """Check a trace; return where it begins and ends, and whether its begin has a place in the order.

        A step under Rx operators starts when these subscribe, which may be a turn of the loop later.
        """
        if isinstance(trace, str):
            assert self._at[trace], f"{trace} did not start"
            place = self._at[trace].pop()
            return place, place, trace.rpartition(".")[2].partition("[")[0] not in self._late
        spans = [self.span(one) for one in trace if one]
        spans = [span for span in spans if span[1] >= 0]
        if not spans:
            return 0, -1, False
        ordered = spans if isinstance(trace, list) else [span for span in spans if span[2]]
        for before, after in pairwise(ordered):
            assert before[1 if isinstance(trace, list) else 0] < after[0], trace
        return min(span[0] for span in spans), max(span[1] for span in spans), spans[0][2]


def check_records(wanted: Expected, played: Played) -> None:
    """Check what the result says of each step."""
    if wanted.out.kind == "aborted":
        return
    found = {path: (one.status, shown(one.output)) for path, one in played.result.steps.items()}

    for path, (status, output) in wanted.records.items():
        assert found[path] == (status, shown(output)), path
