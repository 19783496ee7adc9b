"""Size does not matter: long chains, wide fans, deep nesting and many rounds, at the default recursion limit."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any

import pytest

from rxloom import create_step, create_workflow
from tests.scale.workflows import add, add_after_a_turn, ask, chain, fail, nested, one, wait, wide

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


def always(_value: Any) -> bool:
    return True


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
        lambda outer, inner: outer.branch([(always, inner)], merge=True),
        lambda value: value,
        lambda output: output,
    ),
    "loop": (
        lambda outer, inner: outer.do_until(inner, always),
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


KINDS = [kind for kind in NESTINGS if kind != "for_each"]


def deep(kind: str, execute: Callable[..., Any]) -> Any:
    """Put a step two hundred levels down."""
    return nested(DEPTH, NESTINGS[kind][0], create_step("innermost", execute))


@pytest.mark.parametrize("kind", KINDS)
async def test_failure_two_hundred_levels_down_comes_up(kind: str) -> None:
    result = await deep(kind, fail).create_run().start(0)

    assert result.status == "failed"
    assert result.error.name == "ValueError"


@pytest.mark.parametrize("kind", KINDS)
async def test_step_two_hundred_levels_down_is_cancelled(kind: str) -> None:
    run = deep(kind, wait).create_run()
    stream = run.stream_vnext(0)
    async for chunk in stream:
        if chunk.type == "workflow-step-start" and "innermost" in chunk.payload.id:
            await run.cancel()

    assert await stream.status == "canceled"


@pytest.mark.parametrize("kind", KINDS)
async def test_step_two_hundred_levels_down_is_suspended_and_resumed(kind: str) -> None:
    run = deep(kind, ask).create_run()

    assert (await run.start(0)).status == "suspended"
    assert (await run.resume(5)).status == "success"


async def test_ten_thousand_concurrent_runs() -> None:
    workflow = one(add_after_a_turn)
    outputs = await asyncio.gather(*[outcome(workflow, number) for number in range(10_000)])

    assert outputs == list(range(1, 10_001))
