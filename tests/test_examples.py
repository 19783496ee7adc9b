"""Every example runs, as a user would run it, and prints what it says it prints."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("[0-9][0-9]_*.py"))
PRINTS = "\n# Prints:\n"


def run(script: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own scripts
        [sys.executable, "-W", "error", str(script), *arguments],
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=60,
        env={"PYTHONUTF8": "1"},
    )


def survey(*arguments: str) -> subprocess.CompletedProcess[str]:
    return run(ROOT / "examples" / "quickstart.py", *arguments)


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda script: script.stem)
def test_example_prints_what_it_says(script: Path) -> None:
    _, _, comment = script.read_text("utf-8").partition(PRINTS)
    expected = "".join(line.removeprefix("#").removeprefix(" ") for line in comment.splitlines(keepends=True))

    done = run(script)

    assert expected
    assert done.stderr == ""
    assert done.stdout == expected
    assert done.returncode == 0


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda script: script.stem)
def test_example_shows_one_idea_in_sixty_lines(script: Path) -> None:
    code, _, _ = script.read_text("utf-8").partition(PRINTS)

    assert len(code.splitlines()) <= 60


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda script: script.stem)
def test_example_is_listed_with_its_idea(script: Path) -> None:
    idea, *_ = (ast.get_docstring(ast.parse(script.read_text("utf-8"))) or "").splitlines()
    listed = (ROOT / "examples" / "README.md").read_text("utf-8").splitlines()

    assert f"| [{script.stem}]({script.name}) | {idea} |" in listed


def test_quickstart_surveys_asyncio_and_shows_progress_before_the_report() -> None:
    done = survey()

    assert done.stderr == ""
    assert done.returncode == 0
    progress, _, report = done.stdout.partition("\n\n")
    lines = progress.splitlines()
    assert len(lines) > 10
    assert lines[0].startswith("[  1/")
    assert f"Files: {len(lines)} " in report
    assert "skipped: 0\n" in report
    assert "Docstring coverage:" in report


def test_quickstart_surveys_any_folder_and_skips_what_cannot_be_parsed(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text('"""Doc."""\nimport json\n\n\ndef f():\n    return json\n', "utf-8")
    (tmp_path / "broken.py").write_text("def f(:\n", "utf-8")
    (tmp_path / "latin.py").write_bytes(b"x = '\xe9'\n")
    (tmp_path / "null.py").write_bytes(b"x = 1\0\n")
    (tmp_path / "empty.py").write_bytes(b"")
    (tmp_path / "warns.py").write_text('x = "\\d"\n', "utf-8")

    done = survey(str(tmp_path))

    assert done.stderr == ""
    assert done.returncode == 0
    assert "Files: 6 " in done.stdout
    assert "skipped: 3\n" in done.stdout
    assert all(f"skipped {tmp_path / name}" in done.stdout for name in ("broken.py", "latin.py", "null.py"))
    assert "in     1  json" in done.stdout


def test_quickstart_surveys_a_single_file(tmp_path: Path) -> None:
    file = tmp_path / "one.py"
    file.write_text("x = 1\n", "utf-8")

    done = survey(str(file))

    assert done.returncode == 0
    assert "Files: 1   lines: 1 " in done.stdout


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("missing", "there is no file or folder"),
        ("empty", "there are no Python files"),
        ("note.txt", "no Python files"),
    ],
)
def test_quickstart_is_friendly_about_a_bad_path(tmp_path: Path, name: str, complaint: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "note.txt").write_text("hello", "utf-8")

    done = survey(str(tmp_path / name))

    assert done.returncode == 1
    assert complaint in done.stderr
    assert name in done.stderr
    assert "Traceback" not in done.stderr
