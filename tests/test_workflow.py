"""Workflows as they are built: immutable builders, refusals, graphs, defaults."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel
from reactivex import operators as ops

from rxloom import (
    DuplicateStepId,
    SchemaMismatch,
    WorkflowNotCommitted,
    create_step,
    create_workflow,
    from_init,
    step,
    value,
)
from rxloom.errors import DefinitionError
from tests.ledger import ledger
from tests.play import adding, play

__all__ = ["ledger"]


class Order(BaseModel):
    """An order."""

    number: int


class Quote(BaseModel):
    """A quote."""

    total: float


@step
async def quote(order: Order) -> Quote:
    """Say what it costs."""
    return Quote(total=order.number * 2)


@step
async def ship(quote: Quote) -> str:
    return f"shipped for {quote.total}"


@step(description="looks at it", metadata={"owner": "ada"})
async def look(given: Any) -> Any:
    return given


# -- builders ----------------------------------------------------------------------------------------------------


def test_a_builder_is_never_changed_so_it_may_begin_several_workflows() -> None:
    base = create_workflow("wf").then(adding("a", 1))
    one, two = base.then(adding("b", 10)).commit(), base.then(adding("c", 100)).then(adding("b", 1000)).commit()

    assert [play(wf, 0).output for wf in (base.commit(), one, two)] == [1, 11, 1101]
    assert [list(wf.steps) for wf in (base.commit(), one, two)] == [["a"], ["a", "b"], ["a", "c", "b"]]


def test_a_committed_workflow_is_frozen_and_runs_any_number_of_times() -> None:
    wf = create_workflow("wf").then(adding("a")).commit()
    with pytest.raises(AttributeError, match="immutable"):
        wf.id = "other"

    assert [play(wf, number).output for number in range(3)] == [1, 2, 3]


def test_made_ids_count_their_kind_and_are_stable() -> None:
    def build() -> Any:
        wf: Any = create_workflow("wf").map(lambda v: v).sleep(1).then(adding("a")).map(lambda v: v).sleep(1)
        return (
            wf.sleep_until(lambda _: None).wait_for_event("e").pipe(ops.map(lambda v: v)).wait_for_event("e").commit()
        )

    found = [node.get("id") for node in build().graph["graph"]["nodes"]]

    assert found == [
        "mapping_wf_0", "sleep_wf_0", "a", "mapping_wf_1", "sleep_wf_1", "sleep_until_wf_0", "event_wf_0", "pipe_wf_0",
        "event_wf_1",
    ]  # fmt: skip
    assert build().graph == build().graph


def test_a_given_id_that_looks_like_a_made_one_is_counted() -> None:
    wf = create_workflow("wf").map(lambda v: v, id="mapping_wf_0").map(lambda v: v).commit()

    assert list(wf.steps) == ["mapping_wf_0", "mapping_wf_1"]


# -- refusals ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "again",
    [
        lambda b: b.then(adding("a")), lambda b: b.parallel([adding("b"), adding("a")]),
        lambda b: b.branch([(bool, [adding("b"), adding("a")])]), lambda b: b.do_while(adding("a"), bool),
        lambda b: b.for_each(adding("a")), lambda b: b.map(str, id="a"), lambda b: b.pipe(ops.map(str), id="a"),
    ],
    ids=["then", "parallel", "branch", "loop", "for_each", "map", "pipe"],
)  # fmt: skip
def test_an_id_can_be_used_once_whatever_uses_it(again: Any) -> None:
    with pytest.raises(DuplicateStepId, match=r"'a'.*with_id\('a-2'\).*'wf'") as caught:
        again(create_workflow("wf").then(adding("a")))

    assert caught.value.step_id == "a"


def test_a_nested_workflow_has_ids_of_its_own() -> None:
    inner = create_workflow("inner").then(adding("a")).commit()

    assert play(create_workflow("wf").then(adding("a")).then(inner).commit(), 0).output == 2


def test_the_same_step_twice_needs_another_id() -> None:
    add = adding("a")

    assert play(create_workflow("wf").then(add).then(add.with_id("b")).commit(), 0).output == 2


def test_a_step_that_cannot_take_what_comes_is_refused_where_it_is_built() -> None:
    builder: Any = create_workflow("wf", input=Order)
    with pytest.raises(SchemaMismatch, match=r"Order.*Quote.*step 'ship'.*'wf'") as caught:
        builder.then(ship)
    with pytest.raises(SchemaMismatch):
        builder.then(quote).then(quote.with_id("q"))
    with pytest.raises(SchemaMismatch):
        builder.then(quote).do_while(quote.with_id("q"), bool)

    assert (caught.value.given, caught.value.wanted) == ("Order", "Quote")


def test_where_it_cannot_be_known_nothing_is_refused() -> None:
    async def anything(given: dict[str, int]) -> Any:
        return given

    of_dicts: Any = create_workflow("wf", input=dict)
    of_dicts.then(quote).commit()
    create_workflow("wf").then(create_step("any", anything)).then(ship).commit()
    create_workflow("wf", input=Order).sleep(1).then(quote).commit()
    create_workflow("wf", input=Order).parallel([quote]).then(ship).commit()


def test_what_passes_through_a_sleep_is_still_known() -> None:
    builder: Any = create_workflow("wf", input=Order)
    with pytest.raises(SchemaMismatch):
        builder.sleep(1).then(ship)
    with pytest.raises(SchemaMismatch):
        create_workflow("wf").wait_for_event("e", output=Order).then(ship)


@pytest.mark.parametrize(
    "thing", [create_workflow("inner"), lambda v: v, "a", None], ids=["builder", "function", "id", "none"]
)
def test_what_is_no_step_is_refused_and_the_way_out_is_named(thing: Any) -> None:
    builder: Any = create_workflow("wf")
    for build in (
        lambda: builder.then(thing), lambda: builder.parallel([thing]), lambda: builder.for_each(thing),
        lambda: builder.do_while(thing, bool), lambda: builder.branch([(bool, thing)]),
    ):  # fmt: skip
        with pytest.raises(DefinitionError, match=r"commit|@step") as caught:
            build()
        assert isinstance(caught.value, WorkflowNotCommitted) == hasattr(thing, "commit")


def test_a_workflow_of_nothing_cannot_be_committed() -> None:
    with pytest.raises(WorkflowNotCommitted):
        create_workflow("wf").commit()


@pytest.mark.parametrize("name", ["", "no id", "x" * 129, "ä", 5])
def test_an_id_has_its_form(name: Any) -> None:
    with pytest.raises(DefinitionError, match="cannot be an id"):
        create_workflow(name)


def test_a_workflow_is_run_and_not_called() -> None:
    wf: Any = create_workflow("wf").then(adding("a")).commit()
    with pytest.raises(DefinitionError, match="create_run"):
        wf(1)


@pytest.mark.parametrize(
    "options", [{"run_id": ""}, {"run_id": "x" * 257}, {"run_id": 5}, {"on_existing": "replace"}], ids=str
)
def test_a_run_is_made_with_good_arguments(options: Any) -> None:
    with pytest.raises(ValueError, match=r"run id|on_existing"):
        create_workflow("wf").then(adding("a")).commit().create_run(**options)


# -- graphs ------------------------------------------------------------------------------------------------------


def everything() -> Any:
    """Build a workflow of every kind of node."""
    inner = create_workflow("inner", description="the inner one").then(adding("x")).commit()

    def big(given: Any) -> bool:
        return given == "big"

    async def done(given: Any) -> bool:
        return bool(given)

    builder: Any = create_workflow("all", description="everything", metadata={"owner": "ada"}).then(look)
    builder = builder.parallel([adding("p"), inner], max_concurrency=2)
    builder = builder.branch([(big, [adding("q"), adding("r")])], default=adding("d"), first_match=True, merge=True)
    builder = builder.do_until([adding("s"), adding("t")], done, max_iterations=9)
    builder = builder.for_each(adding("u"), concurrency=4).map({"a": from_init(), "b": value(1)}).map(str)
    builder = builder.sleep(timedelta(seconds=5)).sleep(lambda _: 1).wait_for_event("paid", timeout=60)
    return builder.pipe(ops.map(str), ops.take(1)).commit()


def test_the_graph_is_data() -> None:
    graph = everything().graph
    nodes = graph["graph"]["nodes"]

    assert json.loads(json.dumps(graph)) == graph
    assert (graph["type"], graph["id"], graph["description"], graph["metadata"]) == (
        "workflow", "all", "everything", {"owner": "ada"},
    )  # fmt: skip
    assert [node["type"] for node in nodes] == [
        "step", "parallel", "branch", "loop", "for_each", "map", "map", "sleep", "sleep", "event", "pipe",
    ]  # fmt: skip
    assert nodes[0] == {"type": "step", "id": "look", "description": "looks at it", "metadata": {"owner": "ada"}}
    assert nodes[1]["nodes"][1]["graph"]["nodes"] == [{"type": "step", "id": "x"}]
    assert nodes[2]["arms"][0]["condition"] == "big"
    assert nodes[2]["default"] == {"type": "step", "id": "d"}
    assert (nodes[3]["kind"], nodes[3]["condition"], nodes[3]["max_iterations"]) == ("do_until", "done", 9)
    assert (nodes[4]["concurrency"], nodes[4]["node"]["id"]) == (4, "u")
    assert nodes[5]["sources"] == {"a": {"from": "init", "path": "."}, "b": {"from": "value", "value": 1}}
    assert nodes[7]["seconds"] == 5
    assert "function" in nodes[8]
    assert (nodes[9]["event"], nodes[9]["timeout"]) == ("paid", 60)
    assert nodes[10]["type"] == "pipe"


def test_mermaid_and_the_notebook_show_every_step() -> None:
    wf = everything()
    bundle = wf._repr_mimebundle_()

    for text in (wf.to_mermaid(), bundle["text/plain"], bundle["text/html"]):
        assert all(name in text for name in ("look", "p", "inner", "q", "r", "d", "s", "t", "u", "paid"))
    assert wf.to_mermaid().startswith("flowchart")


def test_a_nested_workflow_under_another_id_is_shown_under_it() -> None:
    inner = create_workflow("inner").then(adding("x")).commit()
    graph = create_workflow("wf").then(inner).then(inner.with_id("again")).commit().graph

    assert [node["id"] for node in graph["graph"]["nodes"]] == ["inner", "again"]


def test_a_graph_two_hundred_levels_deep_is_drawn() -> None:
    wf = create_workflow("w0").then(adding("a")).commit()
    for depth in range(1, 201):
        wf = create_workflow(f"w{depth}").then(wf).commit()

    assert "w199" in wf.to_mermaid()
    assert "w1" in wf._repr_mimebundle_()["text/plain"]


def test_a_step_is_found_by_its_path() -> None:
    wf = everything()

    assert wf.step_at("inner.x").id == "x"
    assert wf.step_at("u[3]").id == "u"
    with pytest.raises(KeyError):
        wf.step_at("inner.nobody")


def test_it_says_what_it_takes_and_gives() -> None:
    wf = create_workflow("wf", input=Order, output=str).then(quote).then(ship).commit()

    assert repr(wf) == "<Workflow 'wf': Order -> str>"
    assert play(wf, {"number": 2}).output == "shipped for 4.0"
