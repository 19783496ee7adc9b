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
from tests.flow.overlapping import gathering, producing, row
from tests.play import adding


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
