"""Every value becomes strict JSON, and none makes it fail."""

from __future__ import annotations

import array
import json
from collections import Counter, OrderedDict, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from http import HTTPMethod, HTTPStatus
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, RootModel
from pydantic.dataclasses import dataclass as pydantic_dataclass
from typing_extensions import override

from rxloom.chunks import Usage
from rxloom.jsonable import MAX_DEPTH, jsonable


class Colour(Enum):
    """Values of several types."""

    RED = "red"
    BOTH = ("red", 2)
    NONE = None


class Point(NamedTuple):
    """A typed tuple."""

    x: int
    y: int


class Model(BaseModel):
    """A field with an alias."""

    some_name: int = Field(1, alias="someName")
    took: timedelta = timedelta(seconds=2)
    other: Any = None


@pydantic_dataclass
class Checked:
    """A dataclass of pydantic's."""

    some_name: Annotated[int, Field(alias="someName")] = 1


@dataclass
class Plain:
    """A dataclass whose alias only pydantic knows of."""

    some_name: Annotated[int, Field(alias="someName")]
    when: date
    inner: Plain | None = None


@dataclass(slots=True)
class Unresolved:
    """Its annotation names nothing."""

    value: NoSuchName = 1  # type: ignore[name-defined]  # noqa: F821


class Text(str):
    """Says something else than it holds."""

    __slots__ = ()

    @override
    def __str__(self) -> str:
        return "something else"


class Rude:
    """Raises whenever it is looked at."""

    @override
    def __str__(self) -> str:
        raise RuntimeError

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


class RudeMapping(Mapping[str, int]):
    """Raises when it is read."""

    @override
    def __getitem__(self, key: str) -> int:
        raise RuntimeError

    @override
    def __iter__(self) -> Iterator[str]:
        raise RuntimeError

    @override
    def __len__(self) -> int:
        return 1

    @override
    def __repr__(self) -> str:
        return "rude"


class Polite:
    """Has only a repr."""

    @override
    def __repr__(self) -> str:
        return "polite"


CASES: list[tuple[Any, Any]] = [
    ((1, (2,)), [1, [2]]),
    ({3}, [3]),
    (frozenset({3}), [3]),
    (deque([1]), [1]),
    ({"a": 1}.keys(), ["a"]),
    ({"a": 1}.values(), [1]),
    (array.array("i", [1, 2]), [1, 2]),
    (Point(1, 2), [1, 2]),
    (OrderedDict(a=1), {"a": 1}),
    (Counter("a"), {"a": 1}),
    (MappingProxyType({"a": (1,)}), {"a": [1]}),
    (b"\xff\x00", "/wA="),
    (bytearray(b"a"), "YQ=="),
    (memoryview(b"a"), "YQ=="),
    (datetime(2026, 1, 2, 3, 4, 5, 6, UTC), "2026-01-02T03:04:05.000006+00:00"),
    (date(2026, 1, 2), "2026-01-02"),
    (time(3, 4), "03:04:00"),
    (timedelta(minutes=1, milliseconds=500), 60.5),
    (Decimal("1.10"), "1.10"),
    (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    (PurePosixPath("/a/b"), "/a/b"),
    (Fraction(1, 3), "1/3"),
    (1 + 2j, "(1+2j)"),
    (Colour.RED, "red"),
    (Colour.BOTH, ["red", 2]),
    (Colour.NONE, None),
    (HTTPMethod.GET, "GET"),
    (HTTPStatus.OK, 200),
    (Text("inside"), "inside"),
    (float("nan"), None),
    ([float("inf"), -float("inf"), 1.5], [None, None, 1.5]),
    (10**2000, hex(10**2000)),
    (Model(someName=2), {"someName": 2, "took": 2.0, "other": None}),
    (RootModel[list[str]](["a"]), ["a"]),
    (RootModel[float](float("nan")), None),
    (Checked(2), {"someName": 2}),
    (Plain(1, date(2026, 1, 2)), {"someName": 1, "when": "2026-01-02", "inner": None}),
    (Unresolved(), {"value": 1}),
    (Usage(1, None), {"inputTokens": 1, "totalTokens": 0, "reasoningTokens": 0, "cachedInputTokens": 0,
                      "cacheCreationInputTokens": 0}),
    ("a\ud83d\ude00\ud800b", "a😀\ufffdb"),
    (range(3), "range(0, 3)"),
    (Polite(), "polite"),
    (Polite, "<class 'tests.test_jsonable.Polite'>"),
    (Rude(), "<Rude>"),
    (RudeMapping(), "rude"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "wanted"), CASES, ids=lambda value: type(value).__name__)
def test_a_value_becomes_json(value: object, wanted: object) -> None:
    plain = jsonable(value)

    assert plain == wanted
    assert type(plain) is type(wanted)
    assert json.loads(json.dumps(plain, allow_nan=False, ensure_ascii=False).encode()) == plain


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("a", "a"), ("ä", "ä"), ("\ud800", "\ufffd"), (HTTPMethod.GET, "GET"), (HTTPStatus.OK, "200"),
        (Colour.RED, "red"), (None, "null"), (True, "true"), (1, "1"), (1.5, "1.5"), (float("nan"), "nan"),
        (b"a", "YQ=="), (date(2026, 1, 2), "2026-01-02"),
        (UUID(int=0), "00000000-0000-0000-0000-000000000000"), ((1, 2), "(1, 2)"),
    ],
)  # fmt: skip
def test_a_key_becomes_a_string(key: object, name: str) -> None:
    assert jsonable({key: 1}) == {name: 1}


def test_an_exception_is_told_with_its_attributes_and_causes() -> None:
    error = ValueError("boom")
    error.code = {7}  # type: ignore[attr-defined]
    error.__cause__ = KeyError("a")

    assert jsonable(error) == {
        "name": "ValueError",
        "message": "boom",
        "code": [7],
        "cause": {"name": "KeyError", "message": "'a'"},
    }


def test_a_group_has_its_first_exception_as_cause() -> None:
    told = jsonable(ExceptionGroup("several", [KeyError("a"), KeyError("b")]))

    assert isinstance(told, dict)
    assert told["cause"] == {"name": "KeyError", "message": "'a'"}


def test_a_value_inside_itself_is_cut_there() -> None:
    row: list[object] = [1]
    row.append({"row": row})
    error = ValueError("boom")
    error.__cause__ = error
    model = Model(someName=1)
    model.other = [model]

    assert jsonable(row) == [1, {"row": "<cycle>"}]
    assert jsonable(error) == {"name": "ValueError", "message": "boom", "cause": "<cycle>"}
    json.dumps(jsonable(model))


def test_a_value_that_comes_twice_is_told_twice() -> None:
    shared = [1]

    assert jsonable([shared, shared]) == [[1], [1]]


def test_no_depth_meets_the_recursion_limit() -> None:
    deep: Any = 1
    link: Plain | None = None
    for _ in range(5000):
        deep = {"a": [deep]}
        link = Plain(1, date(2026, 1, 1), link)

    text = json.dumps(jsonable(deep))

    assert text.count("[") + text.count("{") == MAX_DEPTH
    assert "<too deep>" in text
    assert "<too deep>" in json.dumps(jsonable(link))


def test_the_copy_shares_nothing_with_the_value() -> None:
    given_value: dict[str, Any] = {"a": [1]}

    plain = jsonable(given_value)
    given_value["a"].append(2)

    assert plain == {"a": [1]}


def test_an_uninitialised_field_is_left_out() -> None:
    @dataclass
    class Half:
        left: int = field(init=False)
        right: int = 2

    assert jsonable(Half()) == {"right": 2}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_plain_json_stays_as_it_is(value: object) -> None:
    assert jsonable(value) == value


ODD = st.recursive(
    JSON
    | st.floats()
    | st.binary()
    | st.datetimes()
    | st.timedeltas()
    | st.decimals()
    | st.uuids()
    | st.complex_numbers()
    | st.text(st.characters(categories=["Cs"])),
    lambda inner: st.tuples(inner, inner) | st.dictionaries(st.binary() | st.integers() | st.none(), inner),
)


@given(ODD)
def test_whatever_comes_out_is_strict_json_and_stays(value: object) -> None:
    plain = jsonable(value)

    assert json.loads(json.dumps(plain, allow_nan=False, ensure_ascii=False).encode()) == plain
    assert jsonable(plain) == plain
