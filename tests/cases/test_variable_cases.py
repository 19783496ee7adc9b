"""Where a step finds its values: results, input, context, maps, templates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rxloom import StepContext, create_step, create_workflow, from_context, from_init, from_result, template, value
from rxloom.errors import DefinitionError
from tests.cases.kit import Data, giving


async def _seen(look: Callable[[StepContext], Any], input: Any = None, **options: Any) -> Any:
    """Return what a function sees of the context of a step that follows step `first`."""

    async def body(_data: Any, ctx: StepContext) -> Any:
        return look(ctx)

    wf = create_workflow("wf").then(giving("first", {"result": "from first"})).then(create_step("see", body)).commit()
    return (await wf.create_run().start(input, **options)).unwrap()


async def test_the_trigger_data_reaches_the_first_step() -> None:
    seen: list[Any] = []
    wf = create_workflow("wf").then(create_step("a", seen.append, inline=True)).commit()
    await wf.create_run().start({"inputData": "test-input"})

    assert seen == [{"inputData": "test-input"}]


async def test_a_result_is_found_by_the_step_itself() -> None:
    first = giving("first", {})

    assert await _seen(lambda ctx: ctx.get_step_result(first)) == {"result": "from first"}


async def test_a_result_is_found_by_the_id_of_the_step() -> None:
    assert await _seen(lambda ctx: ctx.get_step_result("first")) == {"result": "from first"}


async def test_the_result_of_a_step_that_did_not_run_is_none() -> None:
    assert await _seen(lambda ctx: ctx.get_step_result("nowhere")) is None


async def test_a_step_sees_the_runtime_context() -> None:
    found = await _seen(lambda ctx: ctx.runtime_context["life"], runtime_context={"life": 42})

    assert found == 42


async def test_a_step_sees_the_input_of_the_run() -> None:
    assert await _seen(lambda ctx: ctx.init_data, {"cool": "test-input"}) == {"cool": "test-input"}


async def _mapped(spec: Any, input: Any = None, *, output: Any = None, **options: Any) -> Any:
    """Return what a map after step `first` gives."""
    first = giving("first", {"result": "from first"} if output is None else output)
    return (await create_workflow("wf").then(first).map(spec).commit().create_run().start(input, **options)).unwrap()


async def test_a_map_takes_from_the_step_before() -> None:
    assert await _mapped({"previous": from_result("first", "result")}) == {"previous": "from first"}


@pytest.mark.parametrize("output", ["a text", [1, 2, 3], 7])
async def test_a_map_takes_outputs_that_are_no_objects(output: Any) -> None:
    assert await _mapped({"all": from_result("first")}, output=output) == {"all": output}


async def test_a_map_takes_constants() -> None:
    assert await _mapped({"number": value(42), "list": value([1])}) == {"number": 42, "list": [1]}


async def test_a_map_takes_functions_of_the_value_and_the_context() -> None:
    def with_context(_data: Data, ctx: StepContext) -> int:
        return ctx.init_data["n"] + 1

    def without(data: Data) -> str:
        return data["result"]

    spec = {"sync": without, "with_context": with_context}

    assert await _mapped(spec, {"n": 1}) == {"sync": "from first", "with_context": 2}


async def test_a_map_takes_from_the_runtime_context() -> None:
    assert await _mapped({"life": from_context("life")}, runtime_context={"life": 42}) == {"life": 42}


async def test_a_map_may_be_a_function() -> None:
    async def all_of_it(data: Data, ctx: StepContext) -> Data:
        return {"both": f"{ctx.init_data} {data['result']}"}

    assert await _mapped(all_of_it, "in") == {"both": "in from first"}


async def test_a_map_has_the_id_it_is_given() -> None:
    wf = create_workflow("wf").then(giving("step1", 1)).map(lambda _: 2, id="step1-mapping").commit()
    result = await wf.create_run().start({})

    assert result.steps["step1-mapping"].output == 2


async def _text(text: str, input: Any = None, *, output: Any = None, **options: Any) -> str:
    return (await _mapped({"text": template(text)}, input, output=output, **options))["text"]


async def test_a_template_takes_from_the_input() -> None:
    assert await _text("Hello ${init.name}!", {"name": "Ada"}) == "Hello Ada!"


async def test_a_template_takes_from_several_places() -> None:
    found = await _text(
        "${init.a} ${state.b} ${context.c} ${steps.first.result}",
        {"a": 1},
        initial_state={"b": 2},
        runtime_context={"c": 3},
    )

    assert found == "1 2 3 from first"


async def test_a_template_takes_from_the_results_of_steps() -> None:
    assert await _text("it is ${steps.first.result}") == "it is from first"


async def test_none_is_no_text_in_a_template() -> None:
    assert await _text("[${init.gone}]", {}) == "[]"


async def _error(text: str, input: Any = None, **options: Any) -> str:
    first = giving("first", {"result": {"deep": 1}})
    wf = create_workflow("wf").then(first).map({"text": template(text)}).commit()
    result = await wf.create_run().start(input, **options)
    assert result.status == "failed"
    return result.error.message


async def test_an_object_in_a_template_fails_the_step() -> None:
    assert "resolved to an object or array" in await _error("${steps.first.result}")


async def test_a_step_without_a_result_in_a_template_fails_the_step() -> None:
    assert "nowhere" in await _error("${steps.nowhere.x}")


async def test_an_empty_template_is_an_empty_text() -> None:
    assert await _text("") == ""


async def test_a_template_may_be_literal_only() -> None:
    assert await _text("just text") == "just text"


async def test_placeholders_may_touch_each_other() -> None:
    assert await _text("${init.a}${init.b}${init.a}", {"a": "x", "b": "y"}) == "xyx"


async def test_a_stray_dollar_stands_for_itself() -> None:
    assert await _text("costs $5, or $ ${init.n}$", {"n": 6}) == "costs $5, or $ 6$"


async def test_a_path_in_a_template_may_be_numeric() -> None:
    assert await _text("${init.items.1.name}", {"items": [{"name": "a"}, {"name": "b"}]}) == "b"


async def test_a_template_may_have_several_lines() -> None:
    assert await _text("one ${init.a}\ntwo ${init.b}\n", {"a": 1, "b": 2}) == "one 1\ntwo 2\n"


async def test_a_template_may_be_long() -> None:
    text = await _text("x" * 1000 + "${init.a}" + "y" * 1000, {"a": "-"})

    assert text == "x" * 1000 + "-" + "y" * 1000


@pytest.mark.parametrize("path", ["a b", " ", "a. .b"])
def test_white_space_in_a_path_is_a_mistake(path: str) -> None:
    with pytest.raises(DefinitionError):
        template("${init." + path + "}")
    with pytest.raises(DefinitionError):
        from_init(path)


def test_an_empty_placeholder_is_a_mistake() -> None:
    with pytest.raises(DefinitionError):
        template("${}")


def test_an_unknown_place_is_a_mistake() -> None:
    with pytest.raises(DefinitionError):
        template("${nowhere.x}")


@pytest.mark.parametrize("text", ["${steps.}", "${steps}"])
def test_steps_without_a_name_is_a_mistake(text: str) -> None:
    with pytest.raises(DefinitionError):
        template(text)
