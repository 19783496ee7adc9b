"""Plays scenarios by seed, and tells what was wrong."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
from __future__ import annotations

import asyncio
import logging
import sys
from collections import Counter
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from random import Random
from typing import Any

from typing_extensions import override

from rxloom.testing import VirtualLoop, virtual_run
from tests.races.checks import problems
from tests.races.playing import Play
from tests.races.scenarios import SCENARIOS, Scenario


@dataclass(frozen=True)
class Failure:
    """A play in which something was wrong."""

    name: str
    seed: int
    problems: Sequence[str]

    @property
    def command(self) -> str:
        """What plays it again."""
        return f"python -m tests.races --seeds 1 --first {self.seed} --only {self.name}"


@dataclass
class Report:
    """What some plays came to."""

    endings: Counter[str] = field(default_factory=Counter[str])
    failures: list[Failure] = field(default_factory=list[Failure])

    def add(self, other: Report) -> None:
        """Count the plays of another report, too."""
        self.endings.update(other.endings)
        self.failures += other.failures


TURNS = 50_000
"""After so many turns of its loop, a play has no end; they have some hundreds."""

PER_SEED = 6
"""So many scenarios a seed plays; all of them take turns."""


def race(seeds: Iterable[int], only: str = "") -> Report:
    """Play some scenarios, or the one that is named, with each seed."""
    report = Report()
    named = [scenario for scenario in SCENARIOS if scenario.name == only]
    for seed in seeds:
        for scenario in named or turn(seed):
            play, found = played(scenario, seed)
            report.endings[play.status] += 1
            if found:
                report.failures.append(Failure(scenario.name, seed, found))
    return report


def turn(seed: int) -> list[Scenario]:
    """Return the scenarios whose turn it is."""
    return [SCENARIOS[at % len(SCENARIOS)] for at in range(seed * PER_SEED, (seed + 1) * PER_SEED)]


def played(scenario: Scenario, seed: int) -> tuple[Play, Sequence[str]]:
    """Play one scenario with one seed; return it, and what was wrong."""
    output = undisturbed(scenario)
    random = Random(f"{scenario.name} {seed}")  # noqa: S311 # it is to be repeatable
    play = Play(scenario, random)
    with _complaints() as complaints:
        try:
            with asyncio.Runner(loop_factory=partial(Counted, seed=random.randrange(2**32))) as runner:
                runner.run(play.main())
            found = list(problems(play, output))
        except Exception as error:  # noqa: BLE001 # a play that cannot go on is wrong, too
            found = [f"{type(error).__name__}: {error}"]
    return play, [*found, *complaints]


class Counted(VirtualLoop):
    """A loop that does not go round for ever."""

    left = TURNS

    @override
    def shuffle(self) -> None:
        self.left -= 1
        if not self.left:
            self.left = TURNS  # to be closed
            raise RuntimeError(f"no end after {TURNS} turns, at {self.time():g} s")
        super().shuffle()


@cache
def undisturbed(scenario: Scenario) -> tuple[str, Any]:
    """Return how a run of the scenario ends where nobody interferes: its status and its output."""
    for seed in range(100):
        play = Play(scenario, Random(f"undisturbed {seed}"))  # noqa: S311 # it is to be repeatable
        virtual_run(play.main())
        if not play.reasons:
            wanted = not scenario.steady or play.status == scenario.status
            assert wanted, f"{scenario.name} comes to {play.status}: {play.output!r}"
            return play.status, play.output
    raise AssertionError(f"somebody always interferes with {scenario.name}")


class _Complaints(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.found: list[str] = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        self.found.append(f"logged: {record.getMessage()}" + ("" if error is None else f": {error!r}"))


@contextmanager
def _complaints() -> Generator[list[str]]:
    """Collect what is logged meanwhile, and what is raised where nobody can catch it."""
    handler = _Complaints()
    loggers = [logging.getLogger(name) for name in ("rxloom", "asyncio")]
    before, sys.unraisablehook = sys.unraisablehook, lambda wrong: handler.found.append(f"raised: {wrong.exc_value!r}")
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield handler.found
    finally:
        sys.unraisablehook = before
        for logger in loggers:
            logger.removeHandler(handler)
