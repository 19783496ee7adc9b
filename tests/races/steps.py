"""Steps that take random times: what they return does not depend on chance."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import reactivex as rx
from reactivex import Observable
from reactivex import operators as ops

from rxloom import Step, StepContext, SyncStepContext, create_step
from tests.races.stage import TICKS, here


def work(id: str, **options: Any) -> Step[Any, Any]:
    """Make a step that takes some time, and may write in between."""

    async def body(value: int, ctx: StepContext) -> int:
        stage = here()
        async with stage:
            await stage.moment()
            for number in range(stage.random.choice((0, 0, 1, 3))):
                await ctx.write(number)
                await stage.moment()
            return value + 1

    return create_step(id, body, **options)


def quick(id: str, **options: Any) -> Step[Any, Any]:
    """Make a step that waits for nothing."""

    async def body(value: int) -> int:
        async with here():
            return value + 1

    return create_step(id, body, **options)


def talk(id: str, **options: Any) -> Step[Any, Any]:
    """Make a step that writes much, waiting for those who read."""

    async def body(value: int, ctx: StepContext) -> int:
        stage = here()
        async with stage:
            for number in range(12):
                if stage.happens(0.8):
                    await ctx.write({"type": "finish", "payload": {"usage": {"inputTokens": number}}})
                else:
                    ctx.write_nowait(number)
                if stage.happens(0.2):
                    await asyncio.sleep(0)
            return value + 1

    return create_step(id, body, **options)


def flaky(id: str, times: int = 2, **options: Any) -> Step[Any, Any]:
    """Make a step whose first attempts fail."""

    async def body(value: int, ctx: StepContext) -> int:
        stage = here()
        async with stage:
            await stage.moment()
            if ctx.attempt < times:
                raise ValueError(f"attempt {ctx.attempt}")
            return value + 1

    tries: Any = {"retries": times, **options}
    return create_step(id, body, **tries)


def failing(id: str, **options: Any) -> Step[Any, Any]:
    """Make a step that fails."""

    async def body(value: int) -> int:
        stage = here()
        async with stage:
            await stage.moment()
            raise ValueError(str(value))

    return create_step(id, body, **options)


def ask(id: str, **options: Any) -> Step[Any, Any]:
    """Make a step that suspends, and notes what it is answered."""

    async def body(value: int, ctx: StepContext) -> int:
        stage = here()
        async with stage:
            await stage.moment()
            answer = await ctx.suspend({"ask": id})
            stage.answers.append((ctx.path, answer))
            await stage.moment()
            return value + 1

    return create_step(id, body, **options)


def counting(id: str, **options: Any) -> Step[Any, Any]:
    """Make a step that counts itself in the state of the workflow."""

    async def body(value: int, ctx: StepContext) -> int:
        stage = here()
        async with stage:
            await stage.moment()
            await ctx.update_state(lambda state: {"count": state.count + 1})
            await stage.moment()
            return value + 1

    return create_step(id, body, **options)


def tidy(id: str, **options: Any) -> Step[Any, Any]:
    """Make a step that takes its time to end when it is cancelled."""

    async def body(value: int, ctx: StepContext) -> int:
        stage = here()
        async with stage:
            try:
                await stage.moment()
                await ctx.write("half")
                await asyncio.sleep(stage.random.choice(TICKS))
            finally:
                await asyncio.sleep(stage.random.choice((0, 0, 1)))
            return value + 1

    return create_step(id, body, **options)


def patient(id: str, **options: Any) -> Step[Any, Any]:
    """Make a step that takes long, writes nothing, and takes its time to end when it is cancelled."""

    async def body(value: int) -> int:
        stage = here()
        async with stage:
            try:
                await asyncio.sleep(stage.random.choice((1, 2, 3, 5, 9)))
            finally:
                await asyncio.sleep(stage.random.choice((0, 1)))
            return value + 1

    return create_step(id, body, **options)


def leaving(id: str, **options: Any) -> Step[Any, Any]:
    """Make a step that ends the workflow around it: now or in a moment."""

    async def body(value: int, ctx: StepContext) -> int:
        stage = here()
        async with stage:
            await stage.moment()
            ctx.bail({"left": value})

    return create_step(id, body, **options)


def aborting(id: str, **options: Any) -> Step[Any, Any]:
    """Make a step that cancels the run, or not."""

    async def body(value: int, ctx: StepContext) -> int:
        stage = here()
        async with stage:
            await stage.moment()
            if stage.happens(0.7):
                stage.reasons.append(f"aborted by step '{ctx.path}'")
                ctx.abort()
            return value + 1

    return create_step(id, body, **options)


async def settling(value: int) -> bool:
    """Be a condition that takes some time, and does not let itself be cancelled."""
    stage = here()
    try:
        await stage.moment()
    except asyncio.CancelledError:
        await asyncio.sleep(0)
    return value > 0


async def calling(_: object) -> None:
    """Be a callback that takes some time."""
    await asyncio.sleep(here().random.choice((0, 0, 1, 2)))


def inline(id: str, **options: Any) -> Step[Any, Any]:
    """Make a plain function that runs on the loop."""

    def body(value: int, ctx: SyncStepContext) -> int:
        here().enter()
        ctx.write("inline")
        return value + 1

    return create_step(id, body, inline=True, **options)


def items(id: str, **options: Any) -> Step[Any, Any]:
    """Make a step that yields its items."""

    async def body(value: int) -> AsyncIterator[int]:
        stage = here()
        async with stage:
            for _ in range(3):
                await stage.moment()
                yield value

    return create_step(id, body, collect=lambda found: len(list(found)), **options)


def ticking(id: str, **options: Any) -> Step[Any, Any]:
    """Make a step whose items an Observable brings."""

    def body(_: int, ctx: StepContext) -> Observable[int]:
        stage = here()
        stage.enter()
        return rx.interval(stage.random.choice((1, 2)), scheduler=ctx.scheduler).pipe(ops.take(3))

    return create_step(id, body, collect=lambda found: len(list(found)), **options)


def napping(id: str) -> Step[Any, Any]:
    """Make a step that sleeps, on no stage."""

    async def body(value: int) -> int:
        await asyncio.sleep(value)
        return value

    return create_step(id, body)
