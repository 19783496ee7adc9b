"""The rule by which `--check` judges a row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.benchmarks.measure import Measured, Row, Rule, measure


def judged(rule: Rule, must: float, floor: float | None, ours: list[float], floors: list[float]) -> Measured:
    return Measured(Row("row", "µs", rule, must, floor, {}), {"floor": floors, "rxloom": ours})


@pytest.mark.parametrize(("ours", "holds"), [(60, True), (66, True), (67, False)])
def test_time_is_held_to_the_ratio_of_must_to_floor(ours: float, *, holds: bool) -> None:
    assert judged("at most, times the floor", 60, 9, [ours] * 5, [10.0] * 5).holds() is holds


@pytest.mark.parametrize(("ours", "holds"), [(435_000, True), (434_000, False)])
def test_rate_is_held_to_the_ratio_from_below(ours: float, *, holds: bool) -> None:
    assert judged("at least, times the floor", 600_000, 1_380_000, [ours] * 5, [1e6] * 5).holds() is holds


@pytest.mark.parametrize(("ours", "holds"), [(14, True), (14.1, False)])
def test_memory_is_held_to_the_figure_itself(ours: float, *, holds: bool) -> None:
    assert judged("at most", 14, None, [ours] * 5, [1.0] * 5).holds() is holds


@pytest.mark.parametrize(("ours", "holds"), [(15_000, True), (14_999, False)])
def test_rate_may_be_held_to_the_figure_itself(ours: float, *, holds: bool) -> None:
    assert judged("at least", 15_000, None, [ours] * 5, [1.0] * 5).holds() is holds


def test_ratio_compares_each_round_with_its_own_floor() -> None:
    measured = judged("at most, times the floor", 20, 10, [20, 200, 22], [10, 100, 11])

    assert measured.ratio("rxloom") == 2


def test_contenders_take_turns_after_a_round_that_does_not_count() -> None:
    calls: list[str] = []
    figures: dict[str, Iterator[int]] = {"floor": iter(range(9)), "rxloom": iter(range(10, 19))}

    def contender(name: str) -> Any:
        def turn(_quick: bool) -> float:  # noqa: FBT001 - what a contender is told
            calls.append(name)
            return next(figures[name])

        return turn

    row = Row("row", "µs", "at most", 20, None, {name: contender(name) for name in figures})
    measured = measure(row, 2, quick=True)

    assert calls == ["floor", "rxloom"] * 3
    assert measured.rounds == {"floor": [1, 2], "rxloom": [11, 12]}
    assert (measured.median("rxloom"), measured.spread("floor")) == (11.5, pytest.approx(2 / 3))
