"""Which suspended leaves a resume means."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

from typing import Any

import pytest

from rxloom import AmbiguousResume, NotSuspended, create_step, create_workflow
from rxloom.chunks import Suspension
from rxloom.snapshot import Snapshot
from rxloom.target import path_of, targets


def waiting(*paths: str, labels: dict[str, str] | None = None, status: Any = "suspended") -> Snapshot:
    """Make a snapshot in which these leaves wait."""
    snapshot = Snapshot("r1")
    snapshot.status = status
    snapshot.suspensions = {path: Suspension(path, (labels or {}).get(path), None, 0) for path in paths}
    return snapshot


STEP = create_step("ask", lambda value: value)
FLOW = create_workflow("inner").then(STEP).commit()


@pytest.mark.parametrize(
    ("where", "index", "path"),
    [
        ("a.b", None, "a.b"), ("each", 2, "each[2]"), (STEP, None, "ask"), (STEP, 0, "ask[0]"),
        ([FLOW, STEP], None, "inner.ask"), (("inner", STEP), 3, "inner.ask[3]"), (["a", "b"], None, "a.b"),
    ],
)  # fmt: skip
def test_a_path_is_ids_joined_by_dots_with_an_index(where: Any, index: int | None, path: str) -> None:
    assert path_of(where, index) == path


@pytest.mark.parametrize(
    ("paths", "where", "index", "found"),
    [
        (["a"], None, None, ["a"]),
        (["a", "b"], "b", None, ["b"]),
        (["a.b.c"], "a", None, ["a.b.c"]),
        (["a.b.c"], "a.b", None, ["a.b.c"]),
        (["a.b.c"], "c", None, ["a.b.c"]),
        (["a.b.c"], "b.c", None, ["a.b.c"]),
        (["a.b.c"], "b", None, ["a.b.c"]),
        (["c", "a.c"], "c", None, ["c"]),
        (["a.x", "b.a"], "a", None, ["a.x"]),
        (["each[0]", "each[1]"], None, None, ["each[0]", "each[1]"]),
        (["each[0]", "each[1]"], None, 1, ["each[1]"]),
        (["each[0]", "each[1]"], "each", None, ["each[0]", "each[1]"]),
        (["each[0]", "each[1]"], "each", 1, ["each[1]"]),
        (["o.each[0]", "o.each[1]"], "each", 1, ["o.each[1]"]),
        (["o.each[0]", "o.each[1]"], "each", None, ["o.each[0]", "o.each[1]"]),
        (["each[0].ask", "each[1].ask"], "ask", None, ["each[0].ask", "each[1].ask"]),
        (["each[0].ask", "each[1].ask"], None, 1, ["each[1].ask"]),
        (["each[0].ask", "each[1].more"], "each[1]", None, ["each[1].more"]),
        (["a[1].b[0]", "a[1].b[1]"], "a", 1, ["a[1].b[0]", "a[1].b[1]"]),
        (["each[1]", "each[10]"], "each", 1, ["each[1]"]),
        (["ab", "a"], "a", None, ["a"]),
    ],
)  # fmt: skip
def test_who_is_meant(paths: list[str], where: Any, index: int | None, found: list[str]) -> None:
    assert targets(waiting(*paths), where, None, index) == found


@pytest.mark.parametrize(
    ("paths", "where", "index"),
    [
        (["a", "b"], None, None), (["x.a", "y.a"], "a", None), (["e[0].a", "e[1].b"], None, None),
        (["e[0].a", "e[0].b"], None, 0), (["e[0]", "f[0]"], None, None), (["a[0].b[0]", "a[1].b[0]"], None, None),
    ],
)  # fmt: skip
def test_several_that_are_no_items_of_one_for_each_are_ambiguous(paths: list[str], where: Any, index: Any) -> None:
    with pytest.raises(AmbiguousResume) as caught:
        targets(waiting(*paths), where, None, index)

    assert caught.value.paths == paths


@pytest.mark.parametrize(
    ("paths", "where", "label", "index", "words"),
    [
        ([], None, None, None, ["none", "success"]),
        (["a"], "b", None, None, ["'b'", "suspended: a"]),
        (["each[0]"], None, None, 3, ["index 3"]),
        (["a"], None, "x", None, ["labelled 'x'"]),
        (["a"], "b", "x", None, ["labelled 'x'", "'b'"]),
        (["abc"], "b", None, None, ["'b'"]),
        (["each[12]"], "each", None, 1, ["'each[1]'"]),
    ],
)
def test_nobody_is_meant(paths: list[str], where: Any, label: Any, index: Any, words: list[str]) -> None:
    with pytest.raises(NotSuspended) as caught:
        targets(waiting(*paths, status="suspended" if paths else "success"), where, label, index)

    assert all(word in str(caught.value) for word in words)


def test_a_label_narrows_and_so_does_a_path() -> None:
    snapshot = waiting("a", "b", "c", labels={"a": "x", "b": "x"})

    assert targets(snapshot, "b", "x", None) == ["b"]
    with pytest.raises(AmbiguousResume):
        targets(snapshot, None, "x", None)
    with pytest.raises(NotSuspended):
        targets(snapshot, "c", "x", None)


def test_a_pause_is_gone_on_from_by_naming_nobody() -> None:
    assert targets(waiting(status="paused"), None, None, None) == []
    with pytest.raises(NotSuspended):
        targets(waiting(status="paused"), "a", None, None)
