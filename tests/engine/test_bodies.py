"""Bodies: what a function gives that is a stream without being a generator."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any, Self

import pytest

from rxloom import Step, create_step, create_workflow
from rxloom.testing import run_virtual


class Countdown:
    """An asynchronous iterator by hand: it has no `aclose`."""

    def __init__(self, start: int) -> None:
        self.left = start

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> int:
        if not self.left:
            raise StopAsyncIteration
        self.left -= 1
        return self.left


def iterate(start: int) -> Iterator[int]:
    return reversed(range(start))


def iterate_later(start: int) -> AsyncIterator[int]:
    return Countdown(start)


@pytest.mark.parametrize(
    "step",
    [
        create_step("on-thread", iterate),
        create_step("inline", iterate, inline=True),
        create_step("later", iterate_later),
    ],
    ids=lambda step: step.id,
)
def test_an_iterator_that_is_no_generator_is_a_stream_too(step: Step[int, list[int]]) -> None:
    run = run_virtual(create_workflow("count", input=int).then(step).commit(), 3)

    assert run.result.unwrap() == [2, 1, 0]


async def fetch(number: int) -> int:
    await asyncio.sleep(1)
    return number + 1


def begin(number: int) -> Any:
    return fetch(number)


@pytest.mark.parametrize("step", [create_step("on-thread", begin), create_step("inline", begin, inline=True)])
def test_a_plain_function_that_returns_a_coroutine_gives_what_that_returns(step: Step[int, Any]) -> None:
    run = run_virtual(create_workflow("w").then(step).commit(), 1)

    assert run.result.unwrap() == 2
    assert run.duration == 1


def test_a_coroutine_that_a_plain_function_returned_is_cancelled_with_its_run() -> None:
    workflow = create_workflow("w").then(create_step("fetch", begin, timeout=0.5))
    run = run_virtual(workflow.commit(), 1)

    assert run.result.status == "failed"
    assert run.duration == 0.5
