"""Map: a function of the value, or fields from every kind of source."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import BaseModel

from rxloom import StepContext, create_workflow, from_context, from_init, from_result, from_state, template, value
from rxloom.errors import DefinitionError, DuplicateStepId, ValidationFailed
from tests.play import adding, asking, play


class Order(BaseModel):
    """An order."""

    item: str
    lines: list[int]


def test_a_function_of_the_value() -> None:
    played = play(create_workflow("wf").map(lambda value: value + 1).commit(), 1)

    assert played.output == 2
    assert played.told == ["start", "mapping_wf_0: running", "mapping_wf_0: success", "success"]


def test_a_function_of_the_value_and_the_context_sync_or_async() -> None:
    async def later(value: int, ctx: StepContext) -> Any:
        await asyncio.sleep(1)
        await ctx.write("seen")
        return value + ctx.init_data

    wf = create_workflow("wf").map(lambda value, ctx: (value, ctx.path)[0]).map(later, id="later").commit()
    played = play(wf, 2)

    assert played.output == 4
    assert "later > seen" in played.told


def test_fields_of_every_source() -> None:
    async def slowly(given: Any) -> str:
        await asyncio.sleep(1)
        return f"slow {given}"

    sources = {
        "whole": from_result("add"),
        "item": from_init("item"),
        "line": from_init("lines.1"),
        "bracket": from_init("lines[0]"),
        "user": from_context("user"),
        "missing": from_context("nobody"),
        "tier": from_state("tier"),
        "fixed": value([1, 2]),
        "text": template("${init.item} for ${context.user.name}: ${steps.add} (${state.tier})"),
        "computed": lambda given: given * 10,
        "slow": slowly,
        "both": lambda given, ctx: (given, ctx.workflow_id),
        "skipped": from_result("never", "a.b"),
    }
    wf = (
        create_workflow("wf", input=Order).map(lambda order: len(order.lines)).then(adding("add")).map(sources).commit()
    )
    played = play(
        wf, {"item": "loom", "lines": [7, 8]}, initial_state={"tier": "gold"}, runtime_context={"user": {"name": "Ada"}}
    )

    assert played.output == {
        "whole": 3, "item": "loom", "line": 8, "bracket": 7, "user": {"name": "Ada"}, "missing": None, "tier": "gold",
        "fixed": [1, 2], "text": "loom for Ada: 3 (gold)", "computed": 30, "slow": "slow 3", "both": (3, "wf"),
        "skipped": None,
    }  # fmt: skip
    assert list(played.output) == list(sources)


def test_a_step_itself_may_be_the_source_of_its_result() -> None:
    add = adding("add")

    assert play(create_workflow("wf").then(add).map({"x": from_result(add)}).commit(), 1).output == {"x": 2}


def test_a_nested_workflow_maps_from_its_own_input_and_looks_outwards_for_results() -> None:
    inner = create_workflow("inner").map({"init": from_init(), "outer": from_result("a")}).commit()

    assert play(create_workflow("wf").then(adding("a")).then(adding("b")).then(inner).commit(), 0).output == {
        "init": 2, "outer": 1,
    }  # fmt: skip


def test_a_path_into_what_has_no_parts_fails_the_step_and_names_it() -> None:
    played = play(create_workflow("wf").then(adding("a")).map({"x": from_result("a", "b.c")}).commit(), 1)

    assert isinstance(played.error, ValidationFailed)
    assert all(word in str(played.error) for word in ("'b.c'", "step 'a'", "int"))
    assert played.told[-2:] == ["mapping_wf_0: failed", "failed"]


def test_a_function_that_raises_fails_the_step_and_is_not_tried_again() -> None:
    calls: list[int] = []

    def broken(given: int) -> int:
        calls.append(given)
        raise LookupError("no idea")

    played = play(create_workflow("wf", retries=3).map(broken).commit(), 1)

    assert isinstance(played.error, LookupError)
    assert calls == [1]


def test_a_function_cannot_change_the_output_of_the_step_before() -> None:
    def spoil(given: list[int]) -> int:
        given.append(99)
        return 0

    wf = create_workflow("wf").map(lambda _: [1], id="list").map(spoil, id="spoil").map({"x": from_result("list")})

    assert play(wf.commit()).output == {"x": [1]}


def test_a_constant_is_a_copy_for_each_run() -> None:
    wf = create_workflow("wf").map({"x": value([])}).map(lambda given: given["x"].append(1) or given).commit()

    assert [play(wf).output, play(wf).output] == [{"x": [1]}, {"x": [1]}]


def test_a_map_function_may_ask_and_is_answered() -> None:
    async def ask(given: int, ctx: StepContext) -> Any:
        return given, await ctx.suspend("how many?")

    wf = create_workflow("wf").map(ask, id="map").then(asking("ask")).commit()
    played = play(wf, 1, {"resume_data": 5}, {"resume_data": 6, "step": "ask"})

    assert played.output == ((1, 5), 6)


def test_ids_are_stable_or_given() -> None:
    wf = create_workflow("wf").map(lambda v: v).map(lambda v: v, id="named").map(lambda v: v).commit()

    assert list(wf.steps) == ["mapping_wf_0", "named", "mapping_wf_1"]


def test_what_cannot_be_a_map_is_refused_where_it_is_built() -> None:
    builder: Any = create_workflow("wf").then(adding("a"))
    with pytest.raises(DefinitionError, match=r"value\(5\)"):
        builder.map({"x": 5})
    with pytest.raises(DefinitionError, match="from_result"):
        builder.map({"x": adding("b")})
    with pytest.raises(DefinitionError, match="mapping of keys to sources"):
        builder.map(5)
    with pytest.raises(DefinitionError, match="cannot be an id"):
        builder.map(lambda v: v, id="no id")
    with pytest.raises(DuplicateStepId):
        builder.map(lambda v: v, id="a")
    with pytest.raises(DefinitionError, match="no path"):
        from_init("a..b")
