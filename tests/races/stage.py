"""What one play draws at random, and what it knows of the bodies of its run."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random
from typing import Any

from rxloom.testing import VirtualLoop

TICKS = (0, 1, 1, 2, 2, 3, 5)
"""Seconds that things take: few values, so that many things happen at the same moment."""


class Stage:
    """One play.

    Attributes:
        random: draws everything, those who act from outside included.
        open: how many bodies run.
        most: how many ran at once.
        settled: whether somebody was told that the run is settled.
        answers: what each suspension was answered with, as its body got it.
        reasons: those for which the run may be canceled.
        problems: what was wrong.
        ending: tells whether the run is about to end, so that no body may be entered.
    """

    def __init__(self, random: Random) -> None:
        """Begin a play."""
        self.random = random
        self.open = 0
        self.most = 0
        self.settled = False
        self.answers: list[tuple[str, Any]] = []
        self.reasons: list[str | None] = []
        self.problems: list[str] = []
        self.ending: Callable[[], bool] = lambda: self.settled

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
        if self.settled or self.ending():
            self.problems.append(f"a body was entered though the run {'is settled' if self.settled else 'ends'}")

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


def timers() -> list[Any]:
    """Return the timers that are set."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return [timer for timer in loop._scheduled if not timer.cancelled()]
