"""The sources of `.map({key: source})`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from rxloom.errors import DefinitionError, ValidationFailed
from rxloom.mapping import (
    MapContext,
    MapFunction,
    MapSpec,
    Source,
    from_context,
    from_init,
    from_result,
    from_state,
    template,
    value,
)


@dataclass
class Context:
    """What a step context shows to a source."""

    init_data: Any = None
    state: Any = None
    runtime_context: Mapping[str, Any] = field(default_factory=dict[str, Any])
    results: dict[str, Any] = field(default_factory=dict[str, Any])

    def get_step_result(self, step: Any, default: Any = None) -> Any:
        """Look the output up."""
        return self.results.get(step, default)


@dataclass
class NamedStep:
    """A step, as far as a source cares."""

    id: str


CONTEXT = Context(
    init_data={"name": "Ada", "tags": ["a", "b"]},
    state={"count": 3},
    runtime_context={"a.b": 1},
    results={"price": {"total": 9.5}, "nothing": None, "list": [[1]]},
)


def resolve(source: Any, given: Any = None, ctx: MapContext = CONTEXT) -> Any:
    resolved = MapSpec({"key": source}).resolve(given, ctx)
    assert isinstance(resolved, dict)
    return resolved["key"]


SOURCES: list[tuple[Source | MapFunction, Any]] = [
    (from_result("price"), {"total": 9.5}),
    (from_result("price", "total"), 9.5),
    (from_result(NamedStep("price"), "total"), 9.5),
    (from_result("list", "0.0"), 1),
    (from_result("price", "missing"), None),
    (from_result("nothing"), None),
    (from_result("did_not_run"), None),
    (from_result("did_not_run", "total.deep"), None),
    (from_init(), {"name": "Ada", "tags": ["a", "b"]}),
    (from_init("tags[1]"), "b"),
    (from_state("count"), 3),
    (from_context("a.b"), 1),
    (from_context("missing"), None),
    (value(42), 42),
    (value(None), None),
    (template("${init.name}: ${steps.price.total}, ${state.count}, ${context.missing}"), "Ada: 9.5, 3, "),
    (lambda given: given * 2, 42),
    (lambda given, ctx: given + ctx.state["count"], 24),
]


@pytest.mark.parametrize(("source", "expected"), SOURCES)
def test_source_gives_its_value(source: Any, expected: Any) -> None:
    assert resolve(source, 21) == expected


def test_output_has_the_keys_in_their_order() -> None:
    resolved = MapSpec({"b": value(1), "a": from_init("name"), "c": lambda given: given}).resolve(3, CONTEXT)

    assert isinstance(resolved, dict)
    assert list(resolved.items()) == [("b", 1), ("a", "Ada"), ("c", 3)]


async def test_coroutine_functions_are_awaited_in_order() -> None:
    seen: list[str] = []

    async def slow(given: int) -> int:
        seen.append("slow begins")
        await asyncio.sleep(0)
        seen.append("slow ends")
        return given + 1

    def quick(given: int, ctx: Context) -> int:
        seen.append("quick")
        return given + ctx.state["count"]

    resolved = MapSpec({"one": value(1), "slow": slow, "quick": quick, "again": slow}).resolve(1, CONTEXT)

    assert not isinstance(resolved, dict)
    assert await resolved == {"one": 1, "slow": 2, "quick": 4, "again": 2}
    assert seen == ["slow begins", "slow ends", "quick", "slow begins", "slow ends"]


async def test_source_that_fails_after_a_coroutine_leaves_none_unawaited() -> None:
    async def slow(given: int) -> int:
        return given

    spec = MapSpec({"slow": slow, "bad": from_result("price", "total.deep"), "again": slow})
    resolved = spec.resolve(1, CONTEXT)

    assert not isinstance(resolved, dict)
    with pytest.raises(ValidationFailed, match=r"invalid path 'total.deep' in step 'price'"):
        await resolved


@pytest.mark.parametrize("path", ["total.deep", "missing.deep"])
def test_path_into_a_number_names_path_and_step(path: str) -> None:
    with pytest.raises(ValidationFailed, match=rf"invalid path '{path}' in step 'price'"):
        resolve(from_result("price", path))


def test_template_over_a_step_without_output_is_an_error() -> None:
    with pytest.raises(ValidationFailed, match="step 'did_not_run' has no output here"):
        resolve(template("${steps.did_not_run.x}"))


def test_template_over_a_step_that_gave_none_is_empty() -> None:
    assert resolve(template("[${steps.nothing}]")) == "[]"


def test_constant_is_not_shared_between_runs() -> None:
    spec = MapSpec({"list": value([])})
    first = spec.resolve(None, CONTEXT)
    assert isinstance(first, dict)
    first["list"].append("mine")

    assert spec.resolve(None, CONTEXT) == {"list": []}


def test_step_as_a_source_is_refused_with_advice() -> None:
    with pytest.raises(DefinitionError, match=r"from_result\(step\)"):
        MapSpec({"a": NamedStep("price")})  # pyright: ignore[reportArgumentType]


def test_constant_as_a_source_is_refused_with_advice() -> None:
    with pytest.raises(DefinitionError, match=r"value\(3\)"):
        MapSpec({"a": 3})  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("make", [from_init, from_state, partial(from_result, "a")])
def test_malformed_path_is_refused_where_it_is_written(make: Callable[[str], Source]) -> None:
    with pytest.raises(DefinitionError, match="is no path"):
        make(" ")


def test_description_is_json() -> None:
    def total(given: int) -> int:
        return given

    spec = MapSpec(
        {
            "result": from_result("price", "total"),
            "init": from_init(),
            "state": from_state("count"),
            "context": from_context("k"),
            "value": value("x"),
            "object": value({1: object()}),
            "template": template("${init.a}"),
            "function": total,
        }
    )

    assert json.loads(json.dumps(spec.describe())) == {
        "result": {"from": "result", "step": "price", "path": "total"},
        "init": {"from": "init", "path": "."},
        "state": {"from": "state", "path": "count"},
        "context": {"from": "context", "key": "k"},
        "value": {"from": "value", "value": "x"},
        "object": {"from": "value", "value": "<dict>"},
        "template": {"from": "template", "template": "${init.a}"},
        "function": {"from": "function", "name": "total"},
    }
