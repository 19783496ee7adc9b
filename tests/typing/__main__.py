"""Check the public types as users see them: `python -m tests.typing`.

`good.py` must have no diagnostic; in `bad.py` each line marked `# E` must have exactly one, and no other line any.
Both under pyright (strict) and mypy (strict). Prints a table, and exits 1 on any difference.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
FILES = ("good.py", "bad.py")

Found: TypeAlias = dict[tuple[str, int], list[str]]
"""The diagnostics of a checker by file and line."""


def run(*command: str) -> str:
    """Run a checker in the root of the repository, and give what it printed."""
    module, *arguments = command
    # The commands are the ones written below.
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", module, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if not done.stdout.strip():
        raise SystemExit(f"{module} printed nothing: {done.stderr}")
    return done.stdout


def by_pyright() -> Found:
    """Ask pyright, with a configuration of its own: the one of the repository leaves this folder out."""
    config = HERE / "pyrightconfig.json"
    options = ("--outputjson", "--pythonpath", sys.executable, "--project", str(config))
    report: dict[str, Any] = json.loads(run("pyright", *options))
    found: Found = {}
    for each in report["generalDiagnostics"]:
        if each["severity"] in {"error", "warning"}:
            place = (Path(each["file"]).name, each["range"]["start"]["line"] + 1)
            found.setdefault(place, []).append(each["message"].partition("\n")[0])
    return found


def by_mypy() -> Found:
    """Ask mypy."""
    files = [str(HERE / name) for name in FILES]
    printed = run("mypy", "--strict", "--output", "json", "--python-version", "3.11", "--config-file=", *files)
    found: Found = {}
    for line in printed.splitlines():
        if line.startswith("{"):
            each = json.loads(line)
            if each["severity"] == "error":
                found.setdefault((Path(each["file"]).name, each["line"]), []).append(each["message"])
    return found


def marked() -> set[tuple[str, int]]:
    """Find the lines that must have a diagnostic."""
    lines = (HERE / "bad.py").read_text(encoding="utf-8").splitlines()
    return {("bad.py", number) for number, line in enumerate(lines, 1) if re.search(r"# E$", line)}


def differences(found: Found, wanted: set[tuple[str, int]]) -> Iterator[str]:
    """Say what is missing, and what is too much."""
    for name, line in sorted(wanted - found.keys()):
        yield f"{name}:{line}: no diagnostic on a line marked # E"
    for (name, line), messages in sorted(found.items()):
        if (name, line) not in wanted:
            yield f"{name}:{line}: {messages[0]}"
        elif len(messages) > 1:
            yield f"{name}:{line}: {len(messages)} diagnostics instead of one: {' / '.join(messages)}"


def main() -> int:
    """Run both checkers and print the table."""
    wanted = marked()
    problems = 0
    print(f"{'checker':<10}{'file':<10}{'wanted':>8}{'found':>8}{'wrong':>8}")  # noqa: T201
    for checker, ask in (("pyright", by_pyright), ("mypy", by_mypy)):
        found = ask()
        wrong = list(differences(found, wanted))
        problems += len(wrong)
        counts = Counter(name for name, _ in found)
        for name in FILES:
            expected = sum(1 for file, _ in wanted if file == name)
            mistakes = sum(1 for text in wrong if text.startswith(name))
            print(f"{checker:<10}{name:<10}{expected:>8}{counts[name]:>8}{mistakes:>8}")  # noqa: T201
        for text in wrong:
            print(f"  {text}")  # noqa: T201
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
