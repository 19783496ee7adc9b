"""The steps that the tests of the case inventory share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from rxloom import Failed, Step, StepContext, WorkflowResult, WorkflowStream, create_step
from rxloom.chunks import Chunk

Data: TypeAlias = dict[str, Any]
Builder: TypeAlias = Any
"""A workflow builder whose type changes with each call."""
Arms: TypeAlias = list[tuple[Callable[[Any], Any], Any]]
"""The arms of a branch: conditions and steps."""
Compute: TypeAlias = Callable[[Any, Any], Any]
"""Computes an output, or a result, of two values."""


def giving(id: str, output: Any, calls: list[str] | None = None) -> Step[Any, Any]:
    """Make a step that returns a constant, and notes that it was entered."""

    async def body(_input: Any) -> Any:
        if calls is not None:
            calls.append(id)
        return output

    return create_step(id, body)


def adding(id: str, number: int, calls: list[str] | None = None, key: str = "value") -> Step[Any, Any]:
    """Make a step that adds a number to a key of its input."""

    async def body(data: Data) -> Data:
        if calls is not None:
            calls.append(id)
        return {key: data[key] + number}

    return create_step(id, body)


def failing(id: str, error: Exception, calls: list[str] | None = None, **options: Any) -> Step[Any, Any]:
    """Make a step that raises."""

    async def body(_input: Any) -> Any:
        if calls is not None:
            calls.append(id)
        raise error

    return create_step(id, body, **options)


def asking(id: str, question: Any = None, calls: list[str] | None = None, **options: Any) -> Step[Any, Any]:
    """Make a step that suspends, and returns what it was answered."""

    async def body(_input: Any, ctx: StepContext) -> Any:
        if calls is not None:
            calls.append(id)
        return await ctx.suspend(question)

    return create_step(id, body, **options)


async def read(stream: WorkflowStream[Any]) -> list[Chunk]:
    """Read a stream to its end."""
    return [chunk async for chunk in stream]


def wire(chunks: list[Chunk], kind: str = "") -> list[Data]:
    """Return the wire form of the chunks of a type (without `workflow-`), or of all."""
    told = [chunk.to_wire() for chunk in chunks]
    return [chunk for chunk in told if not kind or chunk["type"] == f"workflow-{kind}"]


def ids(chunks: list[Chunk], kind: str) -> list[str]:
    """Return the step ids of the chunks of a type."""
    return [chunk["payload"]["id"] for chunk in wire(chunks, kind)]


async def failed(run: Awaitable[WorkflowResult[Any]]) -> Failed:
    """Await a result that must be a failure."""
    result = await run
    assert isinstance(result, Failed)
    return result
