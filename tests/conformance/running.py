"""Plays the scenarios and compares them with the recordings."""

from __future__ import annotations

from collections.abc import Sequence

from rxloom.testing import virtual_run
from tests.conformance.compare import compare, not_needed
from tests.conformance.scenarios import (
    canceling,
    fanning,
    linear,
    nested,
    reading,
    suspending,
    validating,
    writers,
)
from tests.conformance.stage import SCENARIOS, Play, Stage
from tests.conformance.table import Entry, Named, table
from tests.conformance.telling import Telling, recorded

THEMES = (canceling, fanning, linear, nested, reading, suspending, validating, writers)
"""Importing a theme registers its scenarios."""


def plays() -> dict[str, Play]:
    """Return the function of each scenario."""
    assert all(THEMES)
    return SCENARIOS


def played(name: str) -> Telling:
    """Play a scenario in virtual time."""
    stage = Stage()
    virtual_run(plays()[name](stage))
    return stage.told


def verdict(entry: Entry, defaults: Sequence[Named]) -> list[str]:
    """Return what is wrong with a scenario: nothing if all is as its entry says."""
    told, wanted = played(entry.name), recorded(entry.name)
    if entry.log == "by speaker":
        told.log.sort(key=_speaker)
        wanted.log.sort(key=_speaker)
    named = [*entry.differs, *(defaults if told.streams else ())]  # the defaults are about chunks
    problems = compare(wanted, told, named)
    idle = [] if problems else not_needed(wanted, told, named)
    return problems + [f"{number} is not needed" for number in idle]


def _speaker(line: str) -> str:
    return line.partition(" ")[0].partition(":")[0]


def report() -> tuple[dict[str, int], dict[str, list[str]]]:
    """Play everything: return the number of scenarios by verdict, and the problems by scenario."""
    entries, defaults = table()
    counts: dict[str, int] = {}
    problems: dict[str, list[str]] = {}
    for entry in entries.values():
        counts[entry.verdict] = counts.get(entry.verdict, 0) + 1
        if entry.verdict != "not-applicable":
            found = verdict(entry, defaults)
            if found:
                problems[entry.name] = found
    return counts, problems
