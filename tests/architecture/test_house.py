"""The house is in order: sizes, imports, words, the table of the architecture page, the changelog."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
TESTS = [path for path in sorted((ROOT / "tests").rglob("*.py")) if path.parent.name != "typing"]
MAX_LINES = 400
MAX_TEST_LINES = 300
MAX_STATEMENTS = 40
ALLOWED = {"rxloom", "reactivex", "pydantic", "pydantic_core", "typing_extensions", "opentelemetry"}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tracked() -> list[Path]:
    """Return the text files of the repository."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout  # noqa: S607
    paths = [ROOT / name.decode() for name in listed.split(b"\0") if name]
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()[:1024]]


def statements(function: ast.AST) -> int:
    return sum(isinstance(node, ast.stmt) for node in ast.walk(function)) - 1


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_source_file_is_small_and_so_are_its_functions(path: Path) -> None:
    text = path.read_text("utf-8")
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]

    assert len(text.splitlines()) <= MAX_LINES
    assert [node.name for node in functions if statements(node) > MAX_STATEMENTS] == []


def test_test_files_are_short() -> None:
    assert [name_of(path) for path in TESTS if len(path.read_text("utf-8").splitlines()) > MAX_TEST_LINES] == []


def test_nobody_escapes_the_size_gates_by_a_comment() -> None:
    escape = re.compile(r"#\s*noqa:[^\n]*\b(C901|PLR09\d\d)\b")

    assert [name_of(path) for path in SOURCES if escape.search(path.read_text("utf-8"))] == []


def test_every_ignore_of_a_checker_names_its_rule() -> None:
    bare = re.compile(r"#\s*(type: ignore(?!\[)|pyright: ignore(?!\[)|noqa(?!:))")

    assert [name_of(path) for path in SOURCES + TESTS if bare.search(path.read_text("utf-8"))] == []


def test_core_imports_only_its_three_dependencies() -> None:
    foreign = {
        f"{name_of(path)}: {name}"
        for path in SOURCES
        if path.is_relative_to(ROOT / "src" / "rxloom")  # beside it is the plug-in of pytest
        for name in imported(ast.parse(path.read_text("utf-8")))
        if name not in ALLOWED and name not in sys.stdlib_module_names
    }

    assert foreign == set()


def test_tests_need_no_extra_but_dev() -> None:
    others = {
        re.split(r"[\[><=~! ]", wanted)[0]
        for extra, wants in pyproject()["project"]["optional-dependencies"].items()
        if extra != "dev"
        for wanted in wants
    }
    needed = {
        f"{name_of(path)}: {name}"
        for path in TESTS
        if "benchmarks" not in path.parts  # compares with peers that happen to be installed
        for name in imported(ast.parse(path.read_text("utf-8")))
        if name in others
    }

    assert others
    assert needed == set()


def test_no_file_names_a_place_that_only_one_machine_has() -> None:
    places = re.compile("|".join(rf"(?<![\w.<>/~-])/{place}/" for place in ("wo" + "rk", "ro" + "ot", "ho" + "me")))

    assert [name_of(path) for path in tracked() if places.search(path.read_text("utf-8", "replace"))] == []


def test_source_has_no_unfinished_places() -> None:
    unfinished = re.compile("|".join(("TO" + "DO", "FIX" + "ME", "NotImplemented" + "Error")))

    assert [name_of(path) for path in SOURCES if unfinished.search(path.read_text("utf-8"))] == []


def test_paths_of_the_architecture_page_exist() -> None:
    page = (ROOT / "docs" / "explanation" / "architecture.md").read_text("utf-8")
    paths = re.findall(r"`((?:src|docs|tests|examples)/[^`]*|[A-Z]+\.md|pyproject\.toml)`", page)

    assert len(paths) > 10
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_changelog_has_unreleased_first_and_known_headings() -> None:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    versions = re.findall(r"^## (.*)$", text, re.MULTILINE)
    headings = re.findall(r"^### (.*)$", text, re.MULTILINE)

    assert text.startswith("# Changelog\n")
    assert versions[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", version) for version in versions[1:])
    assert set(headings) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
