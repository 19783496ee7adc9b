"""Plays workflows in virtual time, and tells what happened in a line per chunk."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rxloom import Run, Step, StepContext, SyncStepContext, WorkflowStream, create_step
from rxloom.chunks import (
    Chunk,
    Custom,
    Gap,
    StepOutput,
    StepProgress,
    StepResult,
    StepRetry,
    StepStart,
    StepSuspended,
    StepWaiting,
    WorkflowCanceled,
    WorkflowFinish,
    WorkflowPaused,
    WorkflowStart,
)
from rxloom.testing import virtual_run


@dataclass(frozen=True)
class Played:
    """What a run came to.

    Attributes:
        run: the run.
        legs: the chunks of each leg.
        result: the result of the last one.
        results: the results of all of them.
        duration: the virtual seconds it took.
    """

    run: Run[Any, Any]
    legs: list[list[Chunk]]
    results: list[Any] = field(default_factory=list[Any])
    duration: float = 0.0

    @property
    def result(self) -> Any:
        """The last result."""
        return self.results[-1]

    @property
    def output(self) -> Any:
        """The output of a run that succeeded."""
        return self.result.unwrap()

    @property
    def chunks(self) -> list[Chunk]:
        """The chunks of all legs."""
        return [chunk for leg in self.legs for chunk in leg]

    @property
    def told(self) -> list[str]:
        """All chunks, a line each."""
        return told(self.chunks)

    @property
    def error(self) -> Any:
        """The live exception of a run that failed."""
        assert self.result.status == "failed", self.result
        return self.result.exception


def play(workflow: Any, given: Any = None, *resumes: Mapping[str, Any], **options: Any) -> Played:
    """Run a workflow in virtual time, and then each of `resumes`, which are arguments of `resume_stream_vnext`."""

    async def main() -> Played:
        run = workflow.create_run()
        played = Played(run, [])
        await _read(played, run.stream_vnext(given, **options))
        for resume in resumes:
            await _read(played, run.resume_stream_vnext(**resume))
        return Played(run, played.legs, played.results, asyncio.get_running_loop().time())

    return virtual_run(main(), debug=True)


async def _read(played: Played, stream: WorkflowStream[Any]) -> None:
    played.legs.append(await read(stream))
    played.results.append(await stream.result)


async def read(stream: WorkflowStream[Any]) -> list[Chunk]:
    """Read a stream to its end."""
    return [chunk async for chunk in stream]


async def turns(number: int = 20) -> None:
    """Let the loop go round some times, without its time passing."""
    for _ in range(number):
        await asyncio.sleep(0)


def told(chunks: Iterable[Chunk]) -> list[str]:
    """Tell chunks in a line each: `start`, `a: running`, `a > 5`, `a: success`, `success`."""
    return [_line(chunk) for chunk in chunks]


def about(chunks: Iterable[Chunk], *paths: str) -> list[str]:
    """Tell the chunks of some steps."""
    return [line for line in told(chunks) if line.partition(":")[0].partition(" >")[0] in paths]


def _line(chunk: Chunk) -> str:
    match chunk:
        case WorkflowStart():
            return "start"
        case WorkflowFinish():
            return chunk.payload.workflow_status
        case WorkflowCanceled() | WorkflowPaused() | Gap():
            return chunk.type.removeprefix("workflow-")
        case Custom():
            return f"{chunk.name} {chunk.data}"
        case StepOutput():
            return f"{_path(chunk.payload)} > {chunk.payload.output}"
        case _:
            return f"{_path(chunk.payload)}: {_happened(chunk)}"


def _path(payload: Any) -> str:
    index = getattr(payload, "current_index", getattr(payload, "index", None))
    return payload.id if index is None else f"{payload.id}[{index}]"


def _happened(chunk: StepStart | StepProgress | StepRetry | StepWaiting | StepSuspended | StepResult) -> str:
    match chunk:
        case StepStart():
            return "running" if chunk.payload.resumed_at is None else "resumed"
        case StepProgress():
            return chunk.payload.iteration_status
        case StepRetry():
            return f"retry {chunk.payload.attempt}"
        case StepResult():
            return chunk.payload.status + (" (handled)" if chunk.payload.handled else "")
        case StepWaiting() | StepSuspended():
            return chunk.payload.status


# -- steps -------------------------------------------------------------------------------------------------------


def adding(id: str = "add", number: int = 1, *, seconds: float | None = None, **options: Any) -> Step[Any, Any]:
    """Make a step that adds a number, after some seconds if they are given."""

    async def body(value: int) -> int:
        if seconds is not None:
            await asyncio.sleep(seconds)
        return value + number

    return create_step(id, body, **options)


def failing(id: str = "fail", error: BaseException | None = None, *, times: int | None = None, **options: Any) -> Any:
    """Make a step that raises, always or some times; then it returns its input."""
    left = times

    async def body(value: Any) -> Any:
        nonlocal left
        if left is None or left > 0:
            left = None if left is None else left - 1
            raise error if error is not None else ValueError("boom")
        return value

    return create_step(id, body, input=Any, output=Any, **options)


def asking(id: str = "ask", question: Any = None, *, label: str | None = None, **options: Any) -> Step[Any, Any]:
    """Make a step that suspends and returns `(input, answer)`."""

    async def body(value: Any, ctx: StepContext) -> Any:
        return value, await ctx.suspend(question, label=label)

    return create_step(id, body, output=Any, **options)


def doing(act: Callable[[Any], Any], kind: str = "async", id: str = "act") -> Any:
    """Make a step of a kind that does something with its context, and waits for it if it is a coroutine."""

    async def later(_: Any, ctx: StepContext) -> Any:
        done = act(ctx)
        return await done if hasattr(done, "__await__") else done

    def now(_: Any, ctx: SyncStepContext) -> Any:
        return act(ctx)

    return create_step(id, later if kind == "async" else now, inline=kind == "inline")


def seeing(id: str, look: Callable[[Any], Any], seen: list[Any], **options: Any) -> Step[Any, Any]:
    """Make a step that notes what `look` finds in its context, and passes its input on."""

    async def body(value: Any, ctx: StepContext) -> Any:
        seen.append(look(ctx))
        return value

    return create_step(id, body, output=Any, **options)


__all__ = [
    "Played", "about", "adding", "asking", "doing", "failing", "play", "read", "seeing", "told", "turns",
]  # fmt: skip
