"""`copy_plain`: plain containers are copied at every depth, everything else is taken by reference."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxloom.values import copy_plain

DEPTH = 100_000


@dataclass
class Model:
    """Not a plain container."""

    tags: list[str] = field(default_factory=list[str])


class OwnList(list[int]):
    """A subclass is not plain."""


class OwnDict(dict[str, int]):
    """A subclass is not plain."""


plain = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=2), inner, max_size=4)
        | st.sets(st.integers(), max_size=3)
        | st.tuples(inner, inner)
    ),
    max_leaves=30,
)


def nest_lists(depth: int) -> list[Any]:
    root: list[Any] = []
    inner = root
    for _ in range(depth):
        inner.append([])
        inner = inner[0]
    inner.append("end")
    return root


def children(value: Any) -> list[Any]:
    if type(value) is dict:
        return list(cast("dict[str, Any]", value).values())
    return list(value) if type(value) in (list, tuple) else []


def depth_of(value: Any) -> int:
    depth = 0
    while inner := children(value):
        value = inner[0]
        depth += 1
    return depth


def containers(value: Any) -> list[Any]:
    found: list[Any] = []
    stack = [value]
    while stack:
        item = stack.pop()
        if type(item) in (dict, list, set):
            found.append(item)
        stack.extend(children(item))
    return found


NOT_PLAIN: list[object] = [None, True, 1, 1.5, "x", b"bytes", frozenset({1}), Model(), OwnList([1]), OwnDict(a=1), len]


@pytest.mark.parametrize("value", NOT_PLAIN)
def test_anything_but_a_plain_container_is_returned_as_it_is(value: object) -> None:
    assert copy_plain(value) is value


@given(plain)
def test_copy_is_equal_and_shares_no_container_with_the_original(value: Any) -> None:
    copied = copy_plain(value)

    assert copied == value
    assert not {id(item) for item in containers(copied)} & {id(item) for item in containers(value)}


@given(plain)
def test_deep_path_copies_like_the_plain_one(value: Any) -> None:
    wrapped = value
    for _ in range(20):
        wrapped = [wrapped]
    copied = copy_plain(wrapped)

    assert copied == wrapped
    assert not {id(item) for item in containers(copied)} & {id(item) for item in containers(wrapped)}


def test_changing_the_original_afterwards_leaves_the_copy_alone() -> None:
    given_value: dict[str, Any] = {"list": [1, {"deep": [2]}], "set": {3}, "tuple": ([4],)}
    before = copy.deepcopy(given_value)
    copied = copy_plain(given_value)
    given_value["list"][1]["deep"].append("changed")
    given_value["set"].add("changed")
    given_value["tuple"][0].append("changed")

    assert copied == before


def test_model_in_a_container_is_the_same_object() -> None:
    model = Model(["a"])
    copied = copy_plain({"model": model, "models": [model]})

    assert copied["model"] is model
    assert copied["models"][0] is model


def test_tuple_without_containers_is_the_same_object() -> None:
    value = (1, ("a", Model()))

    assert copy_plain(value) is value


def test_tuple_with_a_container_is_copied() -> None:
    value = (1, ([2],))
    copied = copy_plain(value)

    assert copied == value
    assert copied[1][0] is not value[1][0]


def test_dict_keeps_its_order() -> None:
    assert list(copy_plain({"b": [1], "a": [2]})) == ["b", "a"]


def test_list_nested_a_hundred_thousand_times_is_copied() -> None:
    value = nest_lists(DEPTH)
    copied = copy_plain(value)

    assert copied is not value
    assert depth_of(copied) == depth_of(value)


def test_dict_nested_a_hundred_thousand_times_is_copied() -> None:
    value: Any = "end"
    for _ in range(DEPTH):
        value = {"in": value}

    assert depth_of(copy_plain(value)) == DEPTH


def test_tuple_nested_a_hundred_thousand_times_is_copied() -> None:
    innermost: list[Any] = ["end"]
    value: Any = innermost
    for _ in range(DEPTH):
        value = (value,)
    copied = copy_plain(value)
    innermost[0] = "changed"

    for _ in range(DEPTH):
        copied = copied[0]
    assert copied == ["end"]


def test_list_that_holds_itself_stays_a_cycle() -> None:
    value: list[Any] = [1]
    value.append(value)
    value.append(value)
    copied = copy_plain(value)

    assert copied is not value
    assert copied[1] is copied
    assert copied[2] is copied


def test_cycle_through_dict_and_tuple_stays_a_cycle() -> None:
    value: dict[str, Any] = {}
    value["pair"] = (value, [value])
    copied = copy_plain(value)

    assert copied is not value
    assert copied["pair"][0] is copied
    assert copied["pair"][1][0] is copied


def test_shared_part_of_a_deep_value_is_copied_once() -> None:
    value: list[Any] = []
    for _ in range(60):
        value = [value, value]  # 2**60 paths, 61 lists

    copied = copy_plain(value)

    assert len({id(item) for item in (copied, copied[0], copied[1])}) == 2
