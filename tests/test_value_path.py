"""`ValuePath`: parts of values by dotted paths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
from pydantic import BaseModel

from rxloom.errors import DefinitionError, ValidationFailed
from rxloom.value_path import ValuePath


class Line(BaseModel):
    """A model with a property and a method."""

    price: float
    count: int = 1

    @property
    def total(self) -> float:
        """Price of all."""
        return self.price * self.count

    def cancel(self) -> None:
        """Not a part of the value."""


@dataclass
class Order:
    """A dataclass."""

    lines: list[Line]
    _secret: int = 1


class Point(NamedTuple):
    """A named tuple."""

    x: int
    y: int


ORDER = Order([Line(price=2), Line(price=3, count=2)])


@pytest.mark.parametrize(
    ("path", "given", "expected"),
    [
        (".", {"a": 1}, {"a": 1}),
        (".", 5, 5),
        ("a", {"a": 1}, 1),
        ("a.b.c", {"a": {"b": {"c": 1}}}, 1),
        ("a.1", {"a": [1, 2]}, 2),
        ("a[1]", {"a": [1, 2]}, 2),
        ("[1][0]", [0, (7,)], 7),
        ("0", ["first"], "first"),
        ("lines.1.total", ORDER, 6),
        ("lines[0].price", ORDER, 2),
        ("y", Point(1, 2), 2),
        ("1", Point(1, 2), 2),
    ],
)
def test_path_leads_to_the_part(path: str, given: Any, expected: Any) -> None:
    assert ValuePath(path).of(given, "x") == expected


@pytest.mark.parametrize(
    ("path", "given"),
    [
        ("b", {"a": 1}),
        ("2", [1, 2]),
        ("name", [1, 2]),
        ("nothing", ORDER),
        ("_secret", ORDER),
        ("cancel", ORDER.lines[0]),
        ("count", (1, 2)),
        ("__class__", ORDER),
    ],
)
def test_missing_part_is_none(path: str, given: Any) -> None:
    assert ValuePath(path).of(given, "x") is None


@pytest.mark.parametrize(("path", "given"), [("value.deep", {"value": 2}), ("value.deep", {}), ("a", 1), ("a", "text")])
def test_path_into_something_without_parts_is_an_error_that_names_it(path: str, given: Any) -> None:
    with pytest.raises(ValidationFailed, match=rf"invalid path '{path}' in step 'add1'"):
        ValuePath(path).of(given, "step 'add1'")


@pytest.mark.parametrize("path", ["", " ", "a b", "a..b", ".a", "a.", "a[x]", "a[1", " a"])
def test_malformed_path_is_refused_where_it_is_written(path: str) -> None:
    with pytest.raises(DefinitionError, match="is no path"):
        ValuePath(path)
