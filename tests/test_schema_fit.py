"""Which outputs can surely not be the next step's input; in doubt they can."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, ClassVar, Generic, Protocol, TypeVar
from uuid import UUID

import pytest
from pydantic import BaseModel, ConfigDict, RootModel, model_validator
from typing_extensions import TypedDict  # the one pydantic takes before Python 3.12

from rxloom.schema import Schema
from rxloom.schema_fit import mismatch

T = TypeVar("T")


class Order(BaseModel):
    """An order."""

    item: str


class Express(Order):
    """An order in a hurry."""

    by: str


class Quote(BaseModel):
    """A price."""

    total: float


class FromObject(BaseModel):
    """Takes whatever has a total."""

    model_config: ClassVar[ConfigDict] = ConfigDict(from_attributes=True)

    total: float


class FromText(BaseModel):
    """Takes a text too."""

    total: float

    @model_validator(mode="before")
    @classmethod
    def parse(cls, value: Any) -> Any:
        """Take a text for the total."""
        return {"total": value} if isinstance(value, str) else value


class Names(RootModel[list[str]]):
    """A model that is a list."""


class Box(BaseModel, Generic[T]):
    """A generic model."""

    it: T


@dataclass
class Point:
    """A dataclass."""

    x: int


class Row(TypedDict):
    """A dict with known keys."""

    x: int


class Color(Enum):
    """An enum."""

    RED = "red"


class Sized(Protocol):
    """Something with a size."""

    size: int


class Engine:
    """A class pydantic knows nothing of."""


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (Order, Quote),
        (Order, int),
        (int, Order),
        (str, Order),
        (Point, Order),
        (Order, Point),
        (int, list),
        (int, dict),
        (list, dict),
        (Order, list),
        (None, int),
        (type(None), Order),
        (Engine, Order),
        (Engine, int),
        (datetime, UUID),
        (int, Row),
    ],
)
def test_what_cannot_be_made_of_each_other_mismatches(given: Any, wanted: Any) -> None:
    assert mismatch(Schema(given), Schema(wanted))


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (Any, Order),
        (Order, Any),
        (object, Order),
        (Order, Order),
        (Express, Order),
        (Order, Express),
        (int, float),
        (int, str),
        (str, int),
        (str, datetime),
        (str, UUID),
        (str, Color),
        (Color, str),
        (bool, int),
        (dict, Order),
        (Row, Order),
        (Row, Point),
        (Order, dict),
        (Row, dict),
        (dict, Row),
        (list, tuple),
        (set, list),
        (Iterable, list),
        (Quote, FromObject),
        (str, FromText),
        (list, Names),
        (Box[int], Box[str]),
        (Box[int], Box),
        (Order, Sized),
        (list[int], Order),
        (Order | None, Quote),
        (None, int | None),
    ],
)
def test_in_doubt_they_match(given: Any, wanted: Any) -> None:
    assert not mismatch(Schema(given), Schema(wanted))
