"""`python -m tests.conformance --report`: plays all scenarios and counts them by verdict."""

from __future__ import annotations

import argparse
import logging
import sys

from tests.conformance.running import report
from tests.conformance.table import VERDICTS


def main() -> int:
    """Print the counts, and what is wrong; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("--report", action="store_true", help="print the number of scenarios by verdict")
    parser.parse_args()
    logging.disable(logging.CRITICAL)  # scenarios fail on purpose
    counts, problems = report()
    lines = [f"{counts[verdict]:4} {verdict}" for verdict in VERDICTS]
    lines.append(f"{sum(counts.values()):4} recordings, {len(problems)} not as demanded")
    for name, found in problems.items():
        lines += ["", name, *(f"  {problem}" for problem in found)]
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
