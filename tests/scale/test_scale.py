"""Size does not matter: long chains, wide fans, deep nesting and many rounds, at the default recursion limit."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any

import pytest

from rxloom import create_step, create_workflow
from tests.scale.workflows import add, add_after_a_turn, chain, nested, one, wide

DEPTH = 200


@pytest.fixture(autouse=True)
def default_recursion_limit() -> None:
    assert sys.getrecursionlimit() == 1_000


async def outcome(workflow: Any, given: Any) -> Any:
    """Run a workflow, count its chunks, give its output."""
    stream = workflow.create_run().stream_vnext(given)
    last = None
    async for chunk in stream:
        last = chunk
    assert last is not None
    assert last.type == "workflow-finish"
    return (await stream.result).unwrap()


async def test_chain_of_ten_thousand_steps() -> None:
    assert await outcome(chain(10_000), 0) == 10_000


async def test_loop_of_a_hundred_thousand_rounds() -> None:
    loop = create_workflow("loop", input=int).do_until(create_step("s", add), lambda value: value >= 100_000)

    assert await outcome(loop.commit(), 0) == 100_000


async def test_parallel_of_five_thousand() -> None:
    output = await outcome(wide(5_000), 1)

    assert output == {f"s{number}": 2 for number in range(5_000)}


@pytest.mark.parametrize("concurrency", [1, 100])
async def test_for_each_over_a_hundred_thousand_items(concurrency: int) -> None:
    step = create_step("s", add)
    workflow = create_workflow("each", input=list[int]).for_each(step, concurrency=concurrency).commit()

    assert await outcome(workflow, list(range(100_000))) == list(range(1, 100_001))


NESTINGS: dict[str, tuple[Callable[[Any, Any], Any], Callable[[int], Any], Callable[[Any], Any]]] = {
    "then": (lambda outer, inner: outer.then(inner), lambda value: value, lambda output: output),
    "then, with steps around": (
        lambda outer, inner: outer.then(create_step("before", add)).then(inner).then(create_step("after", add)),
        lambda value: value,
        lambda output: output - 2 * DEPTH,
    ),
    "parallel": (
        lambda outer, inner: outer.parallel([inner]),
        lambda value: value,
        lambda output: _peel(output, lambda value: isinstance(value, dict), lambda value: next(iter(value.values()))),
    ),
    "branch": (
        lambda outer, inner: outer.branch([(lambda _value: True, inner)], merge=True),
        lambda value: value,
        lambda output: output,
    ),
    "loop": (
        lambda outer, inner: outer.do_until(inner, lambda _value: True),
        lambda value: value,
        lambda output: output,
    ),
    "for_each": (
        lambda outer, inner: outer.for_each(inner),
        lambda value: _wrapped(value, DEPTH),
        lambda output: _peel(output, lambda value: isinstance(value, list), lambda value: value[0]),
    ),
}


def _wrapped(value: Any, depth: int) -> Any:
    for _ in range(depth):
        value = [value]
    return value


def _peel(value: Any, wrapped: Callable[[Any], bool], unwrap: Callable[[Any], Any]) -> Any:
    while wrapped(value):
        value = unwrap(value)
    return value


@pytest.mark.parametrize("kind", NESTINGS)
async def test_two_hundred_levels_of_nesting(kind: str) -> None:
    around, given, peeled = NESTINGS[kind]

    assert peeled(await outcome(nested(DEPTH, around), given(0))) == 1


async def test_failure_two_hundred_levels_down_comes_up() -> None:
    async def fail(_value: int) -> int:
        message = "deep down"
        raise ValueError(message)

    inner: Any = create_step("innermost", fail)
    for level in range(DEPTH):
        inner = create_workflow(f"level{level}").then(inner).commit()
    result = await inner.create_run().start(0)

    assert result.status == "failed"
    assert result.error.message == "deep down"


async def test_ten_thousand_concurrent_runs() -> None:
    workflow = one(add_after_a_turn)
    outputs = await asyncio.gather(*[outcome(workflow, number) for number in range(10_000)])

    assert outputs == list(range(1, 10_001))
