"""Reads `scenarios.toml`: what is expected of each recording."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from tests.conformance.telling import Json

PATH = Path(__file__).parent / "scenarios.toml"
VERDICTS = ("match", "differs", "not-applicable")


@dataclass(frozen=True, slots=True)
class Named:
    """A difference that an entry names.

    Attributes:
        by: its number: `D3`, or that of a decision record, `0101`.
        fields: what it touches, exactly.
        args: arguments of its transformation.
    """

    by: str
    fields: frozenset[str]
    args: Json


@dataclass(frozen=True, slots=True)
class Entry:
    """What is expected of one recording.

    Attributes:
        name: of the recording.
        verdict: `match`, `differs` or `not-applicable`.
        differs: the differences, in the order in which they apply; the defaults come last.
        why: the reason of a `not-applicable`.
        log: `by speaker` where the log of independent speakers is compared for each of them.
    """

    name: str
    verdict: str
    differs: tuple[Named, ...] = ()
    why: str = ""
    log: str = ""


def _named(raw: list[dict[str, Any]]) -> tuple[Named, ...]:
    return tuple(
        Named(one["by"], frozenset(one["fields"]), {k: v for k, v in one.items() if k not in ("by", "fields")})
        for one in raw
    )


def table(path: Path = PATH) -> tuple[dict[str, Entry], tuple[Named, ...]]:
    """Return the entries by name, and the differences that all scenarios share."""
    raw = tomllib.loads(path.read_text("utf-8"))
    entries: dict[str, Entry] = {}
    for verdict, rows in raw["scenarios"].items():
        for name, row in rows.items():
            body = cast("dict[str, Any]", row) if isinstance(row, dict) else {"why": row}
            entries[name] = Entry(
                name, verdict, _named(body.get("differs", [])), body.get("why", ""), body.get("log", "")
            )
    return entries, _named(raw["defaults"]["differs"])
