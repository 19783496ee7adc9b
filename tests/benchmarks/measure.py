"""Measuring: contenders take turns round by round, so that a noisy neighbour disturbs all of them alike."""

from __future__ import annotations

import asyncio
import gc
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

ROOT = Path(__file__).parents[2]

Work: TypeAlias = Callable[[], Awaitable[object]]
Contender: TypeAlias = Callable[[bool], float]
"""Measures one round, in the unit of its row; told whether to be quick about it."""

Rule: TypeAlias = Literal["at most, times the floor", "at least, times the floor", "at most", "at least"]


@dataclass(frozen=True, slots=True)
class Row:
    """One scenario.

    Attributes:
        name: what is done.
        unit: of the figures.
        rule: how `must` binds us.
        must: the figure to reach on the machine on which `floor` was measured.
        floor: what the bare work costs there; `must / floor` is the ratio to reach on any machine.
        contenders: who does it: `floor`, `rxloom`, and peers.
        store: which rows it is shown with.
    """

    name: str
    unit: str
    rule: Rule
    must: float
    floor: float | None
    contenders: Mapping[str, Contender]
    store: Literal["memory", "sqlite"] = "memory"


@dataclass(slots=True)
class Measured:
    """The figures of one row: those of each contender, round by round."""

    row: Row
    rounds: dict[str, list[float]] = field(default_factory=dict[str, list[float]])

    def median(self, contender: str) -> float:
        """The middle figure of a contender."""
        return statistics.median(self.rounds[contender])

    def spread(self, contender: str) -> float:
        """How far its figures lie apart, as a share of the middle one."""
        figures = self.rounds[contender]
        return (max(figures) - min(figures)) / self.median(contender) if self.median(contender) else 0.0

    def ratio(self, contender: str) -> float | None:
        """Its figure over that of the floor: the middle of what each round says."""
        floors = self.rounds.get("floor")
        if not floors:
            return None
        return statistics.median(own / floor for own, floor in zip(self.rounds[contender], floors, strict=True))

    def bound(self) -> float:
        """What the figure, or the ratio to the floor, is held to."""
        return self.row.must if self.row.floor is None else self.row.must / self.row.floor

    def holds(self) -> bool:
        """Whether rxloom reaches what the row demands."""
        ratio = self.ratio("rxloom")
        match self.row.rule:
            case "at most":
                return self.median("rxloom") <= self.row.must
            case "at least":
                return self.median("rxloom") >= self.row.must
            case "at most, times the floor":
                return ratio is not None and ratio <= self.bound()
            case "at least, times the floor":
                return ratio is not None and ratio >= self.bound()


def measure(row: Row, rounds: int, *, quick: bool) -> Measured:
    """Let the contenders of a row take turns, after one turn each that does not count."""
    measured = Measured(row, {name: [] for name in row.contenders})
    for number in range(rounds + 1):
        for name, contender in row.contenders.items():
            gc.collect()
            figure = contender(quick)
            if number or rounds == 0:
                measured.rounds[name].append(figure)
    return measured


def seconds(work: Work, times: int) -> float:
    """Tell the processor time of one call, over so many calls one after another on one loop."""

    async def repeat() -> float:
        began = time.process_time()
        for _ in range(times):
            await work()
        return (time.process_time() - began) / times

    return asyncio.run(repeat())


def seconds_after_idling(work: Callable[[], Awaitable[float]], times: int, idle: float = 0.02) -> float:
    """Tell the middle of the times that calls report, each made after the process has been idle for a while.

    A request comes to a process whose caches are cold: that is what a caller waits for.
    """

    async def repeat() -> float:
        reported: list[float] = []
        for _ in range(times):
            await asyncio.sleep(idle)
            reported.append(await work())
        return statistics.median(reported)

    return asyncio.run(repeat())


def in_a_process(*arguments: str) -> float:
    """Measure in a process of its own: what a figure would otherwise inherit from the rounds before it."""
    command = [sys.executable, "-m", "tests.benchmarks.child", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)  # noqa: S603
    if done.returncode:
        message = f"{' '.join(arguments)}: {done.stderr}"
        raise RuntimeError(message)
    return float(done.stdout)


def milliseconds_to_import(module: str) -> float:
    """Tell how long an interpreter takes that imports a module and ends; its bytecode is there, as after installing."""
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", f"import {module}"]
    began = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, timeout=60, env=environment)  # noqa: S603
    return (time.perf_counter() - began) * 1e3
