"""Snapshots: values that share what has not changed."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

from typing import Any

import pytest

from rxloom import create_workflow
from rxloom.chunks import (
    Answer,
    EventReceived,
    ItemStart,
    StateWrite,
    StepStart,
    StepStartPayload,
    Suspension,
)
from rxloom.reducer import apply
from rxloom.snapshot import Snapshot, parent_path
from tests.effort import effort
from tests.ledger import ledger, public
from tests.play import adding, asking, play
from tests.virtual import virtual

__all__ = ["ledger"]


def opened(snapshot: Snapshot, path: str, given: Any = None) -> Snapshot:
    """Open a step."""
    apply(snapshot, StepStart("r", StepStartPayload(path, "c", given, 1), snapshot.next_seq))
    return snapshot


def test_a_copy_and_its_original_do_not_change_each_other() -> None:
    snapshot = opened(Snapshot("r"), "a")
    apply(snapshot, Suspension("a", None, 1, 1))
    apply(snapshot, Answer("a", None, 1, 2, 3))
    copy = snapshot.copy()
    before = public(copy)
    for record in (
        StateWrite({"x": 1}), EventReceived("e", 1, "id"), Suspension("a", None, 9, 9), Answer("a", None, 1, 5, 3),
        ItemStart("a[0]", 1, 1),
    ):  # fmt: skip
        apply(snapshot, record)
    opened(snapshot, "b")

    assert public(copy) == before
    before = public(snapshot)
    opened(copy, "c")
    apply(copy, StateWrite({"y": 1}))
    assert public(snapshot) == before


def test_a_copy_touches_no_entry() -> None:
    small, large = Snapshot("r"), Snapshot("r")
    for number in range(1_000):
        opened(large, f"s{number}", [number] * 10)

    assert effort(large.copy) == effort(small.copy)
    assert large.copy().entries["s5"] is large.entries["s5"]


def test_steps_are_in_the_order_of_their_first_start() -> None:
    snapshot = Snapshot("r")
    for path in ("b", "a", "c", "a"):
        opened(snapshot, path)

    assert list(snapshot.steps) == ["b", "a", "c"]
    assert len(snapshot.steps) == 3
    with pytest.raises(KeyError):
        snapshot.steps["nobody"]


def test_steps_that_were_handed_out_do_not_change() -> None:
    snapshot = opened(Snapshot("r"), "a")
    steps = snapshot.steps
    opened(snapshot, "b")

    assert list(steps) == ["a"]


@pytest.mark.parametrize(
    ("path", "parent"), [("a", ""), ("a.b", "a"), ("a[2]", "a"), ("a[2].b", "a[2]"), ("a.b[0]", "a.b")]
)
def test_what_a_path_belongs_to(path: str, parent: str) -> None:
    assert parent_path(path) == parent


def test_what_belongs_to_an_older_call_of_its_container_is_not_valid() -> None:
    snapshot = opened(opened(opened(Snapshot("r"), "n"), "n.a"), "n.a.x")
    assert all(snapshot.valid(path) for path in ("n", "n.a", "n.a.x"))
    opened(snapshot, "n")

    assert snapshot.valid("n") is not None
    assert snapshot.valid("n.a") is None
    assert snapshot.valid("nobody") is None


@virtual
async def test_a_snapshot_is_the_state_of_a_run_at_that_moment() -> None:
    run = create_workflow("wf").then(adding("a")).then(asking("ask")).commit().create_run()
    assert (await run.snapshot()).status == "pending"
    await run.start(1)
    suspended = await run.snapshot()
    await run.resume(2)

    assert suspended.status == "suspended"
    assert (await run.snapshot()).status == "success"
    assert repr(suspended).startswith("Snapshot(")


def test_records_of_steps_say_what_became_of_them() -> None:
    record = play(create_workflow("wf").then(adding("a", seconds=2)).commit(), 1).result.steps["a"]

    assert (record.path, record.status, record.input, record.output, record.attempt) == ("a", "success", 1, 2, 0)
    assert record.ended_at - record.started_at == 2000
