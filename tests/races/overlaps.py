"""Workflows whose steps overlap, to be raced."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from reactivex import Observable
from reactivex import operators as ops

from rxloom import Step, StepContext, create_step, create_workflow, to_async_iterator
from tests.races.stage import here

ITEMS = 3


def giving(id: str, *, asks: bool = False, fails: int = 0, **options: Any) -> Step[Any, Any]:
    """Make a step that yields three numbers; it may suspend or fail before any of them."""

    async def body(value: int, ctx: StepContext) -> AsyncIterator[int]:
        stage = here()
        async with stage:
            for number in range(ITEMS):
                await stage.moment()
                if asks and number == 1:
                    stage.answers.append((ctx.path, await ctx.suspend({"ask": id})))
                if ctx.attempt < fails and number == fails:
                    raise ValueError(f"attempt {ctx.attempt}")
                yield value + number

    tries: Any = {"retries": fails, **options}
    return create_step(id, body, **tries)


def handing_on(id: str, **options: Any) -> Step[Any, Any]:
    """Make a step that yields each item again, in its own time."""

    async def body(items: Observable[int]) -> AsyncIterator[int]:
        stage = here()
        async with stage:
            async for item in to_async_iterator(items):
                await stage.moment()
                yield item

    return create_step(id, body, observable_input=True, **options)


def adding_up(id: str, *, asks: bool = False, fails: int = 0, **options: Any) -> Step[Any, Any]:
    """Make a step that adds all items up; it may suspend or fail at the first of them."""

    async def body(items: Observable[int], ctx: StepContext) -> int:
        stage = here()
        async with stage:
            total = 0
            async for item in to_async_iterator(items):
                await stage.moment()
                if asks and not total:
                    stage.answers.append((ctx.path, await ctx.suspend({"ask": id})))
                if ctx.attempt < fails:
                    raise ValueError(f"attempt {ctx.attempt}")
                total += item
            return total

    tries: Any = {"retries": fails, **options}
    return create_step(id, body, observable_input=True, **tries)


def overlapping() -> Any:
    """Be three steps in a row, of which the first and the last ask."""
    return (
        create_workflow("overlapping")
        .then(giving("a", asks=True))
        .then(handing_on("b").pipe(ops.retry(2)))
        .then(adding_up("c", asks=True))
    )


def overlapping_retries() -> Any:
    """Be steps in a row that are tried again, one body at a time."""
    flow = create_workflow("overlapping_retries", max_concurrency=1).then(giving("a", fails=1))
    return flow.then(handing_on("b").pipe(ops.retry(2))).then(adding_up("c", fails=1, retries=3))


def overlapping_failure() -> Any:
    """Be arms in which the first or the second of two fails for good."""
    one = create_workflow("one").then(giving("a", fails=1, retries=0)).then(adding_up("b", asks=True)).commit()
    two = create_workflow("two").then(giving("a")).then(adding_up("b", fails=1, retries=0)).commit()
    return create_workflow("overlapping_failure").parallel([one, two])


def overlapping_limits() -> Any:
    """Be steps in a row with time limits."""
    flow = create_workflow("overlapping_limits").then(giving("a", timeout=6.0, retries=2))
    return flow.then(handing_on("b", total_timeout=12.0)).then(adding_up("c", timeout=4.0, fails=1))
