"""Workflows of any size, for the tests of scale."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from rxloom import Step, StepContext, Workflow, create_step, create_workflow


async def add(value: int) -> int:
    return value + 1


async def add_after_a_turn(value: int) -> int:
    await asyncio.sleep(0)
    return value + 1


async def write(count: int, ctx: StepContext) -> int:
    for number in range(count):
        await ctx.write(number)
    return count


async def ask(value: int, ctx: StepContext) -> int:
    return value + await ctx.suspend("how much?")


async def fail(value: int) -> int:
    message = f"no {value}"
    raise ValueError(message)


async def wait(value: int) -> int:
    await asyncio.Event().wait()
    return value


def chain(length: int) -> Workflow[Any, Any]:
    """Steps one after another."""
    builder: Any = create_workflow("chain", input=int, output=int)
    for number in range(length):
        builder = builder.then(create_step(f"s{number}", add))
    return builder.commit()


def wide(width: int) -> Workflow[Any, Any]:
    """Steps side by side."""
    steps = [create_step(f"s{number}", add_after_a_turn) for number in range(width)]
    return create_workflow("wide", input=int).parallel(steps).commit()


def one(execute: Callable[..., Any], id: str = "one") -> Workflow[Any, Any]:
    """One step."""
    return create_workflow(id, input=int).then(create_step("step", execute)).commit()


def nested(depth: int, around: Callable[[Any, Any], Any], innermost: Step[Any, Any] | None = None) -> Any:
    """Workflows inside workflows; `around(builder, inner)` puts the inner one into the outer one."""
    inner: Any = innermost or create_step("innermost", add)
    for level in range(depth):
        inner = around(create_workflow(f"level{level}"), inner).commit()
    return inner
