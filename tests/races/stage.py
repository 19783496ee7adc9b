"""What one play draws at random, what it knows of the bodies of its run, and the steps whose bodies tell it."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import reactivex as rx
from reactivex import Observable
from reactivex import operators as ops

from rxloom import Step, StepContext, SyncStepContext, create_step

TICKS = (0, 1, 1, 2, 2, 3, 5)
"""Seconds that things take: few values, so that many things happen at the same moment."""


class Stage:
    """One play.

    Attributes:
        random: draws everything, those who act from outside included.
        open: how many bodies run.
        most: how many ran at once.
        entries: how many bodies were entered.
        settled: whether somebody was told that the run is settled.
        answers: what each suspension was answered with, as its body got it.
        problems: what was wrong.
    """

    def __init__(self, random: Random) -> None:
        """Begin a play."""
        self.random = random
        self.open = 0
        self.most = 0
        self.entries = 0
        self.settled = False
        self.answers: list[tuple[str, Any]] = []
        self.problems: list[str] = []

    async def __aenter__(self) -> None:
        """Enter a body."""
        self.enter()
        self.open += 1
        self.most = max(self.most, self.open)

    async def __aexit__(self, *_: object) -> None:
        """Leave it."""
        self.open -= 1

    def enter(self) -> None:
        """Take note that a body is entered."""
        self.entries += 1
        if self.settled:
            self.problems.append("a body was entered after the run was settled")

    def settle(self) -> None:
        """Take note that somebody was told that the run is settled."""
        self.settled = True
        if self.open:
            self.problems.append(f"{self.open} bodies are open though the run is settled")

    async def moment(self) -> None:
        """Wait for some turns of the loop, or some time, or not at all."""
        for _ in range(self.random.choice((0, 0, 1, 1, 2, 3))):
            await asyncio.sleep(0)
        seconds = self.random.choice(TICKS)
        if seconds:
            await asyncio.sleep(seconds)

    def happens(self, share: float) -> bool:
        """Draw whether something happens, in so many of all cases."""
        return self.random.random() < share


_current: list[Stage] = []


def enter(stage: Stage) -> None:
    """Have the bodies of all steps play on this stage."""
    _current[:] = [stage]


def here() -> Stage:
    """Return the stage of the play that runs."""
    return _current[0]


# -- steps: what they return does not depend on chance --------------------------------------------------------------


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

    return create_step(id, body, **{"retries": times, **options})


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
