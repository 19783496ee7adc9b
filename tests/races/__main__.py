"""Race small workflows: `python -m tests.races --seeds N [--first S] [--only NAME] [--jobs J]`.

Each seed plays some of the workflows, which take turns, or the one that is named, in virtual time. It decides the order
of what is ready, how long everything takes, and what is done from outside and when. For a play in which something was
wrong it prints what, and the command that plays it again.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from functools import partial

from tests.races.racing import Report, race
from tests.races.scenarios import SCENARIOS

BLOCK = 20
"""Seeds that one process plays before it reports."""

SHOWN = 10
"""Failures that are told, and not only counted."""

WIDE = 400
"""How much is told of one problem."""


def main(arguments: Sequence[str]) -> int:
    """Play, report and tell the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.races", description=__doc__)
    parser.add_argument("--seeds", type=int, default=100, metavar="N", help="how many seeds to play")
    parser.add_argument("--first", type=int, default=0, metavar="S", help="the first of them")
    parser.add_argument(
        "--only", default="", metavar="NAME", choices=["", *names()], help=f"one of {', '.join(names())}"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="J", help="processes to play in")
    options = parser.parse_args(arguments)
    seeds = range(options.first, options.first + options.seeds)
    report = Report()
    for part in _reports(seeds, options.only, options.jobs):
        for failure in part.failures[: max(0, SHOWN - len(report.failures))]:
            _say(f"{failure.command}\n" + "".join(f"  {problem[:WIDE]}\n" for problem in failure.problems))
        report.add(part)
    endings = ", ".join(f"{number} {status}" for status, number in sorted(report.endings.items()))
    _say(f"{report.endings.total()} runs: {endings}; {len(report.failures)} went wrong")
    return 1 if report.failures else 0


def names() -> list[str]:
    """Return the names of all scenarios."""
    return [scenario.name for scenario in SCENARIOS]


def _reports(seeds: range, only: str, jobs: int) -> Iterator[Report]:
    blocks = [seeds[at : at + BLOCK] for at in range(0, len(seeds), BLOCK)]
    play = partial(race, only=only)
    if jobs == 1 or len(blocks) == 1:
        yield from map(play, blocks)
        return
    with multiprocessing.Pool(jobs) as pool:
        yield from pool.imap(play, blocks)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    warnings.simplefilter("error")
    sys.exit(main(sys.argv[1:]))
