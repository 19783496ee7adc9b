"""`fold`: what a run is, after each of its chunks."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from reactivex import Subject

from rxloom import ErrorInfo, Snapshot, WorkflowStream, create_workflow
from rxloom.chunks import Chunk, Gap, GapData, Told
from rxloom.operators import fold
from rxloom.reducer import apply
from tests.hearing import ASKER, hear
from tests.operators.marble import (
    Sent,
    begin,
    both_ways,
    ended,
    finish,
    heard,
    opened,
    received,
    suspended,
    wrote,
)
from tests.play import adding, play, turns
from tests.properties.drawing import asking_flows
from tests.properties.graphs import Flow
from tests.properties.resuming import resumed
from tests.virtual import virtual


@both_ways
def test_each_chunk_gives_the_snapshot_after_it(sent: Sent) -> None:
    chunks = sent({
        "s": begin(), "a": opened("a", 1000, given=4), "o": wrote("a", 1), "A": ended("a", 3000, output=8),
        "f": finish(result=8),
    })  # fmt: skip
    told = heard(fold(), "s-a-o-A-f|", chunks)

    assert [at.dash for at in told] == [0, 2, 4, 6, 8, 9]
    assert [at.what.status for at in told[:-1]] == [*["running"] * 4, "success"]
    assert [len(at.what.steps) for at in told[:-1]] == [0, 1, 1, 1, 1]
    last = told[-2].what
    assert (last.run_id, last.workflow_id, last.output, last.next_seq, last.started_at) == ("r", "flow", 8, 10, 1000)
    assert (last.steps["a"].input, last.steps["a"].output, last.steps["a"].ended_at) == (4, 8, 3000)


@both_ways
def test_what_a_suspended_step_asks_is_in_its_record(sent: Sent) -> None:
    chunks = sent({"s": begin(), "a": opened("a"), "q": suspended("a", asks="Really?"), "f": finish("suspended")})
    last = heard(fold(), "saqf|", chunks)[-2].what

    assert (last.status, last.steps["a"].status, last.steps["a"].suspend_payload) == (
        "suspended", "suspended", "Really?",
    )  # fmt: skip


def test_snapshot_stays_as_it_is_when_the_fold_goes_on() -> None:
    told = heard(fold(), "saA|", {"s": begin(), "a": opened("a"), "A": ended("a")})

    assert [at.what.steps["a"].status for at in told[1:-1]] == ["running", "success"]


def test_gap_changes_nothing() -> None:
    assert [at.what for at in heard(fold(), "g|", {"g": Gap("r", GapData(1, 2, 2))})] == ["|"]


def test_merged_runs_are_folded_each_by_itself() -> None:
    chunks = {
        "1": begin("r1"),
        "2": begin("r2"),
        "a": opened("a", run="r1"),
        "f": finish(run="r1"),
        "b": opened("b", run="r2"),
    }
    told = heard(fold(), "12afb|", chunks)

    assert [(at.what.run_id, at.what.status, list(at.what.steps)) for at in told[:-1]] == [
        ("r1", "running", []), ("r2", "running", []), ("r1", "running", ["a"]), ("r1", "success", ["a"]),
        ("r2", "running", ["b"]),
    ]  # fmt: skip


def test_run_that_has_ended_is_forgotten_and_one_that_rests_is_not() -> None:
    chunks = {"s": begin(), "a": opened("a"), "p": finish("suspended"), "f": finish()}

    assert [len(at.what.steps) for at in heard(fold(), "saps|", chunks)[:-1]] == [0, 1, 1, 1]
    assert [len(at.what.steps) for at in heard(fold(), "safs|", chunks)[:-1]] == [0, 1, 1, 0]


def test_source_may_begin_in_the_middle_of_a_run() -> None:
    told = heard(fold(), "Af|", {"A": ended("a", output=3), "f": finish()})

    assert [(at.what.status, at.what.steps["a"].output) for at in told[:-1]] == [("running", 3), ("success", 3)]


def test_time_spent_is_that_of_the_chunks() -> None:
    flow = create_workflow("flow", input=int).then(adding()).sleep(5).commit()
    chunks = play(flow, 1).chunks
    source: Subject[Chunk] = Subject()
    folded = hear(source.pipe(fold()))
    for chunk in chunks:
        source.on_next(chunk)

    assert folded.items[-1].active_ms == 5000


# -- the law -------------------------------------------------------------------------------------------------------


def public(snapshot: Snapshot) -> Any:
    """Return what a snapshot tells of what chunks tell; the beginning of an item of a `for_each` is not told."""
    records = [record._replace(error=said(record.error)) for record in snapshot.steps.values()]
    calls = {record.path: record for record in records if record.path[-1] != "]"}
    return (
        snapshot.run_id, snapshot.status, snapshot.usage, snapshot.leg_usage, snapshot.output, said(snapshot.error),
        snapshot.next_seq, list(calls), calls,
    )  # fmt: skip


def items(snapshot: Snapshot) -> Any:
    return {path: (record.status, record.output) for path, record in snapshot.steps.items() if path[-1] == "]"}


def said(error: ErrorInfo | None) -> Any:
    return None if error is None else (error.name, error.message)


def compare(stream: WorkflowStream[Any]) -> list[tuple[Any, Any, Any]]:
    """Follow a stream in three ways at once: its own snapshots, its fold, and the fold of what goes over a wire."""
    found: list[tuple[Any, Any, Any]] = []
    wire: Subject[Chunk] = Subject()
    own, here, there = hear(stream.snapshots), hear(stream.pipe(fold())), hear(wire.pipe(fold()))

    def look(chunk: Chunk) -> None:
        wire.on_next(received(chunk))
        found.append((public(own.items[-1]), public(here.items[-1]), public(there.items[-1])))

    hear(stream, look)
    return found


@virtual
async def test_fold_of_a_live_run_is_its_snapshots() -> None:
    run = ASKER.create_run()
    first = compare(run.stream_vnext(4))
    await turns()
    all_legs = compare(run.observe_stream_vnext(close_on_suspend=False))
    await run.resume(True)  # noqa: FBT003 - an answer
    await turns()

    assert len(first) == 4
    assert len(all_legs) == 8
    for own, here, there in (*first, *all_legs[4:]):
        assert own == here == there


@given(asking_flows(), st.lists(st.integers(0, 59), max_size=10))
def test_fold_of_any_part_of_a_run_is_its_snapshot(flow: Flow, script: list[int]) -> None:
    played = resumed(flow, 1, script)
    own = Snapshot(played.snapshot.run_id)
    source: Subject[Chunk] = Subject()
    folded = hear(source.pipe(fold()))

    for record in played.records:
        apply(own, record)
        if isinstance(record, Told):
            source.on_next(record)
            assert public(folded.items[-1]) == public(own)
    assert items(folded.items[-1]) == items(own)
