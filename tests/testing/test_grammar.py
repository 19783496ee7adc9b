"""The checker takes every run that is told as it should be, whole, in legs, in part, with gaps and as a view."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from typing_extensions import override

from rxloom.chunks import Chunk, Gap, GapData, StepOutput, StepStart
from rxloom.testing import check_chunks
from tests.effort import effort
from tests.testing.story import RUN, Story, good_streams, tokens

GOOD = good_streams()
Wire = dict[str, Any]


def wire(name: str) -> list[Wire]:
    return [chunk.to_wire() for chunk in GOOD[name].chunks]


def story() -> Story:
    return Story().leg()


@pytest.mark.parametrize("name", GOOD)
def test_a_run_told_as_it_should_be_has_no_fault(name: str) -> None:
    assert check_chunks(GOOD[name].chunks) == []


@pytest.mark.parametrize("name", GOOD)
def test_its_wire_form_has_no_fault(name: str) -> None:
    assert check_chunks(wire(name)) == []


@pytest.mark.parametrize("name", GOOD)
def test_every_beginning_of_it_has_no_fault(name: str) -> None:
    chunks = GOOD[name].chunks

    assert [check_chunks(chunks[:end], complete=False) for end in range(len(chunks))] == [[]] * len(chunks)


@pytest.mark.parametrize("name", ["resumed", "one of two resumed", "nested resumed", "items resumed", "time travel"])
def test_each_leg_alone_has_no_fault(name: str) -> None:
    chunks = GOOD[name].chunks
    starts = [index for index, chunk in enumerate(chunks) if chunk.type == "workflow-start"]
    legs = [chunks[start:end] for start, end in zip(starts, [*starts[1:], None], strict=True)]

    assert [check_chunks(leg) for leg in legs] == [[]] * len(legs)


def test_what_is_no_chunk_is_said_to_be_none() -> None:
    given: Any = [None, *GOOD["empty"].chunks]

    assert check_chunks(given)[0] == "shape: chunk 0: it is no chunk, but of NoneType"


def test_a_refused_call_has_no_chunk_and_no_fault() -> None:
    assert check_chunks([]) == []


def test_chunks_without_numbers_are_checked_but_for_the_numbers() -> None:
    chunks = [{key: value for key, value in chunk.items() if key != "seq"} for chunk in wire("nested")]

    assert check_chunks(chunks) == []
    assert check_chunks(chunks[:-1]) == ["leg-end: chunk 6: there is no workflow-finish"]


def gap(first: int, last: int, count: int | None = None) -> Gap:
    return Gap(RUN, GapData(first, last, count or last - first + 1))


@pytest.mark.parametrize("name", GOOD)
def test_a_gap_stands_for_what_is_missing(name: str) -> None:
    chunks = GOOD[name].chunks
    for first in range(len(chunks) - 1):
        for last in range(first, len(chunks) - 1):
            assert check_chunks([*chunks[:first], gap(first, last), *chunks[last + 1 :]]) == []


def test_a_gap_may_stand_before_chunks_of_its_own_range() -> None:
    chunks = GOOD["retry"].chunks
    outputs = [chunk for chunk in chunks if isinstance(chunk, StepOutput)]
    kept = [chunk for chunk in chunks[2:] if chunk not in outputs]

    assert check_chunks([*chunks[:2], gap(2, 4, 2), *kept]) == []


@pytest.mark.parametrize("wrong", [gap(2, 3), gap(2, 5), gap(1, 4), gap(2, 4, 2), gap(2, 4, 9)])
def test_a_gap_that_says_something_else_is_found(wrong: Gap) -> None:
    chunks = GOOD["retry"].chunks

    found = check_chunks([*chunks[:2], wrong, *chunks[5:]])

    assert found[0].startswith("seq: ")


def test_what_follows_a_gap_is_checked_again() -> None:
    start = story().start("a").chunks[1]
    assert isinstance(start, StepStart)

    found = check_chunks([gap(0, 4), replace(start, seq=5), replace(start, seq=6)], complete=False)

    assert any(message.startswith("reopen: ") for message in found)


def view(name: str) -> list[Chunk]:
    """Leave out what `close_on_suspend=False` leaves out."""
    chunks = GOOD[name].chunks
    ends = [index for index, chunk in enumerate(chunks[:-1]) if chunk.type == "workflow-finish"]
    return [chunk for index, chunk in enumerate(chunks) if index not in ends and index - 1 not in ends]


@pytest.mark.parametrize("name", ["resumed", "one of two resumed", "nested resumed", "canceled while suspended"])
def test_a_view_over_several_legs_has_no_fault_if_it_is_called_one(name: str) -> None:
    assert check_chunks(view(name), view=True) == []
    assert any(message.startswith("seq: ") for message in check_chunks(view(name)))


def test_a_view_counts_the_usage_of_each_leg_by_itself() -> None:
    told_twice = Story().leg().start("a").write("a", tokens(1)).suspend("a").finish("suspended").leg()
    told_twice.start("a", resume=1).write("a", tokens(2)).end("a").finish()
    chunks = [chunk for chunk in told_twice.chunks if chunk.to_wire()["seq"] not in {4, 5}]

    assert check_chunks(told_twice.chunks) == []
    assert check_chunks(chunks, view=True) == []


def test_damage_in_a_view_is_found() -> None:
    chunks = view("resumed")

    assert check_chunks([*chunks[:2], *chunks[3:]], view=True) != []


def test_checking_costs_no_more_per_chunk_the_more_there_are() -> None:
    def long(rounds: int) -> list[Chunk]:
        told = story()
        for _ in range(rounds):
            told.start("p").write("p", {"a": 1}).step("p.x").end("p")
        return told.finish().chunks

    some, twice = long(1_000), long(2_000)

    assert check_chunks(twice) == []
    assert effort(lambda: check_chunks(twice)) < 2.2 * effort(lambda: check_chunks(some))


def test_a_mapping_that_is_no_dict_is_read_too() -> None:
    class Frozen(Mapping[str, Any]):
        def __init__(self, given: Wire) -> None:
            self._given = given

        @override
        def __getitem__(self, key: str) -> Any:
            return self._given[key]

        @override
        def __iter__(self) -> Iterator[str]:
            return iter(self._given)

        @override
        def __len__(self) -> int:
            return len(self._given)

    assert check_chunks([Frozen(chunk) for chunk in wire("empty")]) == []
