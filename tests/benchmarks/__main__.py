"""Measure rxloom beside the bare work and beside installed peers: `python -m tests.benchmarks [--quick] [--check]`.

Contenders take turns, 5 rounds; the table shows the median, the spread over the rounds, and the ratio to the floor of
the same run. With `--check` the exit code is 1 if a row does not reach what it must.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tests.benchmarks.measure import Measured, Row, measure

ROUNDS = 5
QUICK_ROUNDS = 3


def main(arguments: Sequence[str]) -> int:
    """Measure, print the table and tell the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds; the figures are rough")
    parser.add_argument("--check", action="store_true", help="exit 1 if a row misses what it must reach")
    parser.add_argument("--rows", choices=["memory", "sqlite"], help="only the rows of one store")
    parser.add_argument("--only", default="", metavar="TEXT", help="only the rows whose name contains this")
    options = parser.parse_args(arguments)
    from tests.benchmarks.rows import rows  # noqa: PLC0415 - `--help` works without the library

    chosen = [row for row in rows() if options.rows in (None, row.store) and options.only in row.name]
    missed = [row for row in chosen if not _show(row, quick=options.quick)]
    if missed and options.check:
        _say(f"{len(missed)} of {len(chosen)} rows miss what they must reach: {'; '.join(r.name for r in missed)}")
    return 1 if missed and options.check else 0


def _show(row: Row, *, quick: bool) -> bool:
    measured = measure(row, QUICK_ROUNDS if quick else ROUNDS, quick=quick)
    _say(f"{row.name} [{row.unit}]: {demand(measured)}")
    for contender in row.contenders:
        _say("  " + figures(measured, contender))
    return measured.holds()


def demand(measured: Measured) -> str:
    """Put into words what a row demands, and whether rxloom reaches it."""
    row = measured.row
    words, _, times = row.rule.partition(", ")
    limit = f"{measured.bound():.2f} times the floor" if times else f"{_number(row.must)} {row.unit}"
    return f"{words} {limit} — {'ok' if measured.holds() else 'MISSED'}"


def figures(measured: Measured, contender: str) -> str:
    """Put the figures of one contender into a line."""
    ratio = measured.ratio(contender)
    shown = "" if ratio is None else f"   {ratio:6.2f} x floor"
    median = _number(measured.median(contender))
    return f"{contender:<10} {median:>12}   spread {measured.spread(contender):4.0%}{shown}"


def _number(figure: float) -> str:
    return f"{figure:,.0f}".replace(",", " ") if abs(figure) >= 100 else f"{figure:.3g}"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
