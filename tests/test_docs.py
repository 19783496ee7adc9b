"""What the pages say is true: their Python runs, and their commands are the ones that are checked."""

from __future__ import annotations

import contextlib
import doctest
import importlib
import io
import pkgutil
import re
import sys
from collections.abc import Generator
from pathlib import Path
from types import ModuleType
from typing import get_args, get_type_hints

import pytest
from sybil import Document, Example, Sybil
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.markdown import CodeBlockParser, SkipParser

import rxloom
from rxloom import chunks, errors, operators, testing

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
MODULES = ["rxloom", *(module.name for module in pkgutil.walk_packages(rxloom.__path__, "rxloom."))]
MAX_SKIPPED = 3


class Transcript:
    """Runs the Python blocks of a page, and holds each `text` block after one to be what that one printed."""

    def __init__(self) -> None:
        self.printed = ""
        self.run = PythonEvaluator()

    def python(self, example: Example) -> None:
        """Run a block, and remember what it printed."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            self.run(example)
        self.printed = out.getvalue()

    def text(self, example: Example) -> None:
        """Compare."""
        assert str(example.parsed).strip() == self.printed.strip()


@contextlib.contextmanager
def module_of(page: Path) -> Generator[ModuleType]:
    """Give a page a module to live in, so that classes defined there find their names again."""
    module = ModuleType(f"page_{page.stem.replace('-', '_')}")
    sys.modules[module.__name__] = module
    try:
        yield module
    finally:
        del sys.modules[module.__name__]


def parse(page: Path) -> Document:
    transcript = Transcript()
    sybil = Sybil(
        parsers=[
            CodeBlockParser("python", transcript.python),
            CodeBlockParser("text", transcript.text),
            SkipParser(),
        ]
    )
    return sybil.parse(page)


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_python_on_the_page_runs_and_prints_what_follows(page: Path) -> None:
    document = parse(page)

    with module_of(page) as module:
        document.namespace = module.__dict__
        for example in document.examples():
            with contextlib.suppress(pytest.skip.Exception):
                example.evaluate()


@pytest.mark.parametrize("module", MODULES)
def test_examples_in_docstrings_run(module: str) -> None:
    failed, _ = doctest.testmod(importlib.import_module(module), optionflags=doctest.ELLIPSIS, report=True)

    assert failed == 0


def test_blocks_that_are_not_run_are_rare() -> None:
    skips = [name_of(page) for page in PAGES for _ in re.findall(r"<!--+ skip:", page.read_text("utf-8"))]

    assert len(skips) <= MAX_SKIPPED, skips


def test_no_python_block_escapes_the_tests() -> None:
    escaped = [
        f"{name_of(page)}: {fence}"
        for page in PAGES
        for fence in re.findall(r"^[ \t]*(?:```|~~~)[ \t]*(py[^\n]*)$", page.read_text("utf-8"), re.MULTILINE)
        if fence != "python"
    ]

    assert escaped == []


def test_commands_of_the_readme_are_those_that_are_checked() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    commands = re.findall(r"^python3 -m venv .*$", readme, re.MULTILINE)

    assert len(commands) == 2
    assert commands[0].endswith("examples/quickstart.py")
    assert f'"{commands[1]}"' in (ROOT / ".ci" / "run").read_text("utf-8")


def test_links_of_the_readme_lead_somewhere() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    targets = [target for target in re.findall(r"\]\(([^)#]+)", readme) if "://" not in target]

    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_reference_describes_every_public_name() -> None:
    pages = "\n".join(page.read_text("utf-8") for page in (ROOT / "docs" / "reference").glob("*.md"))
    described = set(re.findall(r"^::: (?:rxloom\.)(?:\w+\.)*(\w+)$", pages, re.MULTILINE))
    whole = {"rxloom.chunks": chunks, "rxloom.errors": errors}  # pages of a whole module

    assert all(f"::: {name}\n" in pages for name in whole)
    assert [
        name
        for name in rxloom.__all__
        if name not in described and not any(hasattr(module, name) for module in whole.values())
    ] == []


@pytest.mark.parametrize("module", [rxloom, operators, testing], ids=lambda module: module.__name__)
def test_reference_index_lists_every_public_name(module: ModuleType) -> None:
    index = (ROOT / "docs" / "reference" / "index.md").read_text("utf-8")
    pages = (chunks, errors) if module is rxloom else ()  # each a page of its own, with no list of names here

    assert [
        name for name in module.__all__ if f"`{name}`" not in index and not any(hasattr(page, name) for page in pages)
    ] == []


def test_reference_lists_every_type_of_chunk() -> None:
    table = (ROOT / "docs" / "reference" / "chunks.md").read_text("utf-8")
    types = [told for member in get_args(chunks.Told) for told in (getattr(member, "type", None),) if told]

    assert len(types) > 10
    assert [told for told in types if isinstance(told, str) and f"`{told}`" not in table] == []


def payload_of(chunk: type) -> type:
    """Give the class of what a chunk carries: the payload, or the chunk itself where it has none."""
    payload = getattr(chunk, "payload", None)
    told = get_type_hints(payload.fget if isinstance(payload, property) else chunk)
    return told["return"] if isinstance(payload, property) else told.get("payload", chunk)


def test_reference_names_only_fields_that_chunks_have() -> None:
    table = (ROOT / "docs" / "reference" / "chunks.md").read_text("utf-8")
    rows = re.findall(r"^\| `(?:data|workflow)-\S+` \| `(\w+)` \|[^|]*\|([^|]*)\|$", table, re.MULTILINE)
    named = {(chunk, field) for chunk, fields in rows for field in re.findall(r"`(\w+)`", fields)}
    gap = {("Gap", name) for name in ("from_seq", "to_seq", "count")}  # one level deeper than the others

    assert len(rows) > 10
    assert gap < named
    assert [
        f"{chunk}.{field}"
        for chunk, field in sorted(named - gap)
        if not hasattr(payload_of(getattr(chunks, chunk)), field)
    ] == []
