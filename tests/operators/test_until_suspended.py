"""`until_suspended`: one leg of a run."""

from __future__ import annotations

import pytest
from reactivex import operators as ops

from rxloom.chunks import FinishStatus
from rxloom.operators import until_suspended
from tests.hearing import ASKER, hear
from tests.operators.marble import Sent, begin, both_ways, ended, finish, heard, meant, opened, suspended
from tests.play import told, turns
from tests.virtual import virtual

CHUNKS = {
    "s": begin(), "a": opened("a"), "q": suspended("a"), "p": finish("suspended"), "r": ended("a"), "f": finish(),
}  # fmt: skip


@both_ways
def test_it_completes_with_the_finish_of_the_leg(sent: Sent) -> None:
    chunks = sent(CHUNKS)

    assert heard(until_suspended(), "s-a-q-p----s-a-r-f|", chunks) == meant("s-a-q-(p|)", chunks)


@pytest.mark.parametrize("status", ["success", "failed", "suspended", "canceled", "paused", "tripwire"])
def test_whatever_the_finish_says_it_is_the_last(status: FinishStatus) -> None:
    chunks = {**CHUNKS, "f": finish(status)}

    assert heard(until_suspended(), "sf--s--", chunks) == meant("s(f|)", chunks)


def test_source_that_ends_before_ends_it() -> None:
    assert heard(until_suspended(), "s-a-|", CHUNKS) == meant("s-a-|", CHUNKS)


@virtual
async def test_observer_of_a_run_over_all_legs_hears_the_first() -> None:
    run = ASKER.create_run()
    await run.start(4)
    observed = hear(run.observe_stream_vnext(close_on_suspend=False).pipe(until_suspended()))
    await turns()

    assert told(observed.items) == ["start", "step: running", "step: suspended", "suspended"]
    assert observed.end == "completed"

    await run.resume(1)

    second = hear(run.observe_stream_vnext(from_seq=4).pipe(until_suspended(), ops.last()))
    await turns()

    assert told(second.items) == ["success"]
