"""Every case of the inventory is tested somewhere, or it is said why not."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SECTIONS = {
    "streaming": (1, 40),
    "suspend-resume": (2, 50),
    "foreach": (3, 14),
    "nested": (4, 11),
    "branching": (5, 15),
    "loops": (7, 7),
    "retry": (8, 5),
    "abort": (12, 11),
    "error-handling": (13, 12),
    "callbacks": (15, 17),
    "variable-resolution": (16, 30),
}
"""The number of each section of the inventory, and how many cases it has."""

CASES: dict[str, dict[str, str | list[str]]] = tomllib.loads((Path(__file__).parent / "cases.toml").read_text("utf-8"))


def _entries() -> list[tuple[str, str]]:
    return [
        (number, one)
        for section in CASES.values()
        for number, entry in section.items()
        for one in ([entry] if isinstance(entry, str) else entry)
    ]


def _tests(path: Path) -> set[str]:
    body: list[Any] = ast.parse(path.read_text("utf-8")).body
    return {node.name for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize("section", SECTIONS)
def test_every_case_of_a_section_is_listed_once_and_in_order(section: str) -> None:
    number, count = SECTIONS[section]

    assert list(CASES[section]) == [f"{number}.{case}" for case in range(1, count + 1)]


def test_every_named_test_exists() -> None:
    named = {one for _, one in _entries() if not one.startswith("n/a: ")}
    files = {path: _tests(ROOT / path) for path in {one.partition("::")[0] for one in named}}

    assert [one for one in sorted(named) if one.partition("::")[2] not in files[one.partition("::")[0]]] == []


def test_every_case_that_is_left_out_says_why() -> None:
    left_out = [one for _, one in _entries() if "::" not in one]

    assert all(one.startswith("n/a: ") and len(one) > len("n/a: because") for one in left_out)


def test_every_test_of_the_inventory_stands_for_a_case() -> None:
    named = {one for _, one in _entries()}
    there = {
        f"tests/cases/{path.name}::{name}"
        for path in (ROOT / "tests" / "cases").glob("test_*.py")
        for name in _tests(path)
        if name.startswith("test_")
    }

    assert sorted(there - named) == []
