"""`outputs`: what steps write."""

from __future__ import annotations

from typing import Any

import pytest

from rxloom.operators import outputs
from tests.operators.marble import Sent, begin, both_ways, custom, ended, finish, heard, meant, opened, wrote

CHUNKS = {
    "s": begin(),
    "a": opened("a"),
    "1": wrote("a", 1),
    "2": wrote("b", {"row": 2}),
    "3": wrote("each", None, 0),
    "4": wrote("outer.a", [4]),
    "m": custom("data-mood", 1),
    "r": ended("a", output=9),
    "f": finish(result=9),
}
VALUES = {"1": 1, "2": {"row": 2}, "3": None, "4": [4]}


@both_ways
@pytest.mark.parametrize(
    ("id", "wanted"),
    [
        (None, "----1-2-3-4-------|"),
        ("a", "----1-------------|"),
        ("each", "--------3---------|"),
        ("each[0]", "--------3---------|"),
        ("**.a", "----1-----4-------|"),
        ("nobody", "------------------|"),
    ],
)
def test_values_that_steps_write_are_told(sent: Sent, id: str | None, wanted: str) -> None:
    assert heard(outputs(id), "s-a-1-2-3-4-m-r-f-|", sent(CHUNKS)) == meant(wanted, VALUES)


def test_value_is_the_one_that_was_written() -> None:
    value: Any = object()

    assert heard(outputs(), "o|", {"o": wrote("a", value)})[0].what is value
