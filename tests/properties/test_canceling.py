"""A run that is cancelled at any moment closes all that it opened, and leaves nothing behind."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from rxloom import Canceled
from rxloom.snapshot import TERMINAL
from tests.properties.canceling import Moment, canceled
from tests.properties.drawing import wild_flows
from tests.properties.graphs import Arm, Branch, Flow, If, Step, numbered
from tests.properties.playing import check_ending, tokens

HOWS = st.sampled_from(["cancel", "twice", "dispose"])
MOMENTS = st.builds(Moment, st.integers(0, 60), st.none(), HOWS) | st.builds(
    Moment, st.just(0), st.integers(0, 80), HOWS
)


UNBEGUN = Flow(nodes=(Branch(arms=(Arm(when=If(slow=True), steps=(Step(),)),)),))
"""A condition that is cancelled before its task has begun."""


@given(wild_flows(), MOMENTS)
@example(numbered(UNBEGUN), Moment(seq=0, how="dispose"))
def test_cancelled_run_closes_what_it_opened_and_leaves_nothing(flow: Flow, moment: Moment) -> None:
    played = canceled(flow, moment)

    used, added = played.stage.counts()
    check_ending(played)
    assert played.result.status in TERMINAL
    assert played.snapshot.usage == tokens(used)
    assert dict(played.result.state) == ({"count": added} if added else {})
    if isinstance(played.result, Canceled):
        assert played.result.reason in {"enough", None} or played.result.reason in played.stage.aborted
