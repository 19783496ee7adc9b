"""`data`: what custom chunks of one type carry."""

from __future__ import annotations

from typing import Any

import pytest

from rxloom.chunks import Gap, GapData
from rxloom.operators import data
from tests.operators.marble import Sent, begin, both_ways, custom, finish, heard, meant, wrote

CHUNKS = {
    "s": begin(),
    "m": custom("data-mood", {"is": "good"}),
    "n": custom("data-mood", None),
    "o": custom("data-moods", "other"),
    "w": wrote("a", "data-mood"),
    "f": finish(),
}


@both_ways
@pytest.mark.parametrize("name", ["mood", "data-mood"])
def test_data_of_the_type_is_told(sent: Sent, name: str) -> None:
    told = heard(data(name), "s-m-o-n-w-f|", sent(CHUNKS))

    assert told == meant("--m---n----|", {"m": {"is": "good"}, "n": None})


@both_ways
def test_gap_tells_what_is_missing(sent: Sent) -> None:
    gap = Gap("r", GapData(3, 9, 5))

    assert heard(data("rxloom-gap"), "g|", sent({"g": gap})) == meant("g|", {"g": GapData(3, 9, 5)})


@pytest.mark.parametrize("empty", ["", "data-"])
def test_empty_type_is_refused(empty: str) -> None:
    with pytest.raises(ValueError, match="an empty one"):
        data(empty)


def test_type_that_is_no_string_is_refused() -> None:
    wrong: Any = dict
    with pytest.raises(TypeError, match="the type of a custom chunk"):
        data(wrong)
