"""Recall: who waits and whose answer is still to be used, below every path."""

from __future__ import annotations

import pytest

from rxloom.engine._recall import Recall, around


@pytest.mark.parametrize(
    ("path", "places"),
    [
        ("a", ["a"]), ("a.b", ["a", "a.b"]), ("a[2]", ["a", "a[2]"]),
        ("a.b[0].c", ["a", "a.b", "a.b[0]", "a.b[0].c"]),
    ],
)  # fmt: skip
def test_the_places_around_a_path(path: str, places: list[str]) -> None:
    assert around(path) == places


def test_who_waits_is_known_at_every_place_around() -> None:
    recall = Recall(["a.x", "a.y", "b"])

    assert [list(recall.waiting(place)) for place in ("a", "a.x", "b", "c")] == [["a.x", "a.y"], ["a.x"], ["b"], []]
    assert not recall.goes_on("a")


def test_an_answer_lets_all_around_go_on_until_it_is_used() -> None:
    recall = Recall(["a.x", "a.y"])
    recall.answered("a.x", 1)

    assert (recall.goes_on("a"), recall.goes_on("a.x"), recall.goes_on("a.y")) == (True, True, False)
    assert list(recall.waiting("a")) == ["a.y"]
    assert (recall.newest("a"), recall.newest("a.x"), recall.newest("a.y")) == (1, 1, None)

    recall.entered("a")
    assert recall.goes_on("a")
    recall.entered("a.x")
    assert not recall.goes_on("a")
    assert recall.newest("a") == 1


def test_a_leaf_that_asks_again_waits_again() -> None:
    recall = Recall(["a.x"])
    for data in (1, 2, 3):
        recall.answered("a.x", data)
        recall.entered("a.x")
        recall.asked("a.x")

    assert list(recall.waiting("a")) == ["a.x"]
    assert not recall.goes_on("a.x")
    assert recall.answers == {"a.x": 3}


def test_a_leaf_that_asks_without_having_been_asked_before_waits_too() -> None:
    recall = Recall([])
    recall.asked("n.x")
    recall.answered("n.x", None)

    assert recall.goes_on("n")
