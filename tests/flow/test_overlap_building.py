"""Overlap: how steps that take an Observable are made, and how the graph shows them."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import operator
from typing import Any

import pytest
from reactivex import Observable
from reactivex import operators as ops

from rxloom import create_step, create_workflow, step
from rxloom.errors import DefinitionError, SchemaMismatch
from rxloom.testing import with_fakes
from tests.flow.overlapping import gathering, producing, row
from tests.play import adding, play


def test_the_input_of_the_step_is_the_type_of_an_item() -> None:
    @step(observable_input=True)
    async def total(numbers: Observable[int]) -> int:
        return await numbers.pipe(ops.reduce(operator.add))

    assert repr(total) == "<Step 'total': int -> int>"
    assert total.observable_input


def test_an_annotation_that_is_no_observable_is_refused() -> None:
    async def wrong(numbers: list[int]) -> int:
        return len(numbers)

    untyped: Any = wrong

    with pytest.raises(DefinitionError, match=r"annotate `Observable\[...\]`"):
        create_step("wrong", untyped, observable_input=True)


def test_a_list_is_no_mismatch_for_a_step_that_takes_its_items() -> None:
    numbers = create_step("b", lambda items: items, input=int, observable_input=True)
    create_workflow("wf", input=list).then(numbers).commit()

    with pytest.raises(SchemaMismatch):
        create_workflow("wf", input=list).then(adding("a")).commit()


def test_the_graph_shows_steps_that_overlap() -> None:
    wf = row(producing(), gathering(), adding("c"))

    assert wf.graph["graph"]["nodes"] == [
        {"type": "overlap", "nodes": [
            {"type": "step", "id": "a"}, {"type": "step", "id": "b", "observable_input": True},
        ]},
        {"type": "step", "id": "c"},
    ]  # fmt: skip
    assert '-->|"items"|' in wf.to_mermaid()


@pytest.mark.parametrize("name", ["a", "b"])
def test_a_fake_in_place_of_a_step_overlaps_as_the_step_does(name: str) -> None:
    faked = with_fakes(row(producing(), gathering()), {name: producing("c") if name == "a" else gathering("c")})

    assert play(faked, 2).output == [0, 1]
    assert play(faked, 2).duration == 2


@pytest.mark.parametrize("name", ["a", "b"])
def test_a_workflow_in_place_of_a_step_takes_and_gives_whole_values(name: str) -> None:
    inner = create_workflow("in").then(create_step("x", lambda value: [value])).commit()
    played = play(with_fakes(row(producing(), gathering()), {name: inner}), 2)

    assert played.output == ([2] if name == "a" else [[0, 1]])
