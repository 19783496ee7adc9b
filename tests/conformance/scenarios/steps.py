"""The steps that many scenarios share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from typing_extensions import TypedDict

from rxloom import Step, StepContext, create_step
from tests.conformance.stage import Error, Stage, js

Value: TypeAlias = dict[str, Any]
Body: TypeAlias = Callable[[Value], Awaitable[Value]]


class Number(TypedDict):
    """`{value: number}`."""

    value: int


class Add(TypedDict):
    """`{add: number}`."""

    add: int


def plus_one(value: Value) -> Value:
    """Add 1."""
    return {"value": value["value"] + 1}


def add(id: str, **options: Any) -> Step[Any, Any]:
    """Make a step that adds 1."""

    async def body(value: Value) -> Value:
        return plus_one(value)

    return create_step(id, body, **options)


def timed(stage: Stage, id: str, ms: float = 0, message: str = "") -> Step[Any, Any]:
    """Make a step that logs its begin and end, takes a while, and adds 1 or raises."""

    async def body(value: Value) -> Value:
        stage.log(f"{id}:begin")
        await asyncio.sleep(ms / 1000)
        stage.log(f"{id}:end")
        if message:
            raise Error(message)
        return plus_one(value)

    return create_step(id, body)


def raising(id: str, message: str, **options: Any) -> Step[Any, Any]:
    """Make a step that raises."""

    async def body(_value: Value) -> Value:
        raise Error(message)

    return create_step(id, body, **options)


def never(id: str) -> Step[Any, Any]:
    """Make a step that must not be entered."""

    async def body(_value: Value) -> Value:
        raise AssertionError(id)

    return create_step(id, body)


def writing(id: str, *values: Any, plus: int = 0, message: str = "") -> Step[Any, Any]:
    """Make a step that writes, then adds `plus` or raises."""

    async def body(value: Value, ctx: StepContext) -> Value:
        for item in values:
            await ctx.write(item)
        if message:
            raise Error(message)
        return {"value": value["value"] + plus}

    return create_step(id, body)


def returning(id: str, output: Any) -> Step[Any, Any]:
    """Make a step that returns a constant."""

    async def body(_value: Value) -> Any:
        return output

    return create_step(id, body)


def seeing(id: str = "see") -> Step[Any, Any]:
    """Make a step that returns `{saw: input}`."""

    async def body(value: Value) -> Value:
        return {"saw": value}

    return create_step(id, body)


def asking(stage: Stage | None, id: str = "ask", question: str = "how much?") -> Step[Any, Any]:
    """Make a step that asks how much to add, and adds it."""

    async def body(value: Value, ctx: StepContext) -> Value:
        if stage is not None:
            stage.log(f"{id} called resumeData={js(ctx.resume_data)} suspendData={js(ctx.suspend_data)}")
        while ctx.resume_data is None:
            await ctx.suspend({"q": question})
        return {"value": value["value"] + ctx.resume_data["add"]}

    return create_step(id, body, resume=Add | None)
