"""Steps that overlap, for the tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from reactivex import Observable

from rxloom import Step, StepContext, Workflow, create_step, create_workflow, to_async_iterator


def producing(
    id: str = "a", *, every: float = 1, then: Callable[[StepContext, int], Any] | None = None, **options: Any
) -> Step[Any, Any]:
    """Make a step that yields so many numbers, one after each `every` seconds, and calls `then` before each."""

    async def body(count: int, ctx: StepContext) -> AsyncIterator[int]:
        for number in range(count):
            await asyncio.sleep(every)
            if then is not None:
                then(ctx, number)
            yield number

    return create_step(id, body, output=Any, **options)


def gathering(
    id: str = "b", *, seconds: float = 0, then: Callable[[StepContext, Any], Any] | None = None, **options: Any
) -> Step[Any, Any]:
    """Make a step that writes `saw …` for each item, takes some seconds for it, and returns them all."""

    async def body(items: Observable[Any], ctx: StepContext) -> list[Any]:
        seen: list[Any] = []
        async for item in to_async_iterator(items):
            await asyncio.sleep(seconds)
            if then is not None:
                then(ctx, item)
            seen.append(item)
            ctx.write_nowait(f"saw {item}")
        return seen

    options.setdefault("input", Any)
    return create_step(id, body, output=Any, observable_input=True, **options)


def passing(id: str = "b") -> Step[Any, Any]:
    """Make a step that yields ten times each item."""

    async def body(items: Observable[int]) -> AsyncIterator[int]:
        async for item in to_async_iterator(items):
            yield item * 10

    return create_step(id, body, observable_input=True)


def row(*steps: Step[Any, Any], **options: Any) -> Workflow[Any, Any]:
    """Make a workflow of steps in a row."""
    builder: Any = create_workflow("wf", **options)
    for one in steps:
        builder = builder.then(one)
    return builder.commit()
